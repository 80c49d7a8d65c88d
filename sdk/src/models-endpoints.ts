import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import { ModelAudit } from './model-audit.ts'
import { Alias, AliasRequest, Artifact, ModelList, ModelsQuery, ModelVersion, ModelVersionRequest } from './models.ts'
import { TrainingRun, TrainingRunQuery, TrainingRunRequest, TrainingRuns, TrainingRunsQuery } from './training-runs.ts'

/** Training runs, artifacts, model versions and their aliases. */
export const modelsEndpoints = {
  recordTrainingRun: {
    method: 'POST',
    path: '/v1/training-runs',
    scope: 'ingest',
    summary: 'Record a training run, or more of it; the same content again is a duplicate',
    body: TrainingRunRequest,
    answer: { json: TrainingRun },
  },
  trainingRuns: {
    method: 'GET',
    path: '/v1/training-runs',
    scope: 'read',
    summary: 'Training runs, newest first, whoever told of them',
    query: TrainingRunsQuery,
    answer: { json: TrainingRuns },
  },
  trainingRun: {
    method: 'GET',
    path: '/v1/training-runs/{id}',
    scope: 'read',
    summary: 'A training run as it was told so far',
    query: TrainingRunQuery,
    answer: { json: TrainingRun },
  },
  putArtifact: {
    method: 'PUT',
    path: '/v1/artifacts/{sha256}',
    scope: 'ingest',
    summary: 'Store a file under its SHA-256; durable when this answers',
    body: 'bytes',
    answer: { json: Artifact },
  },
  artifact: {
    method: 'GET',
    path: '/v1/artifacts/{sha256}',
    scope: 'read',
    summary: 'A stored file, its digest computed again; an altered one breaks off',
    answer: { stream: 'application/octet-stream' },
  },
  registerModel: {
    method: 'POST',
    path: '/v1/models',
    scope: 'ingest',
    summary: 'Record a model version with its run, training set, artifact, signature, card and metrics',
    body: ModelVersionRequest,
    answer: { json: ModelVersion },
  },
  models: {
    method: 'GET',
    path: '/v1/models',
    scope: 'read',
    summary: 'Models with their newest version and what their aliases point at; or all versions of one',
    query: ModelsQuery,
    answer: { json: ModelList },
  },
  model: {
    method: 'GET',
    path: '/v1/models/{version}',
    scope: 'read',
    summary: 'A model version, as name@3, name@champion (in production) or name@champion:ENVIRONMENT',
    answer: { json: ModelVersion },
  },
  modelCard: {
    method: 'GET',
    path: '/v1/models/{version}/card',
    scope: 'read',
    summary: 'What a reader should know of a model version, as Markdown',
    answer: { text: 'Markdown' },
  },
  modelAudit: {
    method: 'GET',
    path: '/v1/models/{version}/audit',
    scope: 'read',
    summary: 'What a model version was made from, checked again, and compared with what is in production now',
    answer: { json: ModelAudit },
  },
  setAlias: {
    method: 'PUT',
    path: '/v1/models/{name}/aliases/{alias}',
    scope: 'admin',
    summary: 'Let an alias point at a version in an environment, or at none',
    body: AliasRequest,
    answer: { json: Alias },
  },
  aliases: {
    method: 'GET',
    path: '/v1/models/{name}/aliases',
    scope: 'read',
    summary: 'The aliases of a model, each with its history',
    answer: { json: z.array(Alias) },
  },
} as const satisfies Record<string, Endpoint>
