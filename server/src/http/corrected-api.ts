// Replay under a corrected configuration over HTTP.
import type { correctedEndpoints } from '@whence/sdk'
import { AsOf } from '../path/features/as-of.ts'
import { batchPredictions } from '../path/predictions/batches/source.ts'
import { allPredictions, singlePredictions } from '../path/predictions/enumeration.ts'
import { corrected, correctedRows } from '../govern/rollback/corrected.ts'
import type { CorrectedParts } from '../govern/rollback/corrected.ts'
import type { Handlers } from './handlers.ts'
import type { Jobs } from './jobs.ts'
import type { ReplaySteps } from './replay-api.ts'
import type { RollbackSteps } from './rollback-api.ts'

export function correctedHandlers(
  steps: ReplaySteps & RollbackSteps,
  jobs: Jobs,
): Pick<Handlers, keyof typeof correctedEndpoints> {
  const source = allPredictions(
    singlePredictions(steps),
    batchPredictions({ ...steps, batches: steps.predictions.batches }),
  )
  const { ledger, models, scoring, snapshots, predictions, rollbacks, scoping } = steps
  const parts: CorrectedParts = {
    ...scoping,
    ledger,
    models,
    scoring,
    snapshots,
    predictions,
    rollbacks,
    source,
    asOf: new AsOf(steps),
  }
  return {
    corrected: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => corrected(parts, body, onProgress)),
    correctedRows: async ({ query }) => correctedRows(parts, query),
    async playbook({ path }) {
      const { name, monitors, degrees, compensate, tell, follows } = await scoping.playbook(path.name!)
      return { name, monitors, degrees, tell, follows, ...(compensate === undefined ? {} : { compensate }) }
    },
  }
}
