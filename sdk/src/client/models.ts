// Models: the runs that trained them, their versions and the names in use.
import type { ModelAudit } from '../model-audit.ts'
import type {
  Alias,
  AliasRequest,
  Artifact,
  ModelList,
  ModelVersion,
  ModelVersionRequest,
  ModelsQuery,
} from '../models.ts'
import type {
  TrainingRun,
  TrainingRunQuery,
  TrainingRunRequest,
  TrainingRuns,
  TrainingRunsQuery,
} from '../training-runs.ts'
import { endpoints } from '../endpoints.ts'
import { json } from './bodies.ts'
import { Calls } from './calls.ts'

export class ModelCalls extends Calls {
  registerModel(request: ModelVersionRequest): Promise<ModelVersion> {
    return this.transport.json(endpoints.registerModel, { body: json(request) })
  }

  /** A model version by `name@version`. */
  model(version: string): Promise<ModelVersion> {
    return this.transport.json(endpoints.model, { path: { version } })
  }

  /** Of one model all versions, newest first, with `name`. */
  models(query: ModelsQuery = {}): Promise<ModelList> {
    return this.transport.json(endpoints.models, { query })
  }

  /** Markdown. */
  modelCard(version: string): Promise<string> {
    return this.transport.text(endpoints.modelCard, { path: { version } })
  }

  /** What a version was made from, checked again, and compared with what is in production now. */
  modelAudit(version: string): Promise<ModelAudit> {
    return this.transport.json(endpoints.modelAudit, { path: { version } })
  }

  /** Lets `name@alias` mean a version. Throws `conflict` where `expected` is given and is not what it points at. */
  setAlias(name: string, alias: string, request: AliasRequest): Promise<Alias> {
    return this.transport.json(endpoints.setAlias, { path: { name, alias }, body: json(request) })
  }

  aliases(name: string): Promise<Alias[]> {
    return this.transport.json(endpoints.aliases, { path: { name } })
  }

  /** Tells of a training run: at its start, at its end, or both. Later records add to earlier ones. */
  recordTrainingRun(request: TrainingRunRequest): Promise<TrainingRun> {
    return this.transport.json(endpoints.recordTrainingRun, { body: json(request) })
  }

  trainingRuns(query: TrainingRunsQuery = {}): Promise<TrainingRuns> {
    return this.transport.json(endpoints.trainingRuns, { query })
  }

  trainingRun(id: string, query: TrainingRunQuery = {}): Promise<TrainingRun> {
    return this.transport.json(endpoints.trainingRun, { path: { id }, query })
  }

  /** Stores a file under its SHA-256 (hex). A Blob of a file is read as it is sent. */
  putArtifact(sha256: string, bytes: Uint8Array | Blob): Promise<Artifact> {
    return this.transport.json(endpoints.putArtifact, {
      path: { sha256 },
      body: { type: 'application/octet-stream', bytes },
    })
  }

  /** A stored file as it arrives; throws `unreachable` when it breaks off, as it does where the file was altered. */
  artifact(sha256: string): AsyncGenerator<Uint8Array, void, undefined> {
    return this.transport.bytes(endpoints.artifact, { path: { sha256 } })
  }
}
