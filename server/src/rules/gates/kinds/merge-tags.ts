// Merge tags that nobody filled in: `Dear {{first_name}}`.
import type { Finding } from '@whence/sdk'
import type { GateOf } from '../chain.ts'
import type { Gate } from '../gate.ts'
import { seen } from './finding.ts'

/** As the well-known mailing systems write them. Bounded in length, so that each is linear. */
const tags: readonly [system: string, pattern: RegExp][] = [
  ['braces', /\{\{\{?[^{}\n]{1,200}\}?\}\}/g],
  ['statement', /\{%[^{}\n]{1,200}%\}/g],
  ['bars', /\*\|[^|*\n]{1,100}\|\*/g],
  ['percents', /%%[a-z_][a-z0-9_.:= -]{0,100}%%/gi],
  ['percents', /%[A-Z][A-Z0-9_]{2,60}%/g],
  ['percents', /%recipient\.[a-z0-9_.]{1,60}%/gi],
  ['dollar', /\$\{[^{}\n]{1,200}\}/g],
  ['brackets', /\[\[[^[\]\n]{1,100}\]\]/g],
  [
    'brackets',
    /\[(?:first|last|full|user|customer|company|your|recipient|insert)[ _-]?(?:name|email|company|city|here|[a-z]{1,20} here)?\]/gi,
  ],
  ['guillemets', /«[\p{L}_][\p{L}\p{N}_]{0,60}»/gu],
  ['template', /<%=?[^%\n]{1,200}%>/g],
  ['hash', /#\{[^{}\n]{1,100}\}/g],
  ['fields', /(?<![\w-])-(?:first|last|full)_?name-(?![\w-])/gi],
]

const spoken = /^(?:undefined|null|NaN|\[object Object\])$/

export function mergeTagsGate({ allow }: GateOf<'merge_tags'>): Gate {
  const allowed = new Set(allow)
  return ({ readings }) => {
    const found = new Map<number, Finding>()
    const findings: Finding[] = []
    for (const { part, source, page, visible } of readings) {
      found.clear()
      // In the source too: a tag in a link or an attribute is sent as it is.
      for (const [text, origin] of [
        [source, (start: number, end: number) => ({ start, end })],
        ...(page ? ([[visible.text, visible.origin.bind(visible)]] as const) : []),
      ] as const) {
        for (const [system, pattern] of tags) {
          for (const { 0: tag, index } of text.matchAll(pattern)) {
            if (allowed.has(tag)) continue
            const place = origin(index, index + tag.length)
            if (found.has(place.start)) continue
            found.set(place.start, {
              code: `merge_tags.${system}`,
              message: 'a merge tag was not filled in',
              part,
              ...place,
            })
          }
        }
      }
      findings.push(...found.values())
      for (const { 0: word, index } of visible.text.matchAll(
        /(?<=(?:hi|hello|dear|hey|hallo|bonjour|hola|ciao) )\S{3,20}(?=[,!.\n])/gi,
      )) {
        if (spoken.test(word))
          findings.push({
            code: 'merge_tags.empty',
            message: 'a merge tag was filled in with nothing',
            part,
            ...visible.origin(index, index + word.length),
          })
      }
    }
    return seen(findings)
  }
}
