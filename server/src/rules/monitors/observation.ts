// What monitors see: facts about messages, in the order in which the log knew them.
import type { Dimension } from './monitor.ts'

/** What can be known of a message; each at most once. */
export const facts = [
  'sent',
  'delivered',
  'opened',
  'clicked',
  'converted',
  'bounced',
  'complained',
  'unsubscribed',
] as const
export type Fact = (typeof facts)[number]

/** Which campaign, creative, model version, prompt version and agent a message is of. */
export type Groups = Readonly<Partial<Record<Dimension, string>>>

/** One fact about one message. */
export interface Observation {
  /** The record from which on it is known: its own, or that of the delivery that tied it to its message. */
  readonly at: number
  /** The record that says it. */
  readonly seq: number
  /** When the record `at` was made, by the log's clock, in microseconds: it never goes back. */
  readonly recorded: number
  /** The message, by the record of its action. */
  readonly message: number
  readonly fact: Fact
  readonly environment: string
  readonly groups: Groups
}
