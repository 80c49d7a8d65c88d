// Whose a span is.
import type { Family } from './family.ts'
import type { SpanFacts } from './facts.ts'

export type Person = { readonly subject: string } | { readonly type: string; readonly entity: string }

/** The person that a span names, else the one of the nearest span above it: of those that came in the same request. */
export function personOf(span: SpanFacts, family: Family<SpanFacts>): Person | undefined {
  const own = named(span)
  if (own) return own
  for (const above of family.above(span)) {
    const person = named(above)
    if (person) return person
  }
  return undefined
}

function named({ said }: SpanFacts): Person | undefined {
  const subject = said.text('whence.subject')
  if (subject !== undefined) return { subject }
  const entity = said.text('whence.entity')
  return entity === undefined ? undefined : { type: said.text('whence.subject.type') ?? 'customer', entity }
}
