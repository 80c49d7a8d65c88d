// One name and one run of the lineage graph, what of it is complete, and all of it taken along.
import { z } from 'zod'
import { LineageKind } from './lineage.ts'
import { kinds, start, moment } from './lineage-query.ts'
import { Seq } from './time.ts'

export const LineageNodesQuery = z.object({
  q: z.string().max(4096).default('').describe('part of a name; empty: all'),
  kinds,
  limit: z.coerce.number<number>().int().min(1).max(1000).default(50),
  ...moment,
})
export type LineageNodesQuery = z.input<typeof LineageNodesQuery>

export const LineageNodes = z.object({
  asOf: Seq,
  nodes: z.array(
    z.object({
      id: z.string(),
      kind: LineageKind,
      namespace: z.string(),
      name: z.string(),
      field: z.string().optional(),
      appeared: Seq,
    }),
  ),
  truncated: z.boolean(),
})
export type LineageNodes = z.infer<typeof LineageNodes>

export const LineageNodeQuery = z.object({
  node: start,
  limit: z.coerce.number<number>().int().min(1).max(1000).default(20),
  ...moment,
})
export type LineageNodeQuery = z.input<typeof LineageNodeQuery>

const heldFacets = z.array(z.object({ name: z.string(), body: z.unknown(), seq: Seq, time: z.string() }))

export const LineageNodeDetail = z.object({
  asOf: Seq,
  id: z.string(),
  kind: LineageKind,
  namespace: z.string(),
  name: z.string(),
  field: z.string().optional(),
  appeared: Seq,
  names: z.array(z.string()).describe('ids of the other names of the same dataset (symlinks)'),
  jobs: z
    .array(z.object({ id: z.string(), how: z.enum(['parent', 'child', 'before', 'after']) }))
    .describe('of a job: the jobs it belongs to, that belong to it, that it waits for, that wait for it'),
  facets: heldFacets,
  fields: z.array(z.string()),
  runs: z.array(
    z.object({
      id: z.string(),
      state: z.string().optional(),
      started: z.string(),
      ended: z.string().optional(),
      first: Seq,
      last: Seq,
    }),
  ),
  versions: z.array(
    z.object({
      version: z.string(),
      run: z.string().optional(),
      job: z.string().optional(),
      time: z.string(),
      seq: Seq,
    }),
  ),
  lifecycle: z.array(z.object({ change: z.string(), previous: z.string().optional(), time: z.string(), seq: Seq })),
})
export type LineageNodeDetail = z.infer<typeof LineageNodeDetail>

export const LineageRunQuery = z.object({
  run: z.string().min(1).max(4100).describe('id of the run, with or without `run:`'),
  ...moment,
})
export type LineageRunQuery = z.input<typeof LineageRunQuery>

const facetsByName = z.record(z.string(), z.unknown())

/** A run and what it said of itself: facets add up over its events, of one name the latest in event time counts. */
export const LineageRunDetail = z.object({
  asOf: Seq,
  id: z.string(),
  job: z.string().optional(),
  state: z.string().optional(),
  started: z.string().describe('time of its first event'),
  updated: z.string().describe('time of its latest event'),
  ended: z.string().optional().describe('time of the event that ended it'),
  producer: z.string(),
  parent: z.string().optional().describe('id of the run that it belongs to'),
  root: z.string().optional(),
  facets: heldFacets,
  inputs: z.array(
    z.object({
      dataset: z.string(),
      version: z.string().optional(),
      resolved: z.enum(['stated', 'by time', 'unknown']),
      facets: facetsByName.describe('what this run said of the dataset'),
      here: facetsByName.describe('what it said of its reading: statistics, assertions, subset'),
    }),
  ),
  outputs: z.array(
    z.object({ dataset: z.string(), version: z.string().optional(), facets: facetsByName, here: facetsByName }),
  ),
  events: z.number().int(),
  first: Seq,
  last: Seq,
})
export type LineageRunDetail = z.infer<typeof LineageRunDetail>

export const LineageCoverageQuery = z.object({
  namespace: z.string().max(4096).optional().describe('only jobs of these namespaces; * stands for any characters'),
  asOf: z.coerce.number<number>().int().nonnegative().optional(),
})
export type LineageCoverageQuery = z.input<typeof LineageCoverageQuery>

/** The stages from source to prediction. */
export const Stage = z.enum(['source', 'job', 'stream', 'view', 'training', 'code', 'prediction'])
export type Stage = z.infer<typeof Stage>

export const Requirement = z.enum(['lineage', 'codeVersion', 'owner'])
export type Requirement = z.infer<typeof Requirement>

export const LineageCoverage = z.object({
  asOf: Seq,
  auditCompleteness: z
    .number()
    .nullable()
    .describe('share of models, streams and jobs with complete lineage; null where there are none'),
  traceability: z
    .number()
    .nullable()
    .describe('share of predictions whose model version is traced to a source dataset; null where there are none'),
  models: z.array(
    z.object({
      model: z.string(),
      complete: z.boolean(),
      missing: z.array(Stage),
      sources: z.number().int(),
      predictions: z.number().int(),
    }),
  ),
  streams: z.array(z.object({ stream: z.string(), complete: z.boolean(), missing: z.array(Stage) })),
  jobs: z.array(
    z.object({
      job: z.string(),
      complete: z.boolean(),
      missing: z.array(Requirement),
      detail: z.string().optional(),
    }),
  ),
  policies: z.array(z.object({ name: z.string(), version: z.number().int(), seq: Seq })),
  violations: z.array(
    z.object({
      policy: z.string(),
      rule: z.string(),
      job: z.string(),
      requires: Requirement,
      why: z.string(),
    }),
  ),
  truncated: z.boolean(),
})
export type LineageCoverage = z.infer<typeof LineageCoverage>

/** `node` and `direction`: only runs that are reached from there. Without them all of the log. */
export const LineageExportQuery = z.object({
  format: z.enum(['openlineage', 'prov']).default('openlineage'),
  node: start.optional(),
  direction: z.enum(['backward', 'forward', 'both']).default('backward'),
  asOf: z.coerce.number<number>().int().nonnegative().optional().describe('ledger position'),
})
export type LineageExportQuery = z.input<typeof LineageExportQuery>
