// Personal data in a text, by checksums, numbering plans and surroundings. Names and postal addresses are not among
// it: they have no shape that could be told without guessing, and a scorer may be asked for them.
import type { Mapped } from '../text/mapped.ts'
import { plain } from '../text/plain.ts'
import { ips } from './addresses.ts'
import { codes } from './codes.ts'
import { emails } from './email.ts'
import { numbers } from './numbers.ts'
import type { NumberOptions } from './numbers.ts'
import type { PiiSpan } from './types.ts'

export type RecogniseOptions = Partial<NumberOptions>

/** Where telephone numbers without a country's prefix come from, unless told otherwise. */
export const usualCountries = ['US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'IN', 'AU'] as const

/**
 * What was found, in the order of the text, none overlapping another. Offsets are those of the original. Full-width
 * digits, invisible characters and the like hide nothing. Takes time linear in the text.
 *
 * `recognise('write to ana@example.org')[0]` is `{type: 'email', start: 9, end: 24, …}`
 */
export function recognise(from: Mapped | string, options: RecogniseOptions = {}): PiiSpan[] {
  const read = plain(from)
  const { text } = read
  const { countries = usualCountries, eager = false } = options
  // Of two that overlap, the one that says more about itself counts.
  const found = [emails(text), codes(text), ips(text), numbers(text, { countries, eager })].flatMap((spans, rank) =>
    [...spans].map((span) => ({ span, rank })),
  )
  found.sort((a, b) => a.span.start - b.span.start || a.rank - b.rank)
  const kept: typeof found = []
  for (const one of found) {
    const last = kept.at(-1)
    if (last === undefined || last.span.end <= one.span.start) kept.push(one)
    else if (one.rank < last.rank) kept[kept.length - 1] = one
  }
  return kept.map(({ span }) => ({ ...span, ...read.origin(span.start, span.end) }))
}
