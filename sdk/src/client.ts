import type { ConnectedObject, ConnectedState, Connectors } from './connectors.ts'
import type {
  AlarmClearance,
  Alarms,
  AlarmsQuery,
  ClearedAlarm,
  Monitors,
  MonitorTested,
  MonitorTestRequest,
} from './monitors.ts'
import type {
  FoundOutcomes,
  OutcomeCounts,
  OutcomeCountsQuery,
  OutcomeReport,
  OutcomeResults,
  OutcomesQuery,
  Ticket,
  Webhooks,
} from './outcomes.ts'
import type { z } from 'zod'
import { endpoints } from './endpoints.ts'
import { WhenceError } from './error.ts'
import type { AgentInfo, Agents, AgentsQuery } from './agents.ts'
import type { StatedAction } from './statements.ts'
import type { LineageBatch, LineageEventsQuery, LineageReceipt, ReceivedLineageEvents } from './collector.ts'
import type { EmissionReceipts, EmissionReport, Emitters, EmittersQuery, Numbered } from './emissions.ts'
import type {
  ConsentBatch,
  ConsentCheck,
  ConsentCheckQuery,
  ConsentChecks,
  ConsentChecksRequest,
  ConsentResults,
  Consents,
  ConsentsQuery,
} from './consents.ts'
import type { ConsentExport, ConsentExportQuery, ConsentImport } from './consent-imports.ts'
import type { OptOutBatch, OptOutLink, OptOutLinkRequest, OptOutResults } from './opt-outs.ts'
import type { Applied, ContractInfo, ViewInfo } from './declarations.ts'
import type { Ingested, IngestQuery, Quarantined, QuarantineQuery, Release, ReleaseRequest, Stream } from './events.ts'
import type { ExplainQuery, Explanation, Link } from './explanations.ts'
import type { FeatureRow, Materialize, Snapshot, Subjects, SubjectsRequest } from './features.ts'
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
  LineageDiff,
  LineageDiffQuery,
  LineageExplained,
  LineageExplainQuery,
  LineageImpact,
  LineageImpactQuery,
  WhatIf,
  WhatIfRequest,
} from './lineage.ts'
import type {
  LineageCoverage,
  LineageCoverageQuery,
  LineageExportQuery,
  LineageNodeDetail,
  LineageNodeQuery,
  LineageNodes,
  LineageNodesQuery,
  LineageRunDetail,
  LineageRunQuery,
} from './lineage-names.ts'
import type { ModelAudit } from './model-audit.ts'
import type {
  Alias,
  AliasRequest,
  Artifact,
  ModelList,
  ModelsQuery,
  ModelVersion,
  ModelVersionRequest,
} from './models.ts'
import type { ApplyRequest, Plan, PlanRequest } from './plans.ts'
import type { PlaybookInForce } from './playbooks.ts'
import type { Corrected, CorrectedQuery, CorrectedRequest, CorrectedRow } from './corrected.ts'
import type {
  Rollback,
  RollbackApply,
  RollbackPlan,
  RollbackReport,
  RollbackRequest,
  Rollbacks,
  RollbackScope,
  ScopedAction,
  ScopeQuery,
} from './rollbacks.ts'
import type { Pause, PauseDone, PauseRequest, Recalled } from './pauses.ts'
import type { ActionExplanation, ActionsQuery, FoundActions } from './action-explanations.ts'
import type { ActionProposal, ActionResults, CopyPart, DecidedAction } from './actions.ts'
import type { FlatAction } from './flat-actions.ts'
import type { Acknowledged, Acknowledgement, ClaimRequest, Claims, OutboxState } from './outbox.ts'
import type { Preflight, PreflightRequest } from './preflight.ts'
import type { Reviewed, ReviewQueue, ReviewsQuery, ReviewStep } from './reviews.ts'
import type { Online, OnlineQuery, OnlineRequest } from './online.ts'
import type {
  PredictionBatchQuery,
  PredictionBatchReceived,
  Promotion,
  PromotionRequest,
} from './prediction-batches.ts'
import type { ProvenanceQuery, ProvenanceRow, ProvenanceTable } from './provenance.ts'
import type { FindQuery, Found, PredictionBatch, PredictionResults } from './predictions.ts'
import type {
  TrainingRun,
  TrainingRunQuery,
  TrainingRunRequest,
  TrainingRuns,
  TrainingRunsQuery,
} from './training-runs.ts'
import type { JobProgress, Replay, ReplayRequest } from './replays.ts'
import type { Drift, DriftRequest, Skew, SkewRequest } from './skew.ts'
import type {
  Approval,
  ApprovalRequest,
  Objection,
  ObjectionQuery,
  ObjectionRequest,
  ObjectionState,
  SpineUpload,
  TrainingCard,
  TrainingComparison,
  TrainingProgress,
  TrainingRow,
  TrainingSet,
  TrainingSetRequest,
  TrainingVerification,
  TrainingVerifyRequest,
} from './training-sets.ts'
import type { ExpireTables, TableDetail, TableList, TablesExpired } from './tables.ts'
import type { AgentComparison, AgentComparisonQuery } from './agent-comparisons.ts'
import type { GateTrial, GateTrialRequest } from './gate-trials.ts'
import type { Trace, TracesQuery } from './traces.ts'
import { Transport } from './transport.ts'
import type { Call, ClientOptions } from './transport.ts'

export type { ClientOptions } from './transport.ts'

/**
 * The events of one request: NDJSON as text or bytes, kept byte for byte, or values, of which each becomes one line.
 * Numbers that JavaScript cannot hold must come as text.
 */
export type Events = string | Uint8Array | readonly object[]

/** The rows of a batch: see `predictBatch`. */
export type Rows = Events | Blob | (() => ReadableStream<Uint8Array>)

export type BatchOptions = {
  format?: 'ndjson' | 'parquet'
  /** Text, bytes and values are compressed; a Blob or stream must be gzip already. */
  gzip?: boolean
}

export type IngestOptions = IngestQuery & {
  /** Compress the body: worth it over a network, not on one machine. */
  gzip?: boolean
}

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
  readonly #transport: Transport

  constructor(options: ClientOptions) {
    this.#transport = new Transport(options)
  }

  /** What applying these files would change. It changes nothing. */
  plan(request: PlanRequest): Promise<Plan> {
    return this.#transport.json(endpoints.plan, { body: json(request) })
  }

  /**
   * Puts contracts, feature views and policies into force. All or none: one file that does not parse refuses them all.
   * With `plan`, throws `conflict` when something else was applied since, or the files are not those that were planned.
   */
  apply(request: ApplyRequest): Promise<Applied> {
    return this.#transport.json(endpoints.apply, { body: json(request) })
  }

  contract(stream: string): Promise<ContractInfo> {
    return this.#transport.json(endpoints.contract, { path: { stream } })
  }

  /** A feature view by `name` (the newest version) or `name@vN`. */
  view(name: string): Promise<ViewInfo> {
    return this.#transport.json(endpoints.view, { path: { name } })
  }

  /**
   * Records events of one stream; durable when this returns. Sending the same again changes nothing: repeats come back as
   * duplicates. An event that breaks its contract is no error here: see `accounting` and `results`.
   */
  async ingest(stream: string, events: Events, options: IngestOptions = {}): Promise<Ingested> {
    const { gzip, ...query } = options
    const lines = typeof events === 'string' || events instanceof Uint8Array ? events : ndjson(events)
    const body = { type: 'application/x-ndjson', bytes: lines }
    return this.#transport.json(endpoints.ingest, {
      path: { stream },
      query,
      body: gzip ? { ...body, bytes: await compress(lines), encoding: 'gzip' } : body,
    })
  }

  streams(): Promise<Stream[]> {
    return this.#transport.json(endpoints.streams)
  }

  stream(stream: string): Promise<Stream> {
    return this.#transport.json(endpoints.stream, { path: { stream } })
  }

  quarantined(query: QuarantineQuery = {}): Promise<Quarantined[]> {
    return this.#transport.json(endpoints.quarantined, { query })
  }

  release(request: ReleaseRequest): Promise<Release> {
    return this.#transport.json(endpoints.release, { body: json(request) })
  }

  records(query: RecordsQuery = {}): Promise<LedgerRecords> {
    return this.#transport.json(endpoints.records, { query })
  }

  /** A `tlog-proof` that any verifier of that format checks offline. */
  recordProof(seq: number): Promise<string> {
    return this.#transport.text(endpoints.recordProof, { path: { seq } })
  }

  materialize(request: Materialize): Promise<Snapshot> {
    return this.#transport.json(endpoints.materialize, { body: json(request) })
  }

  snapshot(id: number): Promise<Snapshot> {
    return this.#transport.json(endpoints.snapshot, { path: { id } })
  }

  /** The rows of a snapshot as they arrive; throws `unreachable` when the answer breaks off before its end. */
  snapshotRows(id: number): AsyncIterable<FeatureRow> {
    return this.#transport.rows(endpoints.snapshotRows, { path: { id } })
  }

  /** Features of some people from some views. Lists stand in the address, with commas between. */
  online(query: OnlineQuery): Promise<Online> {
    return this.#transport.json(endpoints.online, { query })
  }

  /** As `online`, for long lists, and for identifiers that should not stand in an address. */
  onlineMany(request: OnlineRequest): Promise<Online> {
    return this.#transport.json(endpoints.onlineMany, { body: json(request) })
  }

  /** The events that each feature value was made from, as they arrive; throws `unreachable` when the answer breaks off. */
  provenance(id: number, query: ProvenanceQuery = {}): AsyncIterable<ProvenanceRow> {
    return this.#transport.rows(endpoints.provenance, { path: { id }, query })
  }

  /** Adds the provenance of a snapshot to the table `audit.VIEW_vN`, which any engine reads. Repeatable. */
  provenanceTable(id: number): Promise<ProvenanceTable> {
    return this.#transport.json(endpoints.provenanceTable, { path: { id } })
  }

  createTrainingSet(request: TrainingSetRequest): Promise<TrainingSet> {
    return this.#transport.json(endpoints.createTrainingSet, { body: json(request) })
  }

  trainingSet(id: string): Promise<TrainingSet> {
    return this.#transport.json(endpoints.trainingSet, { path: { id } })
  }

  /** The rows of a training set as they arrive; throws `unreachable` when the answer breaks off before its end. */
  trainingRows(id: string): AsyncIterable<TrainingRow> {
    return this.#transport.rows(endpoints.trainingRows, { path: { id } })
  }

  /** A file of CSV or Parquet for `createTrainingSet`; a Blob (`openAsBlob` of node:fs) is not held in memory. */
  uploadSpine(file: string | Uint8Array | Blob, format: 'csv' | 'parquet'): Promise<SpineUpload> {
    const body = { type: 'application/octet-stream', bytes: file }
    return this.#transport.json(endpoints.uploadSpine, { query: { format }, body })
  }

  trainingProgress(id: string): Promise<TrainingProgress> {
    return this.#transport.json(endpoints.trainingProgress, { path: { id } })
  }

  /** The Parquet file as it arrives; throws `unreachable` when it breaks off. */
  exportTrainingSet(id: string): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#transport.bytes(endpoints.exportTrainingSet, { path: { id } })
  }

  trainingCard(id: string): Promise<TrainingCard> {
    return this.#transport.json(endpoints.trainingCard, { path: { id } })
  }

  /** The data card in Markdown. */
  trainingCardText(id: string): Promise<string> {
    return this.#transport.text(endpoints.trainingCardText, { path: { id } })
  }

  approveTrainingSet(id: string, request: ApprovalRequest): Promise<Approval> {
    return this.#transport.json(endpoints.approveTrainingSet, { path: { id }, body: json(request) })
  }

  verifyTrainingSet(id: string, request: TrainingVerifyRequest = {}): Promise<TrainingVerification> {
    return this.#transport.json(endpoints.verifyTrainingSet, { path: { id }, body: json(request) })
  }

  compareTrainingSets(id: string, other: string): Promise<TrainingComparison> {
    return this.#transport.json(endpoints.compareTrainingSets, { path: { id }, query: { with: other } })
  }

  /** Records that a person objects, or takes an objection back. */
  object(request: ObjectionRequest): Promise<Objection> {
    return this.#transport.json(endpoints.object, { body: json(request) })
  }

  objections(query: ObjectionQuery): Promise<ObjectionState> {
    return this.#transport.json(endpoints.objections, { query })
  }

  registerModel(request: ModelVersionRequest): Promise<ModelVersion> {
    return this.#transport.json(endpoints.registerModel, { body: json(request) })
  }

  /** A model version by `name@version`. */
  model(version: string): Promise<ModelVersion> {
    return this.#transport.json(endpoints.model, { path: { version } })
  }

  /** Of one model all versions, newest first, with `name`. */
  models(query: ModelsQuery = {}): Promise<ModelList> {
    return this.#transport.json(endpoints.models, { query })
  }

  /** Markdown. */
  modelCard(version: string): Promise<string> {
    return this.#transport.text(endpoints.modelCard, { path: { version } })
  }

  /** What a version was made from, checked again, and compared with what is in production now. */
  modelAudit(version: string): Promise<ModelAudit> {
    return this.#transport.json(endpoints.modelAudit, { path: { version } })
  }

  /** Lets `name@alias` mean a version. Throws `conflict` where `expected` is given and is not what it points at. */
  setAlias(name: string, alias: string, request: AliasRequest): Promise<Alias> {
    return this.#transport.json(endpoints.setAlias, { path: { name, alias }, body: json(request) })
  }

  aliases(name: string): Promise<Alias[]> {
    return this.#transport.json(endpoints.aliases, { path: { name } })
  }

  /** Tells of a training run: at its start, at its end, or both. Later records add to earlier ones. */
  recordTrainingRun(request: TrainingRunRequest): Promise<TrainingRun> {
    return this.#transport.json(endpoints.recordTrainingRun, { body: json(request) })
  }

  trainingRuns(query: TrainingRunsQuery = {}): Promise<TrainingRuns> {
    return this.#transport.json(endpoints.trainingRuns, { query })
  }

  trainingRun(id: string, query: TrainingRunQuery = {}): Promise<TrainingRun> {
    return this.#transport.json(endpoints.trainingRun, { path: { id }, query })
  }

  /** Stores a file under its SHA-256 (hex). A Blob of a file is read as it is sent. */
  putArtifact(sha256: string, bytes: Uint8Array | Blob): Promise<Artifact> {
    return this.#transport.json(endpoints.putArtifact, {
      path: { sha256 },
      body: { type: 'application/octet-stream', bytes },
    })
  }

  /** A stored file as it arrives; throws `unreachable` when it breaks off, as it does where the file was altered. */
  artifact(sha256: string): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#transport.bytes(endpoints.artifact, { path: { sha256 } })
  }

  /** Records predictions, at most 10,000 a call; durable when this returns, and repeatable like `ingest`. */
  predict(batch: PredictionBatch, query: Numbered = {}): Promise<PredictionResults> {
    return this.#transport.json(endpoints.predict, { query, body: json(batch) })
  }

  /**
   * Records a batch of predictions of any size as one, all of it or nothing; durable when this returns, and repeatable.
   * `rows` are values, NDJSON or Parquet as text or bytes, or a function that gives such bytes as a stream: it is called
   * anew for each try.
   */
  async predictBatch(
    query: PredictionBatchQuery,
    rows: Rows,
    options: BatchOptions = {},
  ): Promise<PredictionBatchReceived> {
    const { gzip, format = 'ndjson' } = options
    const type = format === 'parquet' ? 'application/vnd.apache.parquet' : 'application/x-ndjson'
    const bytes = Array.isArray(rows) ? ndjson(rows as readonly object[]) : (rows as Exclude<Rows, readonly object[]>)
    const whole = typeof bytes === 'string' || bytes instanceof Uint8Array
    const sent = gzip && whole ? await compress(bytes) : bytes
    const body: Call['body'] = { type, bytes: sent, ...(gzip ? { encoding: 'gzip' } : {}) }
    return this.#transport.json(endpoints.predictBatch, { query, body })
  }

  /** Recovers what was left out of a prediction; what was promoted before is answered as it was then. */
  promote(id: string, request: PromotionRequest): Promise<Promotion> {
    return this.#transport.json(endpoints.promote, { path: { id }, body: json(request) })
  }

  /** The subject id of each identifier, in their order. */
  subjects(request: SubjectsRequest): Promise<Subjects> {
    return this.#transport.json(endpoints.subjects, { body: json(request) })
  }

  find(query: FindQuery = {}): Promise<Found> {
    return this.#transport.json(endpoints.find, { query })
  }

  explain(id: string, query: ExplainQuery = {}): Promise<Explanation> {
    return this.#transport.json(endpoints.explain, { path: { id }, query })
  }

  /** The `tlog-proof` of each record behind an explanation, one after the other. */
  explanationProof(id: string): Promise<string> {
    return this.#transport.text(endpoints.explanationProof, { path: { id } })
  }

  link(id: string): Promise<Link> {
    return this.#transport.json(endpoints.link, { path: { id } })
  }

  tables(): Promise<TableList> {
    return this.#transport.json(endpoints.tables)
  }

  /** A table by its name, as in `features.engagement_v1`. Throws `not_found`. */
  table(name: string): Promise<TableDetail> {
    return this.#transport.json(endpoints.table, { path: { name } })
  }

  /** Lets old snapshots of tables go; those that are needed are named in the answer. */
  expireTables(request: ExpireTables): Promise<TablesExpired> {
    return this.#transport.json(endpoints.expireTables, { body: json(request) })
  }

  replay(request: ReplayRequest = {}): Promise<Replay> {
    return this.#transport.json(endpoints.replay, { body: json(request) })
  }

  /** What was served, beside what offline gives as of the same instants. */
  skew(request: SkewRequest = {}): Promise<Skew> {
    return this.#transport.json(endpoints.skew, { body: json(request) })
  }

  /** How far what is served lies from what the model was trained on. */
  drift(request: DriftRequest): Promise<Drift> {
    return this.#transport.json(endpoints.drift, { body: json(request) })
  }

  /** How far a long question is that was given this name; undefined totals are not known yet. */
  progress(job: string): Promise<JobProgress> {
    return this.#transport.json(endpoints.progress, { path: { job } })
  }

  /** Records one OpenLineage event, as a value or as its bytes; durable when this returns, and repeatable. */
  async collect(event: object | string | Uint8Array, options: { gzip?: boolean } = {}): Promise<LineageReceipt> {
    const answer = await this.#transport.json(endpoints.collect, { body: await lineage(event, options.gzip) })
    if ('receipt' in answer) return answer
    throw new WhenceError('usage', 0, 'collect takes one event: collectBatch takes several.')
  }

  /** Records OpenLineage events, each by itself. Undefined: all were recorded, and there is nothing to say of any. */
  async collectBatch(
    events: readonly object[] | string | Uint8Array,
    options: { gzip?: boolean } = {},
  ): Promise<LineageBatch | undefined> {
    return this.#transport.jsonOrNothing(endpoints.collectBatch, { body: await lineage(events, options.gzip) })
  }

  /** OpenLineage events as they were received. Go on at `next` until it is `asOf`. */
  collected(query: LineageEventsQuery = {}): Promise<ReceivedLineageEvents> {
    return this.#transport.json(endpoints.collected, { query })
  }

  /** Where a name, a column (`ID#FIELD`) or a run (`run:ID`) comes from; page by page, with `cursor`. */
  lineageExplain(query: LineageExplainQuery): Promise<LineageExplained> {
    return this.#transport.json(endpoints.lineageExplain, { query })
  }

  /** What depends on it. The counts are over everything that is reached, on whichever page. */
  lineageImpact(query: LineageImpactQuery): Promise<LineageImpact> {
    return this.#transport.json(endpoints.lineageImpact, { query })
  }

  lineageDiff(query: LineageDiffQuery): Promise<LineageDiff> {
    return this.#transport.json(endpoints.lineageDiff, { query })
  }

  /** What a planned change of columns would break. It changes nothing. */
  whatIf(request: WhatIfRequest): Promise<WhatIf> {
    return this.#transport.json(endpoints.whatIf, { body: json(request) })
  }

  lineageNodes(query: LineageNodesQuery = {}): Promise<LineageNodes> {
    return this.#transport.json(endpoints.lineageNodes, { query })
  }

  lineageNode(query: LineageNodeQuery): Promise<LineageNodeDetail> {
    return this.#transport.json(endpoints.lineageNode, { query })
  }

  lineageRun(query: LineageRunQuery): Promise<LineageRunDetail> {
    return this.#transport.json(endpoints.lineageRun, { query })
  }

  lineageCoverage(query: LineageCoverageQuery = {}): Promise<LineageCoverage> {
    return this.#transport.json(endpoints.lineageCoverage, { query })
  }

  /** Recorded OpenLineage events, a line each, or PROV-JSON, as it arrives; throws `unreachable` when it breaks off. */
  lineageExport(query: LineageExportQuery = {}): AsyncGenerator<Uint8Array, void, undefined> {
    return this.#transport.bytes(endpoints.lineageExport, { query })
  }

  /** Records consent receipts. Durable when it resolves; one that is refused does not keep back the others. */
  recordConsents(batch: ConsentBatch): Promise<ConsentResults> {
    return this.#transport.json(endpoints.recordConsents, { body: json(batch) })
  }

  consents(query: ConsentsQuery): Promise<Consents> {
    return this.#transport.json(endpoints.consents, { query })
  }

  /** Whether somebody may be asked. A refusal is an answer, not an error. */
  checkConsent(query: ConsentCheckQuery): Promise<ConsentCheck> {
    return this.#transport.json(endpoints.checkConsent, { query })
  }

  checkConsents(request: ConsentChecksRequest): Promise<ConsentChecks> {
    return this.#transport.json(endpoints.checkConsents, { body: json(request) })
  }

  importConsents(request: ConsentImport): Promise<ConsentResults> {
    return this.#transport.json(endpoints.importConsents, { body: json(request) })
  }

  exportConsent(seq: number, query: ConsentExportQuery = {}): Promise<ConsentExport> {
    return this.#transport.json(endpoints.exportConsent, { path: { seq: String(seq) }, query })
  }

  /** Records opt-outs. From the answer on nothing that they cover can be claimed. */
  optOut(batch: OptOutBatch): Promise<OptOutResults> {
    return this.#transport.json(endpoints.optOut, { body: json(batch) })
  }

  optOutLink(request: OptOutLinkRequest): Promise<OptOutLink> {
    return this.#transport.json(endpoints.optOutLink, { body: json(request) })
  }

  /** Records what an emitter says of itself: how much it was given, and what became of it. */
  reportEmissions(emitter: string, report: EmissionReport): Promise<EmissionReceipts> {
    return this.#transport.json(endpoints.reportEmissions, { path: { emitter }, body: json(report) })
  }

  /** All emitters: their own last word, and which of their numbers stand on the ledger. */
  emitters(query: EmittersQuery = {}): Promise<Emitters> {
    return this.#transport.json(endpoints.emitters, { query })
  }

  /** All agents and approvers in force, with their keys; `asOf` an earlier position, for signatures of that time. */
  agents(query: AgentsQuery = {}): Promise<Agents> {
    return this.#transport.json(endpoints.agents, { query })
  }

  agent(name: string, query: AgentsQuery = {}): Promise<AgentInfo> {
    return this.#transport.json(endpoints.agent, { path: { name }, query })
  }

  /** Proposes an action, or a flat record of one: its decision. */
  propose(record: FlatAction): Promise<DecidedAction>
  propose(proposal: z.input<typeof ActionProposal>): Promise<DecidedAction>
  propose(proposal: z.input<typeof ActionProposal> | FlatAction): Promise<DecidedAction> {
    return this.#transport.json(endpoints.propose, { body: json(proposal) })
  }

  /** As `propose`, for up to 1,000 at once. */
  proposeAll(records: readonly FlatAction[]): Promise<ActionResults>
  proposeAll(actions: readonly z.input<typeof ActionProposal>[]): Promise<ActionResults>
  proposeAll(actions: readonly (z.input<typeof ActionProposal> | FlatAction)[]): Promise<ActionResults> {
    return this.#transport.json(endpoints.proposeAll, { body: json({ actions }) })
  }

  /** From a message to everything behind it. */
  action(id: string): Promise<ActionExplanation> {
    return this.#transport.json(endpoints.action, { path: { id } })
  }

  actions(query: ActionsQuery = {}): Promise<FoundActions> {
    return this.#transport.json(endpoints.actions, { query })
  }

  /** The copy of an action, unmasked: for whoever approves it. */
  actionCopy(id: string): Promise<{ action: string; copy: CopyPart[]; statement?: string | undefined }> {
    return this.#transport.json(endpoints.actionCopy, { path: { id } })
  }

  /** The chain of thought of a high-risk action: needs a key with the scope `reasoning`. */
  actionThought(id: string): Promise<{ action: string; thought: string; seq: number }> {
    return this.#transport.json(endpoints.actionThought, { path: { id } })
  }

  /** Takes released actions to send them; say what became of each with `acknowledge`. */
  claim(request: ClaimRequest = {}): Promise<Claims> {
    return this.#transport.json(endpoints.claim, { body: json(request) })
  }

  acknowledge(results: readonly Acknowledgement[]): Promise<Acknowledged> {
    return this.#transport.json(endpoints.acknowledge, { body: json({ results }) })
  }

  outbox(): Promise<OutboxState> {
    return this.#transport.json(endpoints.outbox)
  }

  /** Before a launch: how many of an audience would get this now. Nothing is recorded. */
  preflight(campaign: string, request: PreflightRequest): Promise<Preflight> {
    return this.#transport.json(endpoints.preflight, { path: { id: campaign }, body: json(request) })
  }

  reviews(query: ReviewsQuery = {}): Promise<ReviewQueue> {
    return this.#transport.json(endpoints.reviews, { query })
  }

  review(action: string, step: ReviewStep): Promise<Reviewed> {
    return this.#transport.json(endpoints.review, { path: { id: action }, body: json(step) })
  }

  /** What was signed of an action: `verifyEnvelope` verifies it, `whence agents sign` countersigns it. */
  actionStatement(id: string): Promise<StatedAction> {
    return this.#transport.json(endpoints.actionStatement, { path: { id } })
  }

  /** An action as W3C PROV (PROV-JSON). */
  actionProv(id: string): Promise<Record<string, unknown>> {
    return this.#transport.json(endpoints.actionProv, { path: { id } })
  }

  /** An action as a run event of OpenLineage. */
  actionOpenLineage(id: string): Promise<Record<string, unknown>> {
    return this.#transport.json(endpoints.actionOpenLineage, { path: { id } })
  }

  /** Makes a person's sealed data unreadable, for ever. */
  erase(request: ErasureRequest): Promise<Erasure> {
    return this.#transport.json(endpoints.erase, { body: json(request) })
  }

  keys(): Promise<KeyInfo[]> {
    return this.#transport.json(endpoints.keys)
  }

  issueKey(request: KeyRequest): Promise<IssuedKey> {
    return this.#transport.json(endpoints.issueKey, { body: json(request) })
  }

  revokeKey(id: string): Promise<KeyInfo> {
    return this.#transport.json(endpoints.revokeKey, { path: { id } })
  }

  anchor(request: AnchorRequest): Promise<Anchor> {
    return this.#transport.json(endpoints.anchor, { body: json(request) })
  }

  status(): Promise<Status> {
    return this.#transport.json(endpoints.status)
  }

  verify(): Promise<Verification> {
    return this.#transport.json(endpoints.verify)
  }

  /** The spans of a trace, and what they say of actions. */
  trace(trace: string): Promise<Trace> {
    return this.#transport.json(endpoints.trace, { path: { trace } })
  }

  /** The traces that name an action. */
  traces(query: TracesQuery): Promise<Trace[]> {
    return this.#transport.json(endpoints.traces, { query })
  }

  /** What files would have decided of past actions. Nothing is recorded. */
  tryGates(request: GateTrialRequest): Promise<GateTrial> {
    return this.#transport.json(endpoints.tryGates, { body: json(request) })
  }

  /** An agent in shadow beside the one whose place it would take. */
  agentComparison(shadow: string, query: AgentComparisonQuery = {}): Promise<AgentComparison> {
    return this.#transport.json(endpoints.agentComparison, { path: { name: shadow }, query })
  }

  /** Stops what a scope sends; in force when it resolves. */
  pause(request: PauseRequest): Promise<PauseDone> {
    return this.#transport.json(endpoints.pause, { body: json(request) })
  }

  /** Lets a scope go on. */
  resume(request: PauseRequest): Promise<PauseDone> {
    return this.#transport.json(endpoints.resume, { body: json(request) })
  }

  /** Takes back, for good, what is queued under a scope. */
  recall(request: PauseRequest & { id: string }): Promise<Recalled> {
    return this.#transport.json(endpoints.recall, { body: json(request) })
  }

  /** The pauses in force. */
  pauses(): Promise<Pause[]> {
    return this.#transport.json(endpoints.pauses)
  }

  /** Whom a cause concerns, and what can be done about it. */
  scope(query: ScopeQuery): Promise<RollbackScope> {
    return this.#transport.json(endpoints.scope, { query })
  }

  /** The decisions of a scope, in the order of the log. */
  scopeActions(query: ScopeQuery): AsyncGenerator<ScopedAction> {
    return this.#transport.rows(endpoints.scopeActions, { query })
  }

  /** What a rollback would do. Nothing is done. */
  planRollback(request: RollbackRequest): Promise<RollbackPlan> {
    return this.#transport.json(endpoints.planRollback, { body: json(request) })
  }

  /** Runs the plan that was shown; the same again goes on where it stopped. */
  applyRollback(request: RollbackApply): Promise<Rollback> {
    return this.#transport.json(endpoints.applyRollback, { body: json(request) })
  }

  /** Lets a rollback go on: what was done is not done again. */
  resumeRollback(id: string): Promise<Rollback> {
    return this.#transport.json(endpoints.resumeRollback, { path: { id } })
  }

  /** A rollback, by its id or the beginning of it. */
  rollback(id: string): Promise<Rollback> {
    return this.#transport.json(endpoints.rollback, { path: { id } })
  }

  /** What a rollback was about and what was done, each line with the record behind it. */
  rollbackReport(id: string): Promise<RollbackReport> {
    return this.#transport.json(endpoints.rollbackReport, { path: { id } })
  }

  /** The same as one page. */
  rollbackReportText(id: string, format: 'markdown' | 'html' = 'markdown'): Promise<string> {
    return this.#transport.text(endpoints.rollbackReportText, { path: { id }, query: { format } })
  }

  /** All rollbacks, newest first. */
  rollbacks(): Promise<Rollbacks> {
    return this.#transport.json(endpoints.rollbacks)
  }

  /** The connected systems in force. */
  connectors(): Promise<Connectors> {
    return this.#transport.json(endpoints.connectors)
  }

  /** Asks the system that owns something how it stands now. */
  connectedState(query: ConnectedObject): Promise<ConnectedState> {
    return this.#transport.json(endpoints.connectedState, { query })
  }

  /** How the monitors in force stand. */
  monitors(): Promise<Monitors> {
    return this.#transport.json(endpoints.monitors)
  }

  /** Which alarms other monitors would have raised. */
  testMonitors(request: MonitorTestRequest): Promise<MonitorTested> {
    return this.#transport.json(endpoints.testMonitors, { body: json(request) })
  }

  /** What monitors raised, newest first. */
  alarms(query: AlarmsQuery = {}): Promise<Alarms> {
    return this.#transport.json(endpoints.alarms, { query })
  }

  /** An alarm is dealt with. */
  clearAlarm(seq: number, clearance: AlarmClearance): Promise<ClearedAlarm> {
    return this.#transport.json(endpoints.clearAlarm, { path: { seq: String(seq) }, body: json(clearance) })
  }

  /** Records what came of messages. Durable when it resolves. */
  recordOutcomes(outcomes: readonly OutcomeReport[]): Promise<OutcomeResults> {
    return this.#transport.json(endpoints.recordOutcomes, { body: json({ outcomes }) })
  }

  /** Outcomes, newest first. */
  outcomes(query: OutcomesQuery = {}): Promise<FoundOutcomes> {
    return this.#transport.json(endpoints.outcomes, { query })
  }

  /** How many were sent, and what came of them. */
  outcomeCounts(query: OutcomeCountsQuery = {}): Promise<OutcomeCounts> {
    return this.#transport.json(endpoints.outcomeCounts, { query })
  }

  /** Records support tickets, complaints and appeals. Durable when it resolves. */
  recordTickets(tickets: readonly Ticket[]): Promise<OutcomeResults> {
    return this.#transport.json(endpoints.recordTickets, { body: json({ tickets }) })
  }

  /** The webhooks that are configured. */
  webhooks(): Promise<Webhooks> {
    return this.#transport.json(endpoints.webhooks)
  }

  /** What would have been decided under a corrected model or feature view. Nothing is written. */
  corrected(request: CorrectedRequest): Promise<Corrected> {
    return this.#transport.json(endpoints.corrected, { body: json(request) })
  }

  /** Every prediction of them that would have been different, in the order of the log. */
  correctedRows(query: CorrectedQuery): AsyncGenerator<CorrectedRow> {
    return this.#transport.rows(endpoints.correctedRows, { query })
  }

  /** A playbook in force. */
  playbook(name: string): Promise<PlaybookInForce> {
    return this.#transport.json(endpoints.playbook, { path: { name } })
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
