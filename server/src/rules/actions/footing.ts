// What a released action rests on, and what takes that away: the same rule for the outbox, its tables and the check of a
// whole log.
import type { LawfulBasis } from '@whence/sdk'
import { yielding } from '../consent/judge.ts'

/** As the refs of the record that released it say. */
export interface Footing {
  readonly purpose: string
  readonly channel: string | undefined
  /** Why the person may be reached; absent where no person is concerned. */
  readonly basis: string | undefined
  /** Objections that end it: marketing, profiling. */
  readonly endedBy: readonly string[]
}

/** Something that a person said: a state of consent, or an objection. */
export type PersonSaid =
  | { readonly what: 'consent'; purpose: string; channel?: string | undefined; permits: boolean }
  | { readonly what: 'objection'; purpose: string; channel?: string | undefined; withdrawn: boolean }

export function footingOf(refs: Readonly<Record<string, string>>): Footing {
  return {
    purpose: refs.purpose ?? '',
    channel: refs.channel,
    basis: refs.basis,
    endedBy: refs.endedBy?.split(' ') ?? [],
  }
}

/** Whether what was said ends what an action rests on. */
export function ends(said: PersonSaid, { purpose, channel, basis, endedBy }: Footing): boolean {
  if (said.channel !== undefined && said.channel !== channel) return false
  if (said.what === 'objection') return !said.withdrawn && endedBy.includes(said.purpose)
  return !said.permits && said.purpose === purpose && yielding.has(basis as LawfulBasis)
}
