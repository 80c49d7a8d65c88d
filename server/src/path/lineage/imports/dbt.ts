// What dbt left behind, as the OpenLineage events that `dbt-ol` would have sent while it ran.
//
// The same files give the same events, byte for byte, run ids included: importing them again adds nothing.
import type { Catalog, DbtNode, DbtResult, Manifest, RunResults } from './dbt-artifacts.ts'
import { datasetFacets, facet, jobFacets, PRODUCER, runFacets, type Facets } from './dbt-facets.ts'
import { datasetName, jobName } from './dbt-names.ts'
import { namedUuid } from './uuid.ts'

export interface DbtProject {
  readonly manifest: Manifest
  readonly runResults?: RunResults
  readonly catalog?: Catalog
  /** Of the datasets: see `namespaceOf`. */
  readonly namespace: string
  /** Of the jobs: `dbt`, as `dbt-ol` has it where OPENLINEAGE_NAMESPACE is not set. */
  readonly jobNamespace: string
}

export interface DbtImport {
  readonly events: readonly object[]
  /** What could not be said, a sentence each. */
  readonly notes: readonly string[]
}

/** Commands that write. What others (`compile`, `docs generate`) call a success has touched no data. */
const writing = new Set(['run', 'build', 'seed', 'snapshot', 'test', 'retry'])

export function dbtEvents(project: DbtProject): DbtImport {
  return new Importer(project).import()
}

class Importer {
  readonly #project: DbtProject
  readonly #nodes: ReadonlyMap<string, DbtNode>
  readonly #which: string | undefined
  readonly #events: object[] = []
  readonly #notes: string[] = []

  constructor(project: DbtProject) {
    this.#project = project
    const { nodes, sources, exposures, metrics, semantic_models: semantic } = project.manifest
    this.#nodes = new Map([nodes, sources, exposures, metrics, semantic].flatMap((each) => Object.entries(each)))
    const { args } = project.runResults ?? {}
    this.#which = args?.which ?? undefined
  }

  import(): DbtImport {
    const { manifest, runResults } = this.#project
    if (runResults === undefined)
      this.#describe('No run results were given: jobs and datasets are described without runs.')
    else if (this.#which !== undefined && !writing.has(this.#which))
      this.#describe(`"dbt ${this.#which}" writes no data: jobs and datasets are described without runs.`)
    else {
      if (manifest.metadata.invocation_id !== runResults.metadata.invocation_id)
        this.#notes.push('Manifest and run results come from two invocations of dbt: names are those of the manifest.')
      this.#runs(runResults)
    }
    for (const node of [...Object.values(manifest.exposures), ...Object.values(manifest.metrics)]) this.#consumer(node)
    return { events: this.#events, notes: this.#notes }
  }

  #describe(why: string): void {
    this.#notes.push(why)
    for (const node of Object.values(this.#project.manifest.nodes)) {
      if (!isBuilt(node)) continue
      this.#events.push({
        eventTime: this.#project.manifest.metadata.generated_at,
        producer: PRODUCER,
        schemaURL: `${CORE}JobEvent`,
        job: this.#job(jobName(node, undefined), jobFacets(node, node.compiled_code, this.#adapter)),
        inputs: this.#inputs(node),
        outputs: [this.#dataset(node)],
      })
    }
  }

  #runs(runResults: RunResults): void {
    const { metadata, results } = runResults
    const tests = new Map<string, { node: DbtNode; result: DbtResult; test: DbtNode }[]>()
    const spans: Span[] = []
    let skipped = 0
    let unknown = 0
    for (const result of results) {
      const node = this.#nodes.get(result.unique_id)
      if (node === undefined) {
        // Hooks stand in no manifest.
        if (!/^(operation|unit_test)\./.test(result.unique_id)) unknown++
        continue
      }
      const span = spanOf(result)
      if (span === undefined || result.status === 'skipped' || result.status === 'no-op') {
        skipped++
        continue
      }
      if (isBuilt(node)) {
        spans.push(span)
        this.#run(node, result, span, metadata)
      } else if (node.resource_type === 'test') {
        const tested = this.#tested(node)
        if (tested === undefined) unknown++
        else tests.set(tested.unique_id, [...(tests.get(tested.unique_id) ?? []), { node: tested, result, test: node }])
      }
    }
    for (const group of tests.values()) spans.push(this.#test(group, metadata))
    if (spans.length > 0) this.#invocation(spans, results, metadata)
    if (skipped > 0) this.#notes.push(`${skipped} results say that nothing ran: they give no run.`)
    if (unknown > 0) this.#notes.push(`${unknown} results are of nodes that the manifest does not have: left out.`)
  }

  #run(node: DbtNode, result: DbtResult, span: Span, metadata: RunResults['metadata']): void {
    const complete = result.status === 'success'
    const run = namedUuid(`${metadata.invocation_id} ${node.unique_id}`)
    const name = jobName(node, this.#which)
    const job = this.#job(name, jobFacets(node, result.compiled_code ?? node.compiled_code, this.#adapter))
    const inputs = this.#inputs(node)
    const rows = result.adapter_response?.rows_affected
    const counted =
      complete && typeof rows === 'number' && Number.isSafeInteger(rows) && rows >= 0
        ? { outputFacets: { outputStatistics: facet('OutputStatisticsOutputDataset', { rowCount: rows }) } }
        : {}
    this.#runEvent('START', span.from, run, {}, job, inputs, [this.#dataset(node)])
    const failure = complete ? {} : failed(result)
    const outputs = [{ ...this.#dataset(node), ...counted }]
    this.#runEvent(complete ? 'COMPLETE' : 'FAIL', span.to, run, failure, job, inputs, outputs)
  }

  /** All tests of one table are one job, and one run of it in an invocation. */
  #test(group: readonly { node: DbtNode; result: DbtResult; test: DbtNode }[], metadata: RunResults['metadata']): Span {
    const { node } = group[0]!
    const spans = group.flatMap(({ result }) => spanOf(result) ?? [])
    const span = around(spans)
    const run = namedUuid(`${metadata.invocation_id} tests ${node.unique_id}`)
    const job = this.#job(jobName(node, this.#which, true), {
      jobType: facet('JobTypeJob', { processingType: 'BATCH', integration: 'DBT', jobType: 'TEST' }),
    })
    const broken = group.find(({ result }) => result.status === 'error' || result.status === 'runtime error')
    const assertions = group.map(({ test, result }) => ({
      assertion: test.test_metadata?.name ?? test.name,
      success: result.status === 'pass' || result.status === 'success',
      ...(test.column_name ? { column: test.column_name } : {}),
      severity: (test.config?.severity ?? 'error').toLowerCase(),
      name: test.name,
      ...(typeof result.failures === 'number' ? { actual: String(result.failures), expected: '0' } : {}),
    }))
    const dataset = this.#dataset(node)
    const judged = {
      ...dataset,
      inputFacets: { dataQualityAssertions: facet('DataQualityAssertionsDataset', { assertions }) },
    }
    this.#runEvent('START', span.from, run, {}, job, [dataset], [])
    this.#runEvent(broken ? 'FAIL' : 'COMPLETE', span.to, run, broken ? failed(broken.result) : {}, job, [judged], [])
    return span
  }

  /** The invocation of dbt itself: the parent of all its runs. */
  #invocation(spans: readonly Span[], results: readonly DbtResult[], metadata: RunResults['metadata']): void {
    const span = around(spans)
    const { jobNamespace, manifest } = this.#project
    const failed = results.some(({ status }) => status === 'error' || status === 'runtime error' || status === 'fail')
    const job = {
      namespace: jobNamespace,
      name: this.#invocationJob,
      facets: {
        jobType: facet('JobTypeJob', { processingType: 'BATCH', integration: 'DBT', jobType: 'JOB' }),
      },
    }
    const facets = runFacets(manifest, metadata)
    const runId = metadata.invocation_id
    for (const [eventType, eventTime] of [
      ['START', span.from],
      [failed ? 'FAIL' : 'COMPLETE', span.to],
    ])
      this.#events.push({
        eventType,
        eventTime,
        producer: PRODUCER,
        schemaURL: `${CORE}RunEvent`,
        run: { runId, facets },
        job,
        inputs: [],
        outputs: [],
      })
  }

  /** Exposures and metrics: they read, and are shown as jobs that write nothing. */
  #consumer(node: DbtNode): void {
    const inputs = this.#inputs(node)
    if (inputs.length === 0) return
    this.#events.push({
      eventTime: this.#project.manifest.metadata.generated_at,
      producer: PRODUCER,
      schemaURL: `${CORE}JobEvent`,
      job: this.#job(node.unique_id, jobFacets(node, undefined, this.#adapter)),
      inputs: inputs.map(({ namespace, name }) => ({ namespace, name })),
      outputs: [],
    })
  }

  #runEvent(
    eventType: string,
    eventTime: string,
    runId: string,
    facets: Facets,
    job: object,
    inputs: readonly object[],
    outputs: readonly object[],
  ): void {
    const { manifest, jobNamespace, runResults } = this.#project
    const { metadata } = runResults!
    const parent = facet('ParentRun', {
      run: { runId: metadata.invocation_id },
      job: { namespace: jobNamespace, name: this.#invocationJob },
    })
    this.#events.push({
      eventType,
      eventTime,
      producer: PRODUCER,
      schemaURL: `${CORE}RunEvent`,
      run: { runId, facets: { ...runFacets(manifest, metadata), parent, ...facets } },
      job,
      inputs,
      outputs,
    })
  }

  #job(name: string, facets: Facets): object {
    return { namespace: this.#project.jobNamespace, name, facets }
  }

  #dataset(node: DbtNode): { namespace: string; name: string; facets: Facets } {
    const { namespace, catalog } = this.#project
    const listed = catalog?.nodes[node.unique_id] ?? catalog?.sources[node.unique_id]
    return { namespace, name: datasetName(node), facets: datasetFacets(node, namespace, listed) }
  }

  /** What a node reads, as datasets. What has no table of its own (ephemeral models, metrics) is seen through. */
  #inputs(node: DbtNode): { namespace: string; name: string; facets: Facets }[] {
    const found = new Map<string, DbtNode>()
    const seen = new Set<string>()
    const waiting = [...(node.depends_on?.nodes ?? [])]
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const from = this.#nodes.get(id)
      if (from === undefined || seen.has(id)) continue
      seen.add(id)
      if (isBuilt(from) || from.resource_type === 'source') found.set(id, from)
      else waiting.push(...(from.depends_on?.nodes ?? []))
    }
    return [...found.values()].map((from) => this.#dataset(from))
  }

  /** The table that a test is about: the one it is attached to, else the only one it reads, else the first. */
  #tested(test: DbtNode): DbtNode | undefined {
    const ids = [test.attached_node, ...(test.depends_on?.nodes ?? [])]
    return ids
      .flatMap((id) => this.#nodes.get(id ?? '') ?? [])
      .find((node) => isBuilt(node) || node.resource_type === 'source')
  }

  get #adapter(): string {
    return this.#project.manifest.metadata.adapter_type
  }

  get #invocationJob(): string {
    return `dbt-run-${this.#project.manifest.metadata.project_name ?? 'project'}`
  }
}

const CORE = 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/'

interface Span {
  readonly from: string
  readonly to: string
}

/** When a result's node was at work; undefined where nothing ran. */
function spanOf({ timing }: DbtResult): Span | undefined {
  const execute = timing.filter(({ name }) => name === 'execute')
  const times = (execute.length > 0 ? execute : timing).flatMap(({ started_at: from, completed_at: to }) =>
    from && to ? [{ from: utc(from), to: utc(to) }] : [],
  )
  return times.length === 0 ? undefined : around(times)
}

/** Times of dbt are UTC, whether or not they say so. */
function utc(time: string): string {
  return /(Z|[+-]\d\d:\d\d)$/.test(time) ? time : `${time}Z`
}

function around(spans: readonly Span[]): Span {
  const from = spans.map((span) => span.from).toSorted()
  const to = spans.map((span) => span.to).toSorted()
  return { from: from[0]!, to: to.at(-1)! }
}

function isBuilt({ resource_type: type, config }: DbtNode): boolean {
  return (type === 'model' && config?.materialized !== 'ephemeral') || type === 'seed' || type === 'snapshot'
}

function failed({ message, status }: DbtResult): Facets {
  return { errorMessage: facet('ErrorMessageRun', { message: message ?? status, programmingLanguage: 'SQL' }) }
}
