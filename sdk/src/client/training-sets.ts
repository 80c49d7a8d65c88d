// Training sets.
import type {
  Approval,
  ApprovalRequest,
  SpineUpload,
  TrainingCard,
  TrainingComparison,
  TrainingProgress,
  TrainingRow,
  TrainingSet,
  TrainingSetRequest,
  TrainingVerification,
  TrainingVerifyRequest,
} from '../training-sets.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class TrainingSetCalls extends Calls {
  createTrainingSet(request: TrainingSetRequest): Promise<TrainingSet> {
    return this.transport.json(endpoints.createTrainingSet, { body: json(request) })
  }

  trainingSet(id: string): Promise<TrainingSet> {
    return this.transport.json(endpoints.trainingSet, { path: { id } })
  }

  /** The rows of a training set as they arrive; throws `unreachable` when the answer breaks off before its end. */
  trainingRows(id: string): AsyncIterable<TrainingRow> {
    return this.transport.rows(endpoints.trainingRows, { path: { id } })
  }

  /** A file of CSV or Parquet for `createTrainingSet`; a Blob (`openAsBlob` of node:fs) is not held in memory. */
  uploadSpine(file: string | Uint8Array | Blob, format: 'csv' | 'parquet'): Promise<SpineUpload> {
    const body = { type: 'application/octet-stream', bytes: file }
    return this.transport.json(endpoints.uploadSpine, { query: { format }, body })
  }

  trainingProgress(id: string): Promise<TrainingProgress> {
    return this.transport.json(endpoints.trainingProgress, { path: { id } })
  }

  /** The Parquet file as it arrives; throws `unreachable` when it breaks off. */
  exportTrainingSet(id: string): AsyncGenerator<Uint8Array, void, undefined> {
    return this.transport.bytes(endpoints.exportTrainingSet, { path: { id } })
  }

  trainingCard(id: string): Promise<TrainingCard> {
    return this.transport.json(endpoints.trainingCard, { path: { id } })
  }

  /** The data card in Markdown. */
  trainingCardText(id: string): Promise<string> {
    return this.transport.text(endpoints.trainingCardText, { path: { id } })
  }

  approveTrainingSet(id: string, request: ApprovalRequest): Promise<Approval> {
    return this.transport.json(endpoints.approveTrainingSet, { path: { id }, body: json(request) })
  }

  verifyTrainingSet(id: string, request: TrainingVerifyRequest = {}): Promise<TrainingVerification> {
    return this.transport.json(endpoints.verifyTrainingSet, { path: { id }, body: json(request) })
  }

  compareTrainingSets(id: string, other: string): Promise<TrainingComparison> {
    return this.transport.json(endpoints.compareTrainingSets, { path: { id }, query: { with: other } })
  }
}
