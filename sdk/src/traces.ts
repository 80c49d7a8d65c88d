import { z } from 'zod'
import { ActionType } from './actions.ts'
import { FeatureValue } from './features.ts'
import { Seq, SubjectId } from './time.ts'

export const TraceId = z.string().regex(/^[0-9a-f]{32}$/, '32 hex digits, in lower case')
export const SpanId = z.string().regex(/^[0-9a-f]{16}$/)

/**
 * Stands for a text that is not kept: HMAC-SHA256 of its SHA-256, under a key of this server's key store. Equal texts
 * have equal digests; whoever has no key cannot guess at the text.
 */
export const KeyedDigest = z.string().regex(/^hmac:[0-9a-f]{64}$/)
export type KeyedDigest = z.infer<typeof KeyedDigest>

/** A name as it came, or its digest where it is no name, or may name a person. */
const Label = z.string().max(200)

export const SpanContent = z.object({
  bytes: z.number().int().describe('of what is digested'),
  digest: KeyedDigest.describe('of the canonical JSON, where it is JSON; else of the text'),
  text: KeyedDigest.optional().describe('of the texts in it alone, joined by line feeds'),
})
export type SpanContent = z.infer<typeof SpanContent>

/** What a span says of an action. What names a person is a digest, or is not kept. */
export const SpanAction = z.object({
  id: KeyedDigest.optional(),
  type: ActionType.optional(),
  propose: z.boolean().optional().describe('true: it was proposed as an action'),
  actor: z.object({ type: Label.optional(), id: Label.optional(), configuration: Label.optional() }).optional(),
  environment: Label.optional(),
  campaign: Label.optional(),
  creative: Label.optional(),
  channel: Label.optional(),
  purpose: Label.optional(),
  risk: Label.optional(),
  retention: Label.optional(),
  snapshots: z.array(Seq).optional(),
  predictions: z.array(KeyedDigest).optional(),
})
export type SpanAction = z.infer<typeof SpanAction>

/** What is kept of a span. */
export const SpanSaid = z.object({
  trace: TraceId,
  span: SpanId,
  parent: SpanId.optional(),
  kind: z.enum(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']),
  start: z.string(),
  end: z.string(),
  status: z.enum(['unset', 'ok', 'error']),
  error: Label.optional().describe('its type; messages are not kept'),
  service: Label.optional(),
  environment: Label.optional(),
  operation: Label.optional().describe('chat, invoke_agent, execute_tool, …'),
  provider: Label.optional(),
  model: z.object({ requested: Label.optional(), answered: Label.optional() }).optional(),
  configuration: z.record(z.string(), FeatureValue).optional(),
  agent: z.object({ id: Label.optional(), name: Label.optional(), version: Label.optional() }).optional(),
  tool: z.object({ name: Label.optional(), type: Label.optional() }).optional(),
  prompt: z.object({ template: Label.optional(), version: Label.optional() }).optional(),
  usage: z.record(z.string(), z.number()).optional().describe('tokens'),
  finish: z.array(Label).optional(),
  ids: z.record(z.string(), KeyedDigest).optional().describe('of conversation, response, tool call and data source'),
  contents: z.record(z.string(), SpanContent).optional(),
  calls: z
    .array(z.object({ id: KeyedDigest.optional(), name: Label.optional(), arguments: SpanContent.optional() }))
    .optional()
    .describe('tool calls that the model asked for'),
  evaluations: z
    .array(
      z.object({
        name: Label.optional(),
        score: z.number().optional(),
        label: Label.optional(),
        explanation: SpanContent.optional(),
      }),
    )
    .optional(),
  action: SpanAction.optional(),
  lost: z.number().int().optional().describe('attributes, events and links that its maker or our limits left out'),
})
export type SpanSaid = z.infer<typeof SpanSaid>

/** A span on record. */
export const TraceSpan = SpanSaid.extend({
  seq: Seq,
  source: z.string(),
  subject: SubjectId.optional().describe('the person under whose key it is sealed'),
  masked: z.record(z.string(), z.string()).optional().describe('texts, masked: where WHENCE_CAPTURE_CONTENT=masked'),
})
export type TraceSpan = z.infer<typeof TraceSpan>

/** What the spans of a trace say of one action, whatever order they came in. */
export const TraceAction = z.object({
  id: KeyedDigest,
  type: ActionType.optional(),
  actor: z
    .object({
      type: Label.optional(),
      id: Label.optional(),
      version: Label.optional(),
      configuration: Label.optional(),
    })
    .optional(),
  environment: Label.optional(),
  campaign: Label.optional(),
  creative: Label.optional(),
  channel: Label.optional(),
  purpose: Label.optional(),
  model: z
    .object({
      name: Label,
      version: Label.optional(),
      provider: Label.optional(),
      configuration: z.record(z.string(), FeatureValue).optional(),
    })
    .optional(),
  prompt: z.object({ template: Label.optional(), version: Label.optional() }).optional(),
  contents: z.record(z.string(), SpanContent).optional().describe('input, system, output, thought, copy.PART'),
  usage: z.record(z.string(), z.number()).optional().describe('tokens, over all calls of a model'),
  tools: z
    .array(z.object({ name: Label.optional(), status: z.string(), span: SpanId, seq: Seq.optional() }))
    .describe('in order of their start'),
  evaluations: SpanSaid.shape.evaluations.unwrap(),
  spans: z.array(SpanId).describe('on which it rests'),
})
export type TraceAction = z.infer<typeof TraceAction>

export const Trace = z.object({
  trace: TraceId,
  asOf: Seq,
  spans: z.array(TraceSpan).describe('by their start'),
  actions: z.array(TraceAction),
  more: z.boolean().optional().describe('true: it has more spans than are shown'),
})
export type Trace = z.infer<typeof Trace>

export const TracesQuery = z.object({
  action: z.string().min(1).max(256).describe('the id of an action: the traces that name it'),
})
export type TracesQuery = z.infer<typeof TracesQuery>
