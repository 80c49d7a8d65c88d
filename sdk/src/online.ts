import { z } from 'zod'
import { FeatureValue } from './features.ts'
import { Seq, SubjectId, Time } from './time.ts'

const ViewName = z.string().min(1).max(200).describe('name, for the newest version, or name@vN')

/** Features of some people, now or as of two clocks, from as many views. */
export const OnlineRequest = z.object({
  views: z.array(ViewName).min(1).max(100),
  entities: z
    .array(z.string().min(1).max(512))
    .max(10_000)
    .optional()
    .describe('identifiers, as their sources send them'),
  subjects: z.array(SubjectId).max(10_000).optional().describe('subject ids, as snapshots hold them'),
  subjectType: z.string().min(1).max(128).optional().describe('of the identifiers; default: the entity of the views'),
  at: Time.optional().describe('event time; default: now'),
  asOf: Seq.optional().describe('ledger position; default: everything that is durable'),
})
export type OnlineRequest = z.infer<typeof OnlineRequest>

/** The same in an address: lists with commas between. Identifiers with a comma, and long lists, go by POST. */
export const OnlineQuery = z.object({
  views: z.string().describe('names, with commas between'),
  entities: z.string().optional().describe('identifiers, with commas between'),
  subjects: z.string().optional().describe('subject ids, with commas between'),
  subjectType: z.string().min(1).max(128).optional(),
  at: Time.optional(),
  asOf: z.coerce.number().pipe(Seq).optional(),
})
export type OnlineQuery = z.input<typeof OnlineQuery>

export const OnlineView = z.object({
  /** In the order of the request. */
  view: z.string(),
  /** Seconds after which a value is stale, when the view says so. */
  ttl: z.number().optional(),
  features: z.array(z.object({ name: z.string(), type: z.string() })),
  /** `second engine`: this server's own evaluator; else why every value is asked of DuckDB, which takes longer. */
  computed: z.string(),
})
export type OnlineView = z.infer<typeof OnlineView>

export const OnlineFeatures = z.object({
  view: z.string(),
  /** The view's main stream knows them by then: whoever it does not know has no row in a snapshot. */
  present: z.boolean(),
  values: z.record(z.string(), FeatureValue),
  /** The newest event time among the events of the view's streams that count: known at `at`, and before `asOf`. */
  newest: Time.optional(),
  /** The position of the last of those events. */
  seq: Seq.optional(),
  /** Seconds from `newest` to `at`. */
  age: z.number().optional(),
  /** `age` is more than the view's ttl, or there is no event: said where the view has a ttl. */
  stale: z.boolean().optional(),
  /** Why there are no values: an event is damaged, or the expression fails over these events. */
  problem: z.string().optional(),
})
export type OnlineFeatures = z.infer<typeof OnlineFeatures>

export const OnlineEntity = z.object({
  /** As it was asked for. */
  entity: z.string().optional(),
  subject: SubjectId.optional(),
  /** `unknown`: nobody of this name was ever recorded. `erased`: they were, on request; nothing is computed. */
  state: z.enum(['known', 'unknown', 'erased']),
  views: z.array(OnlineFeatures),
})
export type OnlineEntity = z.infer<typeof OnlineEntity>

export const Online = z.object({
  at: Time,
  asOf: Seq,
  views: z.array(OnlineView),
  /** In the order of the request: entities, then subjects. */
  entities: z.array(OnlineEntity),
})
export type Online = z.infer<typeof Online>
