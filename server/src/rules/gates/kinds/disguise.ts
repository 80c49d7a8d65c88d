// Text that is made to read otherwise than it is: characters without a glyph inside of words, letters of another script
// among Latin ones, text that runs backwards, text that no reader sees.
import type { Finding } from '@whence/sdk'
import type { GateOf } from '../chain.ts'
import type { Gate } from '../gate.ts'
import { deceives } from '../text/lookalikes.ts'
import { seen } from './finding.ts'

/** Between letters of scripts that need no joiner. A soft hyphen is what an author may mean. */
const cut =
  /(?<=[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Nd}])[\u034f\u115f\u1160\u180e\u200b-\u200f\u2060-\u2064\u3164\ufeff\uffa0]+(?=[\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\p{Nd}])/gu
const override = /[\u202d\u202e]/g
/** Tag characters spell text that only machines read; after a black flag they name a region. */
const tags = /(?<!\u{1f3f4}[\u{e0020}-\u{e007e}]{0,8})[\u{e0001}\u{e0020}-\u{e007f}]+/gu
const word = /\p{L}{2,60}/gu
const latin = /\p{Script=Latin}/u
const foreign = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}]/u

const mostOfAKind = 20

export function disguiseGate({ hidden }: GateOf<'disguise'>): Gate {
  return ({ readings }) => {
    const findings: Finding[] = []
    for (const { part, page, visible } of readings) {
      const note = (code: string, message: string, places: Iterable<{ start: number; end: number }>): void => {
        let count = 0
        for (const { start, end } of places) {
          if (count++ >= mostOfAKind) return
          findings.push({ code, message, part, start, end })
        }
      }
      const all = function* (pattern: RegExp, holds: (found: string) => boolean = () => true) {
        for (const { 0: found, index } of visible.text.matchAll(pattern))
          if (holds(found)) yield visible.origin(index, index + found.length)
      }
      note('disguise.invisible', 'characters that cannot be seen stand inside of a word', all(cut))
      note('disguise.direction', 'text is made to run the other way', all(override))
      note('disguise.tags', 'characters hold text that only machines read', all(tags))
      note('disguise.scripts', 'a word mixes scripts whose letters look alike', all(word, mixes))
      if (page === undefined) continue
      note('disguise.cut', 'hidden text stands inside of a word', page.cuts)
      if (page.hiddenLength > hidden)
        findings.push({
          code: 'disguise.hidden',
          message: `${page.hiddenLength} characters are hidden, and ${hidden} may be`,
          part,
        })
    }
    return seen(findings)
  }
}

function mixes(found: string): boolean {
  if (!latin.test(found) || !foreign.test(found)) return false
  return Array.from(found.toLowerCase()).some(deceives)
}
