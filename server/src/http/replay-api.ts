// Replay, skew and drift over HTTP; and how far a long one is.
import type { DerivedFiles } from '../path/features/derived-files.ts'
import { AsOf } from '../path/features/as-of.ts'
import type { Snapshots } from '../path/features/snapshots.ts'
import type { TrainingSets } from '../path/features/training-sets.ts'
import type { ViewBook } from '../path/features/view-book.ts'
import type { ContractBook } from '../path/events/contract-book.ts'
import type { Aliases } from '../path/models/aliases.ts'
import type { Models } from '../path/models/models.ts'
import type { Scoring } from '../path/models/scoring.ts'
import { batchPredictions } from '../path/predictions/batches/source.ts'
import { allPredictions, singlePredictions } from '../path/predictions/enumeration.ts'
import type { Predictions } from '../path/predictions/predictions.ts'
import { drift } from '../path/predictions/drift.ts'
import { replay } from '../path/predictions/replay.ts'
import { skew } from '../path/predictions/skew.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import type { Follower } from '../record/projection/follower.ts'
import type { Database } from '../store/database.ts'
import type { Handlers } from './handlers.ts'
import type { Jobs } from './jobs.ts'

export interface ReplaySteps {
  ledger: Ledger
  follower: Follower
  database: Database
  contracts: ContractBook
  views: ViewBook
  derived: DerivedFiles
  snapshots: Snapshots
  models: Models
  aliases: Aliases
  trainingSets: TrainingSets
  scoring: Scoring
  predictions: Predictions
}

export function replayHandlers(
  steps: ReplaySteps,
  jobs: Jobs,
): Pick<Handlers, 'replay' | 'skew' | 'drift' | 'progress'> {
  const source = allPredictions(
    singlePredictions(steps),
    batchPredictions({ ...steps, batches: steps.predictions.batches }),
  )
  const parts = { ...steps, asOf: new AsOf(steps), source }
  return {
    replay: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => replay(parts, body, onProgress)),
    skew: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => skew(parts, body, onProgress)),
    drift: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => drift(parts, body, onProgress)),
    async progress({ path, caller }) {
      return jobs.of(caller, path.job!)
    },
  }
}
