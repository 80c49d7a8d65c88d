// Text without the personal data that has a shape, for prompts, traces and whatever else is kept beside an action.
import { recognise } from './recognise.ts'
import type { PiiType } from './types.ts'

export interface Masked {
  readonly text: string
  /** How many of each kind were masked; `known` are identifiers that were handed in. */
  readonly found: Readonly<Partial<Record<PiiType | 'known', number>>>
}

/**
 * Replaces personal data by what it is: `mask('call +1 415 555 2671')` is `'call [phone]'`. It rather masks too much:
 * a long number of any kind is taken for a telephone's. Names and postal addresses have no shape and stay.
 */
export function mask(text: string): string {
  return masked(text).text
}

/** As `mask`, with counts. `known` are identifiers (of the recipient, say) that are masked wherever they stand. */
export function masked(text: string, known: readonly string[] = []): Masked {
  const spans: { type: PiiType | 'known'; start: number; end: number }[] = recognise(text, { eager: true })
  const lower = text.toLowerCase()
  // Lower case of another length would point elsewhere: then only the same case is found.
  const [hay, fold] = lower.length === text.length ? [lower, true] : [text, false]
  for (const identifier of known) {
    const needle = fold ? identifier.toLowerCase() : identifier
    if (needle.length < 3) continue
    for (let at = hay.indexOf(needle); at >= 0; at = hay.indexOf(needle, at + needle.length))
      spans.push({ type: 'known', start: at, end: at + needle.length })
  }
  spans.sort((a, b) => a.start - b.start || b.end - a.end)
  const found: Partial<Record<PiiType | 'known', number>> = {}
  let out = ''
  let at = 0
  for (const { type, start, end } of spans) {
    if (start >= at) {
      out += `${text.slice(at, start)}[${type}]`
      found[type] = (found[type] ?? 0) + 1
    }
    at = Math.max(at, end)
  }
  return { text: out + text.slice(at), found }
}
