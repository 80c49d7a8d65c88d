// Text as it reads: other ways of writing the same characters (full-width, ligatures, digits of other scripts) are
// brought to the usual one, and what cannot be seen is taken out.
import { Rewriting, unmapped } from './mapped.ts'
import type { Mapped } from './mapped.ts'

const ascii = /^[\n\r\t\x20-\x7e]*$/

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

/** NFKC a character at a time, ASCII digits, dashes and spaces, nothing invisible. Linear in the text. */
export function plain(from: Mapped | string): Mapped {
  const source = typeof from === 'string' ? unmapped(from) : from
  const { text } = source
  if (ascii.test(text)) return source
  const out = new Rewriting(source)
  for (let at = 0; at < text.length;) {
    const unit = text.charCodeAt(at)
    const next = text.charCodeAt(at + 1)
    if (unit < 0x80 && !(next >= 0x300)) {
      // The usual character needs no more thought.
      if (unit >= 0x20 || unit === 10 || unit === 13 || unit === 9) out.put(text[at]!, at, at + 1)
      at++
      continue
    }
    const start = at
    let character = String.fromCodePoint(text.codePointAt(at)!)
    at += character.length
    if (unit >= 0x80 && invisible.test(character)) continue
    if (unit < 0x20 && unit !== 10 && unit !== 13 && unit !== 9) continue
    for (let marks = 0; at < text.length; marks++) {
      const following = String.fromCodePoint(text.codePointAt(at)!)
      if (following.charCodeAt(0) < 0x300 || !mark.test(following)) break
      at += following.length
      if (marks < mostMarks && !invisible.test(following)) character += following
    }
    out.put(usual(character), start, at)
  }
  return out.done()
}

function usual(character: string): string {
  const folded = character.normalize('NFKC')
  if (folded.length > 1) return folded
  if (dash.test(folded)) return '-'
  if (space.test(folded)) return ' '
  const point = folded.charCodeAt(0)
  if (point < 0x660) return folded
  const zero = zeros.find((zero) => point >= zero && point < zero + 10)
  return zero === undefined ? folded : String(point - zero)
}
