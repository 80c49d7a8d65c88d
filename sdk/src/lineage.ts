import { z } from 'zod'
import { LONGEST_ID, kinds, start, moment } from './lineage-query.ts'
import { Seq, Time } from './time.ts'

export const LineageKind = z.enum(['dataset', 'job', 'stream', 'view', 'training', 'model'])
export type LineageKind = z.infer<typeof LineageKind>

export const LineageLevel = z.enum(['names', 'runs', 'columns'])
export type LineageLevel = z.infer<typeof LineageLevel>

export const LineageExplainQuery = z.object({
  node: start,
  level: LineageLevel.optional().describe('default: columns for a field, runs for a run, else names'),
  depth: z.coerce.number<number>().int().min(1).max(1000).default(20),
  ...moment,
  kinds,
  limit: z.coerce.number<number>().int().min(1).max(10_000).default(1000),
  cursor: z.string().max(4096).optional().describe('of a truncated answer: goes on behind it'),
})
export type LineageExplainQuery = z.input<typeof LineageExplainQuery>

export const LineageImpactQuery = LineageExplainQuery.extend({
  since: Time.optional().describe('predictions and people from this time on; default: all'),
})
export type LineageImpactQuery = z.input<typeof LineageImpactQuery>

/** A name, a run, or a version of a dataset, and how far it is from the start. */
export const LineageNode = z.object({
  id: z.string(),
  kind: z.enum([...LineageKind.options, 'run', 'version']),
  namespace: z.string().optional(),
  name: z.string().describe('of a run its id, of a version that of its dataset'),
  field: z.string().optional(),
  depth: z.number().int().describe('steps from the nearest start'),
  appeared: Seq.optional().describe('position of the record that first named it'),
  job: z.string().optional().describe('of a run'),
  state: z.string().optional().describe('of a run'),
  started: z.string().optional(),
  ended: z.string().optional(),
  version: z.string().optional(),
  time: z.string().optional().describe('when a version was complete'),
})
export type LineageNode = z.infer<typeof LineageNode>

export const LineageEdge = z.object({
  from: z.string(),
  to: z.string(),
  how: z.enum(['write', 'read', 'flow', 'direct', 'indirect', 'symlink', 'rename']),
  basis: z.enum(['stated', 'verified', 'conservative', 'unverified']).optional(),
  transformation: z.string().optional(),
  masking: z.boolean().optional(),
  job: z.string().optional(),
  resolved: z
    .enum(['stated', 'by time', 'unknown'])
    .optional()
    .describe('how it is known which version was read: its reader named it, or it was the last one complete before'),
  appeared: Seq.optional(),
})
export type LineageEdge = z.infer<typeof LineageEdge>

/** What the answer may lack. */
export const LineageCompleteness = z.object({
  pending: z.number().int().describe('records that are durable and not in the graph yet'),
  unread: z.number().int().describe('records that could not be read, and so say nothing in the graph'),
  silent: z.array(z.object({ job: z.string(), last: z.string(), rhythmSeconds: z.number() })),
  silentCount: z.number().int().describe('jobs that have not run for three times their own rhythm'),
  open: z.array(z.object({ run: z.string(), job: z.string().optional(), started: z.string() })),
  openCount: z.number().int().describe('runs that began and of which no end is known'),
  unknownInputs: z.array(z.string()),
  unknownInputCount: z.number().int().describe('datasets that are read and that nobody is known to write'),
  withoutColumns: z.array(z.string()),
  withoutColumnCount: z
    .number()
    .int()
    .describe(
      'where columns were asked for: jobs of which nobody says which columns become which, so that ways end there',
    ),
})
export type LineageCompleteness = z.infer<typeof LineageCompleteness>

/** The part of explain and impact that is alike. `notes` is what is wrong or lacking, in sentences, gravest first. */
const answer = {
  node: z.string().describe('id of the start'),
  level: LineageLevel,
  depth: z.number().int(),
  asOf: Seq,
  notes: z.array(z.string()),
  completeness: LineageCompleteness,
  nodes: z.array(LineageNode),
  edges: z.array(LineageEdge),
  total: z.number().int().describe('nodes on all pages'),
  truncated: z.boolean(),
  cursor: z.string().optional(),
}

export const LineageExplained = z.object({
  ...answer,
  sources: z.array(z.string()).describe('where the ways of the page end: what nothing is known to flow into'),
  sourceCount: z.number().int(),
})
export type LineageExplained = z.infer<typeof LineageExplained>

/** What predictions say: they are counted where they are kept, at the time of the question. */
export const ImpactCounts = z.object({
  datasets: z.number().int(),
  jobs: z.number().int(),
  streams: z.number().int(),
  featureViews: z.number().int(),
  trainingSets: z.number().int(),
  modelVersions: z.number().int(),
  deployedModels: z.number().int().describe('model versions with predictions since `since`'),
  predictions: z.number().int().describe('those in batches too'),
  predictionsInBatches: z.number().int().describe('of these, how many are rows of batches'),
  people: z.number().int().describe('distinct subjects of these predictions'),
  erasedPredictions: z.number().int().describe('predictions about people who were erased: not among the people'),
  unreadPredictions: z
    .number()
    .int()
    .optional()
    .describe('rows of batches whose files cannot be read: not among the people; absent where there are none'),
  campaigns: z.number().int(),
  creatives: z.number().int(),
})
export type ImpactCounts = z.infer<typeof ImpactCounts>

export const ModelReach = z.object({
  model: z.string(),
  predictions: z.number().int(),
  people: z.number().int(),
  first: z.string().optional().describe('time of the earliest of these predictions'),
  last: z.string().optional(),
})
export type ModelReach = z.infer<typeof ModelReach>

export const LineageImpact = z.object({
  ...answer,
  since: z.string().optional(),
  counts: ImpactCounts.describe('over everything that is reached, on whichever page'),
  featureViews: z.array(z.string()),
  models: z.array(ModelReach),
  campaigns: z.array(z.object({ name: z.string(), predictions: z.number().int() })),
  creatives: z.array(z.object({ name: z.string(), predictions: z.number().int() })),
  onlyPossible: z
    .array(z.string())
    .describe('of a column: nodes that are reached only where no column lineage is known; they are counted too'),
})
export type LineageImpact = z.infer<typeof LineageImpact>

export const SchemaChange = z.object({
  dataset: z.string().min(1).max(LONGEST_ID).describe('id or name of a dataset or stream'),
  field: z.string().min(1).max(4096),
  change: z.enum(['drop', 'rename', 'retype']),
  to: z.string().max(4096).optional().describe('the new name or type'),
})
export type SchemaChange = z.infer<typeof SchemaChange>

export const WhatIfRequest = z.object({
  changes: z.array(SchemaChange).min(1).max(200),
  asOf: Seq.optional(),
  since: Time.optional(),
})
export type WhatIfRequest = z.infer<typeof WhatIfRequest>

/** Something downstream of a planned change, whether it breaks, and why. */
export const Consequence = z.object({
  id: z.string(),
  kind: LineageKind,
  name: z.string(),
  field: z.string().optional(),
  certainty: z.enum(['breaks', 'might break']),
  why: z.string(),
  by: z.array(z.string()).describe('the changed fields it follows from'),
  owners: z.array(z.string()),
  depth: z.number().int(),
})
export type Consequence = z.infer<typeof Consequence>

export const WhatIf = z.object({
  asOf: Seq,
  since: z.string().optional(),
  changes: z.array(SchemaChange.extend({ id: z.string(), type: z.string().optional().describe('as it is now') })),
  sentence: z.string(),
  notes: z.array(z.string()),
  completeness: LineageCompleteness,
  consequences: z.array(Consequence).describe('what breaks first, nearest first'),
  counts: ImpactCounts,
  breaking: z.object({
    fields: z.number().int(),
    features: z.number().int(),
    featureViews: z.number().int(),
    modelVersions: z.number().int(),
    people: z.number().int().describe('distinct subjects with predictions of the model versions that break'),
  }),
  models: z.array(ModelReach.extend({ certainty: z.enum(['breaks', 'might break']) })),
  truncated: z.boolean(),
})
export type WhatIf = z.infer<typeof WhatIf>

export const LineageDiffQuery = z.object({
  from: z
    .string()
    .min(1)
    .max(LONGEST_ID)
    .describe('model version, `run:ID`, `snapshot/N`, or `ID@VERSION` of a dataset'),
  to: z.string().min(1).max(LONGEST_ID),
  ...moment,
  depth: z.coerce.number<number>().int().min(1).max(1000).default(20),
})
export type LineageDiffQuery = z.input<typeof LineageDiffQuery>

const side = z.object({
  id: z.string(),
  run: z.string().optional(),
  job: z.string().optional(),
  version: z.string().optional(),
  time: z.string().optional(),
})

/** One thing that differs. `path` says of what: `inputs`, `schema`, `code` … */
export const Difference = z.object({
  what: z.enum(['input', 'schema', 'code', 'parameter', 'rows', 'quality', 'state', 'producer']),
  name: z.string(),
  change: z.enum(['added', 'removed', 'changed']),
  before: z.string().optional(),
  after: z.string().optional(),
  text: z.string().optional().describe('a unified diff'),
})
export type Difference = z.infer<typeof Difference>

export const LineageDiff = z.object({
  asOf: Seq,
  from: side,
  to: side,
  sentence: z.string(),
  notes: z.array(z.string()),
  differences: z.array(Difference),
  rows: z
    .object({
      before: z.number().int(),
      after: z.number().int(),
      added: z.number().int().describe('rows of which there is no equal one before'),
      removed: z.number().int(),
      basis: z.string(),
    })
    .optional(),
  upstream: z
    .array(
      z.object({
        name: z.string().describe('of the job or dataset, without versions'),
        kind: z.enum(['job', 'dataset']),
        depth: z.number().int(),
        before: side.optional(),
        after: side.optional(),
        differences: z.array(Difference),
      }),
    )
    .describe('what differs further up and by which run, nearest first'),
  unchanged: z.number().int().describe('jobs and datasets upstream of both in which nothing differs'),
  truncated: z.boolean(),
})
export type LineageDiff = z.infer<typeof LineageDiff>
