import { z } from 'zod'
import { ActionDecision } from './actions.ts'
import { Name, Seq, Time } from './time.ts'

export const AgentComparisonQuery = z.object({
  incumbent: Name.optional().describe('default: beside whom the file of the shadow says it proposes'),
  since: Time.optional().describe('only proposals decided at this time or later'),
  until: Time.optional().describe('only proposals decided before this time'),
  limit: z.coerce
    .number<number>()
    .int()
    .min(1)
    .max(50_000)
    .default(10_000)
    .describe('proposals of each that are looked at, the newest first'),
})
export type AgentComparisonQuery = z.input<typeof AgentComparisonQuery>

/** How often two agree, of the pairs in which at least one of them says something. */
export const Agreement = z.object({ same: z.number().int(), of: z.number().int() })
export type Agreement = z.infer<typeof Agreement>

const Outcomes = z.object({ pass: z.number().int(), hold: z.number().int(), refuse: z.number().int() })

/** What a decision was, or `absent` where the shadow proposed nothing beside it. */
const Beside = z.union([ActionDecision, z.literal('absent')])

/** How many of what was sent met something: with the 95 % interval of the share. */
export const OutcomeRate = z.object({
  type: z.string(),
  actions: z.number().int(),
  share: z.number(),
  low: z.number(),
  high: z.number(),
})
export type OutcomeRate = z.infer<typeof OutcomeRate>

/** Two proposals about the same, one of each. */
export const ComparedPair = z.object({
  shadow: z.object({ seq: Seq, id: z.string(), decision: ActionDecision }),
  incumbent: z.object({ seq: Seq, id: z.string(), decision: ActionDecision }),
  by: z.enum(['prediction', 'day']),
  differ: z.array(z.enum(['decision', 'creative', 'value', 'copy'])),
})
export type ComparedPair = z.infer<typeof ComparedPair>

/** What an agent in shadow proposed beside the one whose place it would take. */
export const AgentComparison = z.object({
  shadow: Name,
  incumbent: Name,
  since: z.string().optional().describe('both are looked at from this time on'),
  more: z.boolean().describe('true: there are older proposals than `limit` takes in'),
  proposals: z.object({ shadow: z.number().int(), incumbent: z.number().int() }),
  pairs: z.number().int(),
  by: z.object({ prediction: z.number().int(), day: z.number().int() }).describe('what the pairs have in common'),
  alone: z
    .object({ shadow: z.number().int(), incumbent: z.number().int() })
    .describe('proposals beside which the other proposed nothing'),
  unread: z.object({ shadow: z.number().int(), incumbent: z.number().int() }).describe('of erased people, or altered'),
  agreement: z.object({
    decision: Agreement.describe('whether it may go out: released, held or refused, at the proposal'),
    creative: Agreement,
    value: Agreement.describe('what was decided of a bid, an offer, a choice'),
    copy: Agreement.describe('by digest'),
  }),
  decisions: z.array(z.object({ shadow: ActionDecision, incumbent: ActionDecision, pairs: z.number().int() })),
  gates: z
    .array(
      z.object({
        gate: z.string(),
        policy: z.string(),
        shadow: Outcomes,
        incumbent: Outcomes,
        differ: z.number().int().describe('pairs in which they are told something else'),
      }),
    )
    .describe('verdicts about the pairs, gates in shadow too'),
  outcomes: z
    .array(
      z.object({
        shadow: Beside.describe('what became of the proposal of the shadow beside them'),
        released: z.number().int().describe('proposals of the incumbent that were, or could have been, sent'),
        sent: z.number().int(),
        rates: z.array(OutcomeRate).describe('of what was sent'),
      }),
    )
    .describe('what came of what the incumbent sent; what would have come of the shadow’s is not known'),
  differing: z.array(ComparedPair).describe('the newest pairs that differ'),
  asOf: Seq,
})
export type AgentComparison = z.infer<typeof AgentComparison>
