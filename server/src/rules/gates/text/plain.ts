// Text as it reads: other ways of writing the same characters (full-width, ligatures, digits of other scripts) are
// brought to the usual one, and what cannot be seen is taken out.
import { characterAt, remembered } from './characters.ts'
import { Mapped, Rewriting } from './mapped.ts'

const usualText = /^[\n\r\t\x20-\x7e]*$/

/** Characters without a glyph: controls, joiners, selectors, fillers, tags. */
export const invisible = /[\p{Cf}\p{Cc}\p{DI}]/u

const mark = /\p{M}/u
const dash = /[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]/
const space = /\p{Z}/u

/** More marks than this on one character are left out: no script needs them. */
const mostMarks = 8

/** Where digits of other scripts begin: ten follow one another. */
const zeros = [
  0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50, 0xed0, 0xf20, 0x1040,
  0x17e0, 0x1810,
]

const isMark = remembered((character) => mark.test(character))
const isInvisible = remembered((character) => invisible.test(character) && !/[\n\r\t]/.test(character))
const usual = remembered(asUsual)

/** NFKC a character at a time, ASCII digits, dashes and spaces, nothing invisible. Linear in the text. */
export function plain(from: Mapped | string): Mapped {
  const source = typeof from === 'string' ? new Mapped(from) : from
  const { text } = source
  if (usualText.test(text)) return source
  const out = new Rewriting(source)
  for (let at = 0; at < text.length;) {
    const start = at
    let character = characterAt(text, at)
    at += character.length
    if (isInvisible(character)) continue
    for (let marks = 0; at < text.length && text.charCodeAt(at) >= 0x300; marks++) {
      const following = characterAt(text, at)
      if (!isMark(following)) break
      at += following.length
      if (marks < mostMarks && !isInvisible(following)) character += following
    }
    const units = at - start
    out.put(units === 1 ? usual(character) : asUsual(character), start, at)
  }
  return out.done()
}

function asUsual(character: string): string {
  const folded = character.normalize('NFKC')
  if (folded.length > 1) return folded
  if (dash.test(folded)) return '-'
  if (/[\n\r\t]/.test(folded)) return folded
  if (space.test(folded)) return ' '
  const point = folded.charCodeAt(0)
  if (point < 0x660) return folded
  const zero = zeros.find((zero) => point >= zero && point < zero + 10)
  return zero === undefined ? folded : String(point - zero)
}
