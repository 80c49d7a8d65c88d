// What is asked of every character of a text, asked once of each.

/** The answer of `ask` for a character, remembered for those of the basic plane. */
export function remembered<Answer>(ask: (character: string) => Answer): (character: string) => Answer {
  const known: (Answer | undefined)[] = []
  return (character) => {
    if (character.length > 1) return ask(character)
    const unit = character.charCodeAt(0)
    const answer = known[unit]
    return answer === undefined ? (known[unit] = ask(character)) : answer
  }
}

/** The character at a place: two code units where they are a pair. */
export function characterAt(text: string, at: number): string {
  const unit = text.charCodeAt(at)
  if (unit < 0xd800 || unit > 0xdbff) return text[at]!
  const next = text.charCodeAt(at + 1)
  return next >= 0xdc00 && next <= 0xdfff ? text.slice(at, at + 2) : text[at]!
}
