// The files that dbt leaves in its target folder, of the schema versions that we read.
import { z } from 'zod'
import { Fault } from '../../../fault.ts'

const owner = z.looseObject({ name: z.string().nullish(), email: z.unknown() })
const texts = z.array(z.string()).catch([])
const columns = z
  .record(
    z.string(),
    z.looseObject({
      name: z.string(),
      description: z.string().nullish(),
      data_type: z.string().nullish(),
      tags: texts.optional(),
    }),
  )
  .catch({})

const Node = z.looseObject({
  unique_id: z.string(),
  resource_type: z.string(),
  package_name: z.string(),
  name: z.string(),
  database: z.string().nullish(),
  schema: z.string().nullish(),
  alias: z.string().nullish(),
  /** Of sources: the table's name. */
  identifier: z.string().nullish(),
  description: z.string().nullish(),
  columns: columns.optional(),
  tags: texts.optional(),
  meta: z.record(z.string(), z.unknown()).nullish(),
  owner: owner.nullish(),
  language: z.string().nullish(),
  raw_code: z.string().nullish(),
  compiled_code: z.string().nullish(),
  config: z.looseObject({ materialized: z.string().nullish(), severity: z.string().nullish() }).nullish(),
  depends_on: z.looseObject({ nodes: texts.optional() }).nullish(),
  node_relation: z
    .looseObject({ database: z.string().nullish(), schema_name: z.string(), alias: z.string() })
    .nullish(),
  column_name: z.string().nullish(),
  attached_node: z.string().nullish(),
  test_metadata: z.looseObject({ name: z.string() }).nullish(),
})
export type DbtNode = z.infer<typeof Node>

const nodes = z.record(z.string(), Node)

const Manifest = z.looseObject({
  metadata: z.looseObject({
    dbt_version: z.string(),
    generated_at: z.string(),
    invocation_id: z.string().nullish(),
    adapter_type: z.string(),
    project_name: z.string().nullish(),
  }),
  nodes,
  sources: nodes.default({}),
  exposures: nodes.default({}),
  metrics: nodes.default({}),
  semantic_models: nodes.default({}),
})
export type Manifest = z.infer<typeof Manifest>

const Result = z.looseObject({
  unique_id: z.string(),
  status: z.string(),
  timing: z.array(
    z.looseObject({ name: z.string(), started_at: z.string().nullish(), completed_at: z.string().nullish() }),
  ),
  message: z.string().nullish(),
  failures: z.number().nullish(),
  compiled_code: z.string().nullish(),
  adapter_response: z.looseObject({ rows_affected: z.unknown() }).nullish().catch(null),
})
export type DbtResult = z.infer<typeof Result>

const RunResults = z.looseObject({
  metadata: z.looseObject({ dbt_version: z.string(), generated_at: z.string(), invocation_id: z.string() }),
  args: z.looseObject({ which: z.string().nullish() }).nullish(),
  results: z.array(Result),
})
export type RunResults = z.infer<typeof RunResults>

const Catalog = z.looseObject({
  nodes: z.record(
    z.string(),
    z.looseObject({
      columns: z.record(z.string(), z.looseObject({ name: z.string(), type: z.string().nullish(), index: z.number() })),
    }),
  ),
  sources: z
    .record(
      z.string(),
      z.looseObject({
        columns: z.record(
          z.string(),
          z.looseObject({ name: z.string(), type: z.string().nullish(), index: z.number() }),
        ),
      }),
    )
    .default({}),
})
export type Catalog = z.infer<typeof Catalog>

/** What is read: dbt 1.7 writes manifest v11 with run results v5, dbt 1.8 and later v12 with v6. */
const known = {
  manifest: { versions: [11, 12], schema: Manifest },
  'run-results': { versions: [5, 6], schema: RunResults },
  catalog: { versions: [1], schema: Catalog },
} as const
type Kind = keyof typeof known

/** The kind and version of an artifact of dbt, or undefined for any other JSON. */
export function artifactOf(value: unknown): { kind: string; version: number } | undefined {
  const { metadata } = (typeof value === 'object' && value !== null ? value : {}) as { metadata?: unknown }
  const schema = (metadata as { dbt_schema_version?: unknown } | null | undefined)?.dbt_schema_version
  if (typeof schema !== 'string') return undefined
  const [, kind, version] = /\/dbt\/([a-z-]+)\/v(\d+)\.json$/.exec(schema) ?? []
  return kind === undefined ? undefined : { kind, version: Number(version) }
}

export function readManifest(value: unknown): Manifest {
  return read('manifest', value, Manifest)
}

export function readRunResults(value: unknown): RunResults {
  return read('run-results', value, RunResults)
}

export function readCatalog(value: unknown): Catalog {
  return read('catalog', value, Catalog)
}

function read<S extends z.ZodType>(kind: Kind, value: unknown, schema: S): z.infer<S> {
  const artifact = artifactOf(value)
  if (artifact?.kind !== kind) throw new Fault('invalid', `This is no ${kind} of dbt: its dbt_schema_version says so.`)
  const { versions } = known[kind]
  if (!(versions as readonly number[]).includes(artifact.version)) {
    const readable = versions.map((version) => `v${version}`).join(' and ')
    throw new Fault(
      'invalid',
      `This is a dbt ${kind} of schema version v${artifact.version}, and we read ${readable}: run dbt 1.7 or newer and import what it writes.`,
    )
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Fault('invalid', `The dbt ${kind} is damaged at ${issue?.path.join('.')}: ${issue?.message}.`)
}
