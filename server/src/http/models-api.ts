// Training runs, artifacts, model versions and aliases over HTTP.
import type { modelsEndpoints } from '@whence/sdk'
import { auditModel } from '../govern/models/audit.ts'
import type { AuditParts } from '../govern/models/audited.ts'
import { modelCard } from '../govern/models/card.ts'
import type { Handlers } from './handlers.ts'

export type ModelSteps = AuditParts

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
    async modelCard({ path }) {
      const audit = await auditModel(steps, path.version!)
      const version = await models.get(audit.model)
      const training =
        version.trainingSet === undefined ? undefined : await steps.trainingSets.find(version.trainingSet)
      return modelCard({ version, training, audit })
    },
    modelAudit: ({ path }) => auditModel(steps, path.version!),
    setAlias: ({ path, body, caller }) => aliases.set(path.name!, path.alias!, body, caller),
    aliases: ({ path }) => aliases.list(path.name!),
  }
}
