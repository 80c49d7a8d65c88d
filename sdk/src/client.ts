import { z } from 'zod'
import { endpoints, type Endpoint } from './endpoints.ts'
import { WhenceError } from './error.ts'
import { Problem } from './receipts.ts'
import type { LineageBatch, LineageEventsQuery, LineageReceipt, ReceivedLineageEvents } from './collector.ts'
import type { Applied, ContractInfo, Declarations, ViewInfo } from './declarations.ts'
import type { Ingested, IngestQuery, Quarantined, QuarantineQuery, Release, ReleaseRequest, Stream } from './events.ts'
import type { ExplainQuery, Explanation, Link, Replay, ReplayRequest } from './explanations.ts'
import type {
  FeatureRow,
  Materialize,
  Snapshot,
  Subjects,
  SubjectsRequest,
  TrainingRow,
  TrainingSet,
  TrainingSetRequest,
} from './features.ts'
import type {
  Anchor,
  AnchorRequest,
  Erasure,
  ErasureRequest,
  IssuedKey,
  KeyInfo,
  KeyRequest,
  LedgerRecords,
  RecordsQuery,
  Status,
  Verification,
} from './governance.ts'
import type {
  LineageCoverage,
  LineageCoverageQuery,
  LineageDiff,
  LineageDiffQuery,
  LineageExplained,
  LineageExportQuery,
  LineageExplainQuery,
  LineageImpact,
  LineageImpactQuery,
  LineageNodeDetail,
  LineageNodeQuery,
  LineageNodes,
  LineageNodesQuery,
  LineageRunDetail,
  LineageRunQuery,
  WhatIf,
  WhatIfRequest,
} from './lineage.ts'
import type { ModelVersion, ModelVersionRequest } from './models.ts'
import type { FindQuery, Found, PredictionBatch, PredictionResults } from './predictions.ts'

export type ClientOptions = {
  /** Where the server listens, for example `http://127.0.0.1:4600`. */
  url: string
  /** The bearer key, `wk_…`. */
  key: string
  /** What carries the requests; default: the platform's `fetch`. */
  fetch?: (url: string, request: RequestInit) => Promise<Response>
  /** How often a call is made while the server says that it is overloaded (503); default 8. */
  tries?: number
  /** Waits, in milliseconds; tests put a clock of theirs here. */
  wait?: (milliseconds: number) => Promise<void>
  /** Ends all calls under way; they throw its reason. */
  signal?: AbortSignal
}

/**
 * The events of one request: NDJSON as text or bytes, kept byte for byte, or values, of which each becomes one line.
 * Numbers that JavaScript cannot hold must come as text.
 */
export type Events = string | Uint8Array | readonly object[]

export type IngestOptions = IngestQuery & {
  /** Compress the body: worth it over a network, not on one machine. */
  gzip?: boolean
}

type Call = {
  path?: Record<string, string | number>
  query?: Record<string, unknown>
  body?: { type: string; bytes: string | Uint8Array; encoding?: 'gzip' }
}

const longestWait = 30_000

/**
 * The API, typed: one method for each of its endpoints, under the endpoint's name in `endpoints.ts`. Answers are parsed
 * by their schemas; whatever fails is a `WhenceError`. While the server is overloaded a call waits as long as the server
 * asks, and is made again, a bounded number of times: a 503 says that nothing was accepted.
 *
 * @example
 * const whence = createClient({ url: 'http://127.0.0.1:4600', key: process.env.WHENCE_KEY! })
 * const { accounting } = await whence.ingest('touchpoints', [{ customer_id: 'c-42', time: '2026-03-20T10:00:00Z' }])
 * console.log((await whence.explain('pred-000042')).sentence)
 */
export class Client {
  readonly #url: string
  readonly #key: string
  readonly #fetch: NonNullable<ClientOptions['fetch']>
  readonly #tries: number
  readonly #wait: (milliseconds: number) => Promise<void>
  readonly #signal: AbortSignal | undefined

  constructor(options: ClientOptions) {
    this.#url = options.url.replace(/\/+$/, '')
    this.#key = options.key
    this.#fetch = options.fetch ?? ((url, request) => fetch(url, request))
    this.#tries = options.tries ?? 8
    this.#wait = options.wait ?? ((milliseconds) => new Promise((done) => setTimeout(done, milliseconds)))
    this.#signal = options.signal
  }

  /** Puts contracts and feature views into force. All or none: one file that does not parse refuses them all. */
  apply(declarations: Declarations): Promise<Applied> {
    return this.#json(endpoints.apply, { body: json(declarations) })
  }

  contract(stream: string): Promise<ContractInfo> {
    return this.#json(endpoints.contract, { path: { stream } })
  }

  /** A feature view by `name` (the newest version) or `name@vN`. */
  view(name: string): Promise<ViewInfo> {
    return this.#json(endpoints.view, { path: { name } })
  }

  /**
   * Records events of one stream; durable when this returns. Sending the same again changes nothing: repeats come back as
   * duplicates. An event that breaks its contract is no error here: see `accounting` and `results`.
   */
  async ingest(stream: string, events: Events, options: IngestOptions = {}): Promise<Ingested> {
    const { gzip, ...query } = options
    const lines = typeof events === 'string' || events instanceof Uint8Array ? events : ndjson(events)
    const body = { type: 'application/x-ndjson', bytes: lines }
    return this.#json(endpoints.ingest, {
      path: { stream },
      query,
      body: gzip ? { ...body, bytes: await compress(lines), encoding: 'gzip' } : body,
    })
  }

  streams(): Promise<Stream[]> {
    return this.#json(endpoints.streams)
  }

  stream(stream: string): Promise<Stream> {
    return this.#json(endpoints.stream, { path: { stream } })
  }

  quarantined(query: QuarantineQuery = {}): Promise<Quarantined[]> {
    return this.#json(endpoints.quarantined, { query })
  }

  release(request: ReleaseRequest): Promise<Release> {
    return this.#json(endpoints.release, { body: json(request) })
  }

  records(query: RecordsQuery = {}): Promise<LedgerRecords> {
    return this.#json(endpoints.records, { query })
  }

  /** A `tlog-proof` that any verifier of that format checks offline. */
  recordProof(seq: number): Promise<string> {
    return this.#text(endpoints.recordProof, { path: { seq } })
  }

  materialize(request: Materialize): Promise<Snapshot> {
    return this.#json(endpoints.materialize, { body: json(request) })
  }

  snapshot(id: number): Promise<Snapshot> {
    return this.#json(endpoints.snapshot, { path: { id } })
  }

  /** The rows of a snapshot as they arrive; throws `unreachable` when the answer breaks off before its end. */
  snapshotRows(id: number): AsyncIterable<FeatureRow> {
    return this.#rows(endpoints.snapshotRows, { path: { id } })
  }

  createTrainingSet(request: TrainingSetRequest): Promise<TrainingSet> {
    return this.#json(endpoints.createTrainingSet, { body: json(request) })
  }

  trainingSet(id: string): Promise<TrainingSet> {
    return this.#json(endpoints.trainingSet, { path: { id } })
  }

  /** The rows of a training set as they arrive; throws `unreachable` when the answer breaks off before its end. */
  trainingRows(id: string): AsyncIterable<TrainingRow> {
    return this.#rows(endpoints.trainingRows, { path: { id } })
  }

  registerModel(request: ModelVersionRequest): Promise<ModelVersion> {
    return this.#json(endpoints.registerModel, { body: json(request) })
  }

  /** A model version by `name@version`. */
  model(version: string): Promise<ModelVersion> {
    return this.#json(endpoints.model, { path: { version } })
  }

  /** Records predictions, at most 10,000 a call; durable when this returns, and repeatable like `ingest`. */
  predict(batch: PredictionBatch): Promise<PredictionResults> {
    return this.#json(endpoints.predict, { body: json(batch) })
  }

  /** The subject id of each identifier, in their order. */
  subjects(request: SubjectsRequest): Promise<Subjects> {
    return this.#json(endpoints.subjects, { body: json(request) })
  }

  find(query: FindQuery = {}): Promise<Found> {
    return this.#json(endpoints.find, { query })
  }

  explain(id: string, query: ExplainQuery = {}): Promise<Explanation> {
    return this.#json(endpoints.explain, { path: { id }, query })
  }

  /** The `tlog-proof` of each record behind an explanation, one after the other. */
  explanationProof(id: string): Promise<string> {
    return this.#text(endpoints.explanationProof, { path: { id } })
  }

  link(id: string): Promise<Link> {
    return this.#json(endpoints.link, { path: { id } })
  }

  replay(request: ReplayRequest = {}): Promise<Replay> {
    return this.#json(endpoints.replay, { body: json(request) })
  }

  /** Records one OpenLineage event, as a value or as its bytes; durable when this returns, and repeatable. */
  async collect(event: object | string | Uint8Array, options: { gzip?: boolean } = {}): Promise<LineageReceipt> {
    const answer = await this.#json(endpoints.collect, { body: await lineage(event, options.gzip) })
    if ('receipt' in answer) return answer
    throw new WhenceError('usage', 0, 'collect takes one event: collectBatch takes several.')
  }

  /** Records OpenLineage events, each by itself. Undefined: all were recorded, and there is nothing to say of any. */
  async collectBatch(
    events: readonly object[] | string | Uint8Array,
    options: { gzip?: boolean } = {},
  ): Promise<LineageBatch | undefined> {
    const body = await lineage(events, options.gzip)
    const response = await this.#send(endpoints.collectBatch, 'application/json', { body })
    if (response.status === 204) return undefined
    return parsed(
      endpoints.collectBatch,
      endpoints.collectBatch.answer.json,
      await text(endpoints.collectBatch, response),
    )
  }

  /** OpenLineage events as they were received. Go on at `next` until it is `asOf`. */
  collected(query: LineageEventsQuery = {}): Promise<ReceivedLineageEvents> {
    return this.#json(endpoints.collected, { query })
  }

  /** Where a name, a column (`ID#FIELD`) or a run (`run:ID`) comes from; page by page, with `cursor`. */
  lineageExplain(query: LineageExplainQuery): Promise<LineageExplained> {
    return this.#json(endpoints.lineageExplain, { query })
  }

  /** What depends on it. The counts are over everything that is reached, on whichever page. */
  lineageImpact(query: LineageImpactQuery): Promise<LineageImpact> {
    return this.#json(endpoints.lineageImpact, { query })
  }

  lineageDiff(query: LineageDiffQuery): Promise<LineageDiff> {
    return this.#json(endpoints.lineageDiff, { query })
  }

  /** What a planned change of columns would break. It changes nothing. */
  whatIf(request: WhatIfRequest): Promise<WhatIf> {
    return this.#json(endpoints.whatIf, { body: json(request) })
  }

  lineageNodes(query: LineageNodesQuery = {}): Promise<LineageNodes> {
    return this.#json(endpoints.lineageNodes, { query })
  }

  lineageNode(query: LineageNodeQuery): Promise<LineageNodeDetail> {
    return this.#json(endpoints.lineageNode, { query })
  }

  lineageRun(query: LineageRunQuery): Promise<LineageRunDetail> {
    return this.#json(endpoints.lineageRun, { query })
  }

  lineageCoverage(query: LineageCoverageQuery = {}): Promise<LineageCoverage> {
    return this.#json(endpoints.lineageCoverage, { query })
  }

  /** Recorded OpenLineage events, a line each, or PROV-JSON, as it arrives; throws `unreachable` when it breaks off. */
  async *lineageExport(query: LineageExportQuery = {}): AsyncGenerator<Uint8Array, void, undefined> {
    const response = await this.#send(endpoints.lineageExport, '*/*', { query })
    try {
      if (response.body !== null) yield* response.body
    } catch (error) {
      throw brokenOff(endpoints.lineageExport, error)
    }
  }

  /** Makes a person's sealed data unreadable, for ever. */
  erase(request: ErasureRequest): Promise<Erasure> {
    return this.#json(endpoints.erase, { body: json(request) })
  }

  keys(): Promise<KeyInfo[]> {
    return this.#json(endpoints.keys)
  }

  issueKey(request: KeyRequest): Promise<IssuedKey> {
    return this.#json(endpoints.issueKey, { body: json(request) })
  }

  revokeKey(id: string): Promise<KeyInfo> {
    return this.#json(endpoints.revokeKey, { path: { id } })
  }

  anchor(request: AnchorRequest): Promise<Anchor> {
    return this.#json(endpoints.anchor, { body: json(request) })
  }

  status(): Promise<Status> {
    return this.#json(endpoints.status)
  }

  verify(): Promise<Verification> {
    return this.#json(endpoints.verify)
  }

  async #json<S extends z.ZodType>(endpoint: Endpoint & { answer: { json: S } }, call?: Call): Promise<z.output<S>> {
    const response = await this.#send(endpoint, 'application/json', call)
    return parsed(endpoint, endpoint.answer.json, await text(endpoint, response))
  }

  async #text(endpoint: Endpoint & { answer: { text: string } }, call?: Call): Promise<string> {
    return text(endpoint, await this.#send(endpoint, 'text/plain', call))
  }

  async *#rows<S extends z.ZodType>(
    endpoint: Endpoint & { answer: { rows: S } },
    call?: Call,
  ): AsyncGenerator<z.output<S>, void, undefined> {
    const response = await this.#send(endpoint, 'application/x-ndjson', call)
    if (response.body === null) return
    let rest = ''
    try {
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (rest + piece).split('\n')
        rest = lines.pop() ?? ''
        for (const line of lines) if (line !== '') yield parsed(endpoint, endpoint.answer.rows, line)
      }
    } catch (error) {
      throw error instanceof WhenceError ? error : brokenOff(endpoint, error)
    }
    if (rest !== '') yield parsed(endpoint, endpoint.answer.rows, rest)
  }

  async #send(endpoint: Endpoint, accept: string, { path = {}, query = {}, body }: Call = {}): Promise<Response> {
    const url = this.#url + filled(endpoint.path, path) + search(query)
    const headers: Record<string, string> = { accept, authorization: `Bearer ${this.#key}` }
    if (body) headers['content-type'] = body.type
    if (body?.encoding) headers['content-encoding'] = body.encoding
    const request: RequestInit = { method: endpoint.method, headers }
    if (body) request.body = body.bytes as string | Uint8Array<ArrayBuffer>
    if (this.#signal) request.signal = this.#signal

    for (let attempt = 1; ; attempt++) {
      const response = await this.#fetch(url, request).catch((error: unknown) => {
        throw this.#signal?.aborted ? error : unreachable(this.#url, error)
      })
      if (response.ok) return response
      if (response.status !== 503 || attempt >= this.#tries) throw await refusal(endpoint, response)
      await response.body?.cancel()
      await this.#wait(pause(response.headers.get('retry-after'), attempt))
      this.#signal?.throwIfAborted()
    }
  }
}

/** A client of the server at `url`. Nothing is sent until a method is called. */
export function createClient(options: ClientOptions): Client {
  return new Client(options)
}

function json(value: unknown): NonNullable<Call['body']> {
  return { type: 'application/json', bytes: JSON.stringify(value) }
}

async function lineage(events: unknown, gzip = false): Promise<NonNullable<Call['body']>> {
  const bytes = typeof events === 'string' || events instanceof Uint8Array ? events : JSON.stringify(events)
  const type = 'application/json'
  return gzip ? { type, bytes: await compress(bytes), encoding: 'gzip' } : { type, bytes }
}

function ndjson(events: readonly object[]): string {
  return events.map((event) => JSON.stringify(event) + '\n').join('')
}

async function compress(lines: string | Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([lines as string | Uint8Array<ArrayBuffer>]).stream()
  return new Uint8Array(await new Response(stream.pipeThrough(new CompressionStream('gzip'))).arrayBuffer())
}

/** `.` and `..` would be taken for steps between folders, even percent-encoded, and so reach another endpoint. */
function filled(path: string, values: Record<string, string | number>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = String(values[name])
    if (value === '' || value === '.' || value === '..') {
      throw new WhenceError('usage', 0, `"${value}" cannot be a ${name}.`)
    }
    return encodeURIComponent(value)
  })
}

function search(query: Record<string, unknown>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0 ? '' : `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}`
}

/** Retry-After holds seconds or a date; without one the wait doubles from 250 ms. */
function pause(retryAfter: string | null, attempt: number): number {
  if (retryAfter === null) return Math.min(longestWait, 125 * 2 ** attempt)
  const asked = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now()
  return Math.min(longestWait, Math.max(0, asked || 0))
}

async function text(endpoint: Endpoint, response: Response): Promise<string> {
  return response.text().catch((error: unknown) => {
    throw brokenOff(endpoint, error)
  })
}

function parsed<S extends z.ZodType>(endpoint: Endpoint, schema: S, body: string): z.output<S> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (cause) {
    throw unexpected(endpoint, 200, `no JSON: ${body.slice(0, 200)}`, { cause })
  }
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw unexpected(endpoint, 200, z.prettifyError(result.error), { details: result.error.issues })
}

async function refusal(endpoint: Endpoint, response: Response): Promise<WhenceError> {
  const body = await text(endpoint, response)
  try {
    const { code, message, details } = z.object({ error: Problem }).parse(JSON.parse(body)).error
    return new WhenceError(code, response.status, message, { details })
  } catch (cause) {
    const said = body.trim().slice(0, 200) || response.statusText || 'nothing'
    return unexpected(endpoint, response.status, `status ${response.status}: ${said}`, { cause })
  }
}

function unexpected(
  { method, path }: Endpoint,
  status: number,
  what: string,
  options: { details?: unknown; cause?: unknown },
): WhenceError {
  const sentence = `${method} ${path} was not answered as this API answers; is it a Whence server of another version?`
  return new WhenceError('unexpected_answer', status, `${sentence} ${what}`, options)
}

function brokenOff({ method, path }: Endpoint, cause: unknown): WhenceError {
  return new WhenceError('unreachable', 0, `The answer to ${method} ${path} broke off; ask again.`, { cause })
}

function unreachable(url: string, cause: unknown): WhenceError {
  if (cause instanceof WhenceError) return cause
  const reason = cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : cause
  const sentence = `No answer from ${url} (${String(reason)}). Is the server running? What was sent may be sent again.`
  return new WhenceError('unreachable', 0, sentence, { cause })
}
