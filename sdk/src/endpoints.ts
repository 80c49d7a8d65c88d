import { z } from 'zod'
import { connectorEndpoints } from './connectors-endpoints.ts'
import { consentEndpoints } from './consent-endpoints.ts'
import { ContractInfo, ViewInfo } from './declarations.ts'
import { Ingested, IngestQuery, Quarantined, QuarantineQuery, Release, ReleaseRequest, Stream } from './events.ts'
import { actionEndpoints } from './action-endpoints.ts'
import { emissionEndpoints } from './emission-endpoints.ts'
import { Numbered } from './emissions.ts'
import { Explanation, ExplainQuery, Link } from './explanations.ts'
import { FeatureRow, Materialize, Snapshot, Subjects, SubjectsRequest } from './features.ts'
import {
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
import type { Scope } from './governance.ts'
import { lineageEndpoints } from './lineage-endpoints.ts'
import { monitorEndpoints } from './monitors-endpoints.ts'
import { modelsEndpoints } from './models-endpoints.ts'
import { rollbackEndpoints } from './rollback-endpoints.ts'
import { scopeEndpoints } from './scope-endpoints.ts'
import { correctedEndpoints } from './corrected-endpoints.ts'
import { pauseEndpoints } from './pause-endpoints.ts'
import { planEndpoints } from './plan-endpoints.ts'
import { outcomesEndpoints } from './outcomes-endpoints.ts'
import { onlineEndpoints } from './online-endpoints.ts'
import { predictionEndpoints } from './prediction-endpoints.ts'
import { provenanceEndpoints } from './provenance-endpoints.ts'
import { FindQuery, Found, PredictionBatch, PredictionResults } from './predictions.ts'
import { offlineEndpoints } from './offline-endpoints.ts'
import { TrainingRow, TrainingSet, TrainingSetRequest } from './training-sets.ts'
import { statementsEndpoints } from './statements-endpoints.ts'
import { tableEndpoints } from './table-endpoints.ts'
import { tracesEndpoints } from './traces-endpoints.ts'
import { trialEndpoints } from './trial-endpoints.ts'
import { replayEndpoints } from './replay-endpoints.ts'

/** What a 200 holds: one JSON value, plain text, or NDJSON of one row a line. */
export type Answer<S extends z.ZodType = z.ZodType> = { json: S } | { text: string } | { rows: S } | { stream: string }

export type Endpoint = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** `{name}` stands for a value, percent-encoded. */
  path: `/v1/${string}` | `/api/v1/${string}`
  /** A key with this scope may call it; `admin` may call everything. */
  scope: Scope
  summary: string
  query?: z.ZodObject
  /**
   * `events`: one JSON object, an array of them, or NDJSON; gzip or not. `bytes`: a file as it is, gzip or not. `rows`:
   * NDJSON or Parquet of any length, gzip or not.
   */
  body?: z.ZodType | 'events' | 'bytes' | 'rows'
  answer: Answer
  /** Answers of OpenLineage's API: 201 for one event, 204 for a batch of which there is nothing to say. */
  besides?: 201 | 204
}

/** Everything that can be asked over HTTP, by the name of the client's method. The OpenAPI document is made from it. */
export const endpoints = {
  ...planEndpoints,
  ...pauseEndpoints,
  ...rollbackEndpoints,
  ...scopeEndpoints,
  ...correctedEndpoints,
  ...provenanceEndpoints,
  ...statementsEndpoints,
  ...monitorEndpoints,
  contract: {
    method: 'GET',
    path: '/v1/contracts/{stream}',
    scope: 'read',
    summary: 'The contract in force for a stream',
    answer: { json: ContractInfo },
  },
  view: {
    method: 'GET',
    path: '/v1/views/{name}',
    scope: 'read',
    summary: 'A feature view: its newest version, or name@vN',
    answer: { json: ViewInfo },
  },
  ingest: {
    method: 'POST',
    path: '/v1/streams/{stream}/events',
    scope: 'ingest',
    summary: 'Judge events by their contract and record them; the same event again is a duplicate',
    query: IngestQuery,
    body: 'events',
    answer: { json: Ingested },
  },
  streams: {
    method: 'GET',
    path: '/v1/streams',
    scope: 'read',
    summary: 'All streams, with their accounting',
    answer: { json: z.array(Stream) },
  },
  stream: {
    method: 'GET',
    path: '/v1/streams/{stream}',
    scope: 'read',
    summary: 'A stream, its accounting, and the gaps in its sources’ sequence numbers',
    answer: { json: Stream },
  },
  quarantined: {
    method: 'GET',
    path: '/v1/quarantine',
    scope: 'read',
    summary: 'What is kept in quarantine, newest first',
    query: QuarantineQuery,
    answer: { json: z.array(Quarantined) },
  },
  release: {
    method: 'POST',
    path: '/v1/releases',
    scope: 'admin',
    summary: 'Judge quarantined events again by the contract of now, and record those that pass',
    body: ReleaseRequest,
    answer: { json: Release },
  },
  records: {
    method: 'GET',
    path: '/v1/records',
    scope: 'read',
    summary: 'Entries of the ledger in order, as they are hashed',
    query: RecordsQuery,
    answer: { json: LedgerRecords },
  },
  recordProof: {
    method: 'GET',
    path: '/v1/records/{seq}/proof',
    scope: 'read',
    summary: 'Proof that a record is in the log',
    answer: { text: 'one c2sp.org/tlog-proof@v1' },
  },
  materialize: {
    method: 'POST',
    path: '/v1/snapshots',
    scope: 'admin',
    summary: 'Compute a feature view at an event time, as of a position, into an immutable snapshot',
    body: Materialize,
    answer: { json: Snapshot },
  },
  snapshot: {
    method: 'GET',
    path: '/v1/snapshots/{id}',
    scope: 'read',
    summary: 'A feature snapshot',
    answer: { json: Snapshot },
  },
  snapshotRows: {
    method: 'GET',
    path: '/v1/snapshots/{id}/rows',
    scope: 'read',
    summary: 'The rows of a snapshot, in order of their subject',
    answer: { rows: FeatureRow },
  },
  subjects: {
    method: 'POST',
    path: '/v1/subjects',
    scope: 'read',
    summary: 'The subject ids of identifiers that the caller knows; null where none is known, or it was erased',
    body: SubjectsRequest,
    answer: { json: Subjects },
  },
  createTrainingSet: {
    method: 'POST',
    path: '/v1/training-sets',
    scope: 'admin',
    summary:
      'Join the features as they were known at each row of the spine; the same id and content again is the same set',
    body: TrainingSetRequest,
    answer: { json: TrainingSet },
  },
  trainingSet: {
    method: 'GET',
    path: '/v1/training-sets/{id}',
    scope: 'read',
    summary: 'A training set',
    answer: { json: TrainingSet },
  },
  trainingRows: {
    method: 'GET',
    path: '/v1/training-sets/{id}/rows',
    scope: 'read',
    summary: 'The rows of a training set',
    answer: { rows: TrainingRow },
  },
  ...modelsEndpoints,
  predict: {
    method: 'POST',
    path: '/v1/predictions',
    scope: 'ingest',
    summary: 'Record predictions of one model version; the same id and content again is a duplicate',
    query: Numbered,
    body: PredictionBatch,
    answer: { json: PredictionResults },
  },
  find: {
    method: 'GET',
    path: '/v1/predictions',
    scope: 'read',
    summary: 'Find predictions by identifier, campaign, model or time, newest first',
    query: FindQuery,
    answer: { json: Found },
  },
  explain: {
    method: 'GET',
    path: '/v1/predictions/{id}/explanation',
    scope: 'read',
    summary: 'Where a prediction came from, every claim recomputed or labelled',
    query: ExplainQuery,
    answer: { json: Explanation },
  },
  explanationProof: {
    method: 'GET',
    path: '/v1/predictions/{id}/proof',
    scope: 'read',
    summary: 'Proofs for every record that the explanation rests on',
    answer: { text: 'one c2sp.org/tlog-proof@v1 for each record' },
  },
  link: {
    method: 'POST',
    path: '/v1/predictions/{id}/links',
    scope: 'read',
    summary: 'A short-lived address of the explanation’s page, for somebody without a key',
    answer: { json: Link },
  },
  ...replayEndpoints,
  ...predictionEndpoints,
  ...tableEndpoints,
  ...tracesEndpoints,
  ...trialEndpoints,
  ...lineageEndpoints,
  ...emissionEndpoints,
  ...offlineEndpoints,
  ...onlineEndpoints,
  ...consentEndpoints,
  ...actionEndpoints,
  ...connectorEndpoints,
  ...outcomesEndpoints,
  erase: {
    method: 'POST',
    path: '/v1/erasures',
    scope: 'admin',
    summary: 'Destroy the keys of a person and delete what was derived about them; cannot be undone',
    body: ErasureRequest,
    answer: { json: Erasure },
  },
  keys: {
    method: 'GET',
    path: '/v1/keys',
    scope: 'admin',
    summary: 'All API keys, without their secrets',
    answer: { json: z.array(KeyInfo) },
  },
  issueKey: {
    method: 'POST',
    path: '/v1/keys',
    scope: 'admin',
    summary: 'Issue an API key; its secret is shown this once',
    body: KeyRequest,
    answer: { json: IssuedKey },
  },
  revokeKey: {
    method: 'DELETE',
    path: '/v1/keys/{id}',
    scope: 'admin',
    summary: 'Revoke an API key at once',
    answer: { json: KeyInfo },
  },
  anchor: {
    method: 'POST',
    path: '/v1/anchors',
    scope: 'admin',
    summary: 'Hand the signed checkpoint to a file, a Git repository or a witness',
    body: AnchorRequest,
    answer: { json: Anchor },
  },
  status: {
    method: 'GET',
    path: '/v1/status',
    scope: 'read',
    summary: 'The log, the projections, and what deserves attention',
    answer: { json: Status },
  },
  verify: {
    method: 'POST',
    path: '/v1/verifications',
    scope: 'read',
    summary: 'Check the log, the payloads and the data files against the checkpoint',
    answer: { json: Verification },
  },
} as const satisfies Record<string, Endpoint>
