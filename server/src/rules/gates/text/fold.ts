// Text brought to the form in which terms are looked for: however a word was written, here it reads the same.
import { characterAt, remembered } from './characters.ts'
import { lookalike } from './lookalikes.ts'
import { Rewriting } from './mapped.ts'
import type { Mapped } from './mapped.ts'

const ascii = /^[\x00-\x7f]*$/
const marks = /\p{M}+/gu
const isWordy = remembered((character) => /[\p{L}\p{N}\p{Sc}%]/u.test(character))
const folded = remembered(foldCharacter)

/** Lower case, in pieces that can be traced back. */
export function lower(from: Mapped): Mapped {
  const whole = from.text.toLowerCase()
  // Nearly always letter by letter; a few letters become two.
  if (whole.length === from.text.length) return from.as(whole)
  return each(from, (character) => character.toLowerCase())
}

/** Lower case without marks, letters of other scripts as the Latin ones that they look like. */
export function fold(from: Mapped): Mapped {
  if (ascii.test(from.text)) return lower(from)
  return each(from, folded)
}

function foldCharacter(character: string): string {
  if (character.charCodeAt(0) < 0x80) return character.toLowerCase()
  const bare = character.toLowerCase().normalize('NFKD').replace(marks, '')
  return bare.length === 0 ? '' : Array.from(bare, lookalike).join('')
}

function each(from: Mapped, change: (character: string) => string): Mapped {
  const out = new Rewriting(from)
  for (let at = 0; at < from.text.length;) {
    const character = characterAt(from.text, at)
    out.put(change(character), at, at + character.length)
    at += character.length
  }
  return out.done()
}

/** Words with one space between them and one at each end, from folded text. `$`, `%` and the like count as letters. */
export function words(from: Mapped): Mapped {
  const { text } = from
  const out = new Rewriting(from)
  out.put(' ', 0, 0)
  // Where the word that is being read began, if one is.
  let begun = -1
  for (let at = 0; at < text.length;) {
    const character = characterAt(text, at)
    const end = at + character.length
    if (isWordy(character)) {
      if (begun < 0) begun = at
    } else if (begun >= 0) {
      out.copy(begun, at)
      out.put(' ', at, end)
      begun = -1
    }
    at = end
  }
  if (begun >= 0) {
    out.copy(begun, text.length)
    out.put(' ', text.length, text.length)
  }
  return out.done()
}

const spaced = /(?<= )(?:[^ ] ){2,}[^ ](?= )/g

/** The words again, with letters that stand alone in a row drawn together: `v i a g r a`. Undefined where none do. */
export function joined(from: Mapped): Mapped | undefined {
  return replaced(from, spaced, (run) => run.replaceAll(' ', ''))
}

const joint = /(?<=\p{L})[-._*~|^•·](?=\p{L})/gu

/** Folded text without signs that cut words: `via-gra`. Undefined where there are none. */
export function uncut(from: Mapped): Mapped | undefined {
  return replaced(from, joint, () => '')
}

const mixed = /(?<= )(?=[^ ]*\p{L})(?=[^ ]*[013457@$!])[^ ]{3,40}(?= )/gu
const leet: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', $: 's' }

/** The words again, with digits inside of words read as the letters that they stand for. Undefined where none do. */
export function unleet(from: Mapped): Mapped | undefined {
  return replaced(from, mixed, (word) => {
    const letters = word.replace(/\P{L}/gu, '').length
    return letters * 2 < word.length ? word : word.replace(/[013457$]/g, (sign) => leet[sign]!)
  })
}

function replaced(from: Mapped, pattern: RegExp, change: (piece: string) => string): Mapped | undefined {
  let out: Rewriting | undefined
  let at = 0
  for (const { 0: piece, index } of from.text.matchAll(pattern)) {
    const changed = change(piece)
    if (changed === piece) continue
    out ??= new Rewriting(from)
    out.copy(at, index)
    // Letter for letter where that is possible, so that what is found is shown where it stands.
    if (changed.length === piece.length)
      for (let n = 0; n < piece.length; n++) out.put(changed[n]!, index + n, index + n + 1)
    else if (changed.length > 0) spread(out, changed, piece, index)
    at = index + piece.length
  }
  if (out === undefined) return undefined
  out.copy(at, from.text.length)
  return out.done()
}

/** `changed` is `piece` without some of its characters. */
function spread(out: Rewriting, changed: string, piece: string, index: number): void {
  let n = 0
  for (let at = 0; at < piece.length && n < changed.length; at++) {
    if (piece[at] !== changed[n]) continue
    out.put(changed[n++]!, index + at, index + at + 1)
  }
}
