// Options that several commands take, worded once.
import type { Option } from './command.ts'

/** A position in the ledger: what came at it or later is not known. */
export const asOf = {
  type: 'string',
  value: 'SEQ',
  help: 'knowing the records before this one (default: all)',
} satisfies Option

export const eventTime = {
  type: 'string',
  value: 'T',
  help: 'event time, 2026-03-20 or 2026-03-20T10:00:00Z (default: now)',
} satisfies Option

export const subjectType = {
  type: 'string',
  value: 'TYPE',
  help: 'what the identifier names (default: customer)',
} satisfies Option

export const campaign = { type: 'string', value: 'C', help: 'only of this campaign' } satisfies Option

export const before = {
  type: 'string',
  value: 'SEQ',
  help: 'only records before this one: the next page',
} satisfies Option

/** When actions were decided. */
export const decided = {
  since: { type: 'string', value: 'T', help: 'decided at this time or later' },
  until: { type: 'string', value: 'T', help: 'decided before this time' },
} satisfies Record<string, Option>

/** When predictions were made. */
export const made = {
  from: { type: 'string', value: 'T', help: 'made at this time or later' },
  to: { type: 'string', value: 'T', help: 'made before this time' },
} satisfies Record<string, Option>

export const seed = {
  type: 'string',
  value: 'N',
  help: 'of the sample (default 1): the same seed draws the same',
} satisfies Option

export const remove = { type: 'boolean', help: 'take out of force what is not in DIR' } satisfies Option
