// Letters of other scripts that are drawn as Latin ones, as used to write a word past a filter. After Unicode's
// confusables (UTS 39), kept to what a reader takes for the letter in running text.

const alike: Readonly<Record<string, string>> = {
  a: 'аαɑᴀ',
  b: 'вβʙƅ',
  c: 'сϲᴄ',
  d: 'ԁđᴅ',
  e: 'еεєᴇ',
  f: 'ƒꜰ',
  g: 'ɡԍցɢ',
  h: 'һнհħʜ',
  i: 'іιıɩɪ',
  j: 'јյᴊ',
  k: 'кκᴋ',
  l: 'ӏłʟ',
  m: 'мᴍ',
  n: 'ոηɴп',
  o: 'оοօøσᴏ',
  p: 'рρᴘ',
  q: 'ԛ',
  r: 'гʀ',
  s: 'ѕꜱ',
  t: 'тτŧᴛ',
  u: 'սυᴜ',
  v: 'ѵνᴠ',
  w: 'ԝωѡᴡ',
  x: 'хχ',
  y: 'уүγʏ',
  z: 'ᴢ',
}

const latin = new Map(
  Object.entries(alike).flatMap(([letter, others]) => Array.from(others, (other) => [other, letter])),
)

/** Letters in boxes and discs, and the indicators of flags: 26 of each, which NFKC leaves alone. */
const blocks = [0x1f150, 0x1f170, 0x1f1e6]

/** The Latin letter that a lower-case character is drawn like, or the character. */
export function lookalike(character: string): string {
  const letter = latin.get(character)
  if (letter !== undefined) return letter
  if (character.length === 1) return character
  const point = character.codePointAt(0)!
  const block = blocks.find((first) => point >= first && point < first + 26)
  return block === undefined ? character : String.fromCharCode(97 + point - block)
}

/** Whether a lower-case character of another script can be taken for a Latin one. */
export function deceives(character: string): boolean {
  return latin.has(character) && !/\p{Script=Latin}/u.test(character)
}
