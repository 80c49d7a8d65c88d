// The facets of the OpenLineage specification, as far as their shape goes: what must be there, and of which type. They
// are read leniently elsewhere; this only says how an event differs from its schema. `_producer` and `_schemaURL`, and
// formats within facets, are not looked at here.
import { z } from 'zod'

const text = z.string()
const whole = z.number().refine(Number.isInteger, { error: 'it is no whole number' })
const any = z.record(text, z.unknown())
const facet = z.looseObject
const listOf = z.array

const jobName = facet({ namespace: text, name: text })
const runId = facet({ runId: text })
/** Facets of another run or job, forwarded for convenience. */
const forwarded = z.record(text, facet({ _producer: text, _schemaURL: text })).optional()
const parentRun = facet({ runId: text, facets: forwarded })
const parentJob = facet({ namespace: text, name: text, facets: forwarded })

const inputField = facet({
  namespace: text,
  name: text,
  field: text,
  transformations: listOf(
    facet({
      type: text,
      subtype: text.optional(),
      description: text.optional(),
      masking: z.boolean().optional(),
    }),
  ).optional(),
})

const quality = facet({
  rowCount: whole.optional(),
  bytes: whole.optional(),
  fileCount: whole.optional(),
  lastUpdated: text.optional(),
  columnMetrics: z.record(
    text,
    facet({
      nullCount: whole.optional(),
      distinctCount: whole.optional(),
      sum: z.number().optional(),
      count: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
      quantiles: z.record(text, z.number()).optional(),
    }),
  ),
})
const statistics = facet({ rowCount: whole.optional(), size: whole.optional(), fileCount: whole.optional() })

const schemaField = facet({
  name: text,
  type: text.optional(),
  description: text.optional(),
  ordinal_position: whole.optional(),
  get fields() {
    return listOf(schemaField).optional()
  },
})

const ofDependency = facet({
  job: jobName,
  run: runId.optional(),
  dependency_type: text.optional(),
  sequence_trigger_rule: text.optional(),
  status_trigger_rule: text.optional(),
})

const transformations = listOf(
  facet({
    type: text,
    subtype: text.optional(),
    description: text.optional(),
    masking: z.boolean().optional(),
  }),
).optional()
const named = { namespace: text, name: text }
/** With a name and a namespace, or with neither: then the event's own job. */
const ownOrNamed = z.union([
  facet(named),
  facet({ namespace: z.undefined().optional(), name: z.undefined().optional() }),
])
const lineageInput = z.union([
  facet({ ...named, type: z.literal('DATASET'), field: text.optional(), transformations }),
  z.intersection(facet({ type: z.literal('JOB'), runId: text.optional(), transformations }), ownOrNamed),
])
const lineageInputs = listOf(lineageInput).optional()
const lineageFields = z.record(text, facet({ inputs: listOf(lineageInput) })).optional()
const lineage = z.union([
  facet({
    entries: listOf(
      z.union([
        facet({ ...named, type: z.literal('DATASET'), inputs: lineageInputs, fields: lineageFields }),
        z.intersection(facet({ type: z.literal('JOB'), runId: text.optional(), inputs: lineageInputs }), ownOrNamed),
      ]),
    ),
  }),
  facet({ entries: z.undefined().optional(), inputs: lineageInputs, fields: lineageFields }),
])

/** By facet key. Where a key has several facets (of jobs, datasets, runs), what they have in common. */
export const standardFacets: Readonly<Record<string, z.ZodType>> = {
  catalog: facet({
    framework: text,
    type: text,
    name: text,
    metadataUri: text.optional(),
    warehouseUri: text.optional(),
    source: text.optional(),
    catalogProperties: z.record(text, text).optional(),
  }),
  columnLineage: facet({
    fields: z.record(
      text,
      facet({
        inputFields: listOf(inputField),
        transformationDescription: text.optional(),
        transformationType: text.optional(),
      }),
    ),
    dataset: listOf(inputField).optional(),
  }),
  dataQualityAssertions: facet({
    assertions: listOf(
      facet({
        assertion: text,
        success: z.boolean(),
        column: text.optional(),
        severity: text.optional(),
        name: text.optional(),
        description: text.optional(),
        expected: text.optional(),
        actual: text.optional(),
        content: text.optional(),
        contentType: text.optional(),
        params: any.optional(),
      }),
    ),
  }),
  dataQualityMetrics: quality,
  dataSource: facet({ name: text.optional(), uri: text.optional() }),
  datasetType: facet({ datasetType: text, subType: text.optional() }),
  documentation: facet({ description: text, contentType: text.optional() }),
  environmentVariables: facet({ environmentVariables: listOf(facet({ name: text, value: text })) }),
  errorMessage: facet({ message: text, programmingLanguage: text, stackTrace: text.optional() }),
  executionParameters: facet({
    parameters: listOf(
      z.strictObject({
        key: text,
        name: text.optional(),
        description: text.optional(),
        value: text.optional(),
      }),
    ).optional(),
  }),
  externalQuery: facet({ externalQueryId: text, source: text }),
  extractionError: facet({
    totalTasks: whole,
    failedTasks: whole,
    errors: listOf(
      facet({
        errorMessage: text,
        stackTrace: text.optional(),
        task: text.optional(),
        taskNumber: whole.optional(),
      }),
    ),
  }),
  hierarchy: facet({ hierarchy: listOf(facet({ type: text, name: text })) }),
  inputStatistics: statistics,
  jobDependencies: facet({
    upstream: listOf(ofDependency).optional(),
    downstream: listOf(ofDependency).optional(),
    trigger_rule: text.optional(),
  }),
  jobType: facet({
    processingType: text,
    integration: text,
    jobType: text.optional(),
    emissionPattern: facet({
      eventTrigger: text,
      eventContentMode: text,
      windowDuration: whole.optional(),
    }).optional(),
  }),
  lifecycleStateChange: facet({
    lifecycleStateChange: z.enum(['ALTER', 'CREATE', 'DROP', 'OVERWRITE', 'RENAME', 'TRUNCATE']),
    previousIdentifier: jobName.optional(),
  }),
  lineage,
  nominalTime: facet({ nominalStartTime: text, nominalEndTime: text.optional() }),
  outputStatistics: statistics,
  ownership: facet({ owners: listOf(facet({ name: text, type: text.optional() })).optional() }),
  parent: facet({
    run: parentRun,
    job: parentJob,
    root: facet({ run: parentRun, job: parentJob }).optional(),
  }),
  processing_engine: facet({
    version: text,
    name: text.optional(),
    openlineageAdapterVersion: text.optional(),
  }),
  schema: facet({ fields: listOf(schemaField).optional() }),
  sourceCode: facet({ language: text, sourceCode: text }),
  sourceCodeLocation: facet({
    type: text,
    url: text,
    repoUrl: text.optional(),
    path: text.optional(),
    version: text.optional(),
    tag: text.optional(),
    branch: text.optional(),
    pullRequestNumber: text.optional(),
  }),
  sql: facet({ query: text, dialect: text.optional() }),
  storage: facet({ storageLayer: text, fileFormat: text.optional() }),
  subset: z.union([facet({ inputCondition: any }), facet({ outputCondition: any })]),
  symlinks: facet({ identifiers: listOf(facet({ ...named, type: text })).optional() }),
  tags: facet({
    tags: listOf(facet({ key: text, value: text, source: text.optional() })).optional(),
  }),
  test: facet({
    tests: listOf(
      facet({
        name: text,
        status: text,
        severity: text.optional(),
        type: text.optional(),
        description: text.optional(),
        expected: text.optional(),
        actual: text.optional(),
        content: text.optional(),
        contentType: text.optional(),
        params: any.optional(),
      }),
    ),
  }),
  version: facet({ datasetVersion: text }),
}
