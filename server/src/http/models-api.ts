// Training runs, artifacts, model versions and aliases over HTTP.
import type { modelsEndpoints } from '@whence/sdk'
import type { Aliases } from '../path/models/aliases.ts'
import type { Artifacts } from '../path/models/artifacts.ts'
import type { Models } from '../path/models/models.ts'
import type { TrainingRuns } from '../path/models/training-runs.ts'
import type { Handlers } from './handlers.ts'

export interface ModelSteps {
  models: Models
  aliases: Aliases
  artifacts: Artifacts
  trainingRuns: TrainingRuns
}

export function modelHandlers(steps: ModelSteps): Pick<Handlers, keyof typeof modelsEndpoints> {
  const { models, aliases, artifacts, trainingRuns } = steps
  return {
    recordTrainingRun: ({ body, caller }) => trainingRuns.record(body, caller),
    trainingRuns: ({ query }) => trainingRuns.list(query),
    trainingRun: ({ path, query }) => trainingRuns.get(path.id!, query.source),
    putArtifact: ({ path, body }) => artifacts.put(path.sha256!, body),
    artifact: async ({ path }) => ({
      type: 'application/octet-stream',
      pieces: await artifacts.open(path.sha256!),
    }),
    registerModel: ({ body, caller }) => models.register(body, caller),
    models: ({ query }) => models.list(query),
    model: ({ path }) => models.show(path.version!),
    setAlias: ({ path, body, caller }) => aliases.set(path.name!, path.alias!, body, caller),
    aliases: ({ path }) => aliases.list(path.name!),
  }
}
