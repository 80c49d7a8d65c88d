// Predictions: recorded, found, explained and computed again.
import type { Corrected, CorrectedQuery, CorrectedRequest, CorrectedRow } from '../corrected.ts'
import type { Numbered } from '../emissions.ts'
import type { ExplainQuery, Explanation, Link } from '../explanations.ts'
import type {
  PredictionBatchQuery,
  PredictionBatchReceived,
  Promotion,
  PromotionRequest,
} from '../prediction-batches.ts'
import type { FindQuery, Found, PredictionBatch, PredictionResults } from '../predictions.ts'
import type { JobProgress, Replay, ReplayRequest } from '../replays.ts'
import type { Drift, DriftRequest, Skew, SkewRequest } from '../skew.ts'
import type { Call } from '../transport.ts'
import { endpoints } from '../endpoints.ts'
import { compress, json, ndjson } from './bodies.ts'
import { Calls } from './calls.ts'
import type { Rows } from './bodies.ts'

export type BatchOptions = {
  format?: 'ndjson' | 'parquet'
  /** Text, bytes and values are compressed; a Blob or stream must be gzip already. */
  gzip?: boolean
}

export class PredictionCalls extends Calls {
  /** Records predictions, at most 10,000 a call; durable when this returns, and repeatable like `ingest`. */
  predict(batch: PredictionBatch, query: Numbered = {}): Promise<PredictionResults> {
    return this.transport.json(endpoints.predict, { query, body: json(batch) })
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
    return this.transport.json(endpoints.predictBatch, { query, body })
  }

  /** Recovers what was left out of a prediction; what was promoted before is answered as it was then. */
  promote(id: string, request: PromotionRequest): Promise<Promotion> {
    return this.transport.json(endpoints.promote, { path: { id }, body: json(request) })
  }

  find(query: FindQuery = {}): Promise<Found> {
    return this.transport.json(endpoints.find, { query })
  }

  explain(id: string, query: ExplainQuery = {}): Promise<Explanation> {
    return this.transport.json(endpoints.explain, { path: { id }, query })
  }

  /** The `tlog-proof` of each record behind an explanation, one after the other. */
  explanationProof(id: string): Promise<string> {
    return this.transport.text(endpoints.explanationProof, { path: { id } })
  }

  link(id: string): Promise<Link> {
    return this.transport.json(endpoints.link, { path: { id } })
  }

  replay(request: ReplayRequest = {}): Promise<Replay> {
    return this.transport.json(endpoints.replay, { body: json(request) })
  }

  /** What was served, beside what offline gives as of the same instants. */
  skew(request: SkewRequest = {}): Promise<Skew> {
    return this.transport.json(endpoints.skew, { body: json(request) })
  }

  /** How far what is served lies from what the model was trained on. */
  drift(request: DriftRequest): Promise<Drift> {
    return this.transport.json(endpoints.drift, { body: json(request) })
  }

  /** How far a long question is that was given this name; undefined totals are not known yet. */
  progress(job: string): Promise<JobProgress> {
    return this.transport.json(endpoints.progress, { path: { job } })
  }

  /** What would have been decided under a corrected model or feature view. Nothing is written. */
  corrected(request: CorrectedRequest): Promise<Corrected> {
    return this.transport.json(endpoints.corrected, { body: json(request) })
  }

  /** Every prediction of them that would have been different, in the order of the log. */
  correctedRows(query: CorrectedQuery): AsyncGenerator<CorrectedRow> {
    return this.transport.rows(endpoints.correctedRows, { query })
  }
}
