// The predictions of a scope over HTTP.
import type { scopeEndpoints } from '@whence/sdk'
import { batchPredictions } from '../path/predictions/batches/source.ts'
import { allPredictions, singlePredictions } from '../path/predictions/enumeration.ts'
import { scopedPredictions } from '../govern/rollback/scoped-predictions.ts'
import type { Handlers } from './handlers.ts'
import type { ReplaySteps } from './replay-api.ts'
import type { RollbackSteps } from './rollback-api.ts'

export function scopeHandlers(steps: ReplaySteps & RollbackSteps): Pick<Handlers, keyof typeof scopeEndpoints> {
  const source = allPredictions(
    singlePredictions(steps),
    batchPredictions({ ...steps, batches: steps.predictions.batches }),
  )
  return {
    scopePredictions: async ({ query }) => scopedPredictions({ ...steps.scoping, source }, query),
  }
}
