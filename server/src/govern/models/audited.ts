// What the parts of an audit look at, and what they give.
import type { AuditItem, ModelVersion, TrainingRun, TrainingSet } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { ContractBook } from '../../path/events/contract-book.ts'
import type { Snapshots } from '../../path/features/snapshots.ts'
import type { TrainingSets } from '../../path/features/training-sets.ts'
import type { ViewBook } from '../../path/features/view-book.ts'
import type { Aliases } from '../../path/models/aliases.ts'
import type { Artifacts } from '../../path/models/artifacts.ts'
import type { Models } from '../../path/models/models.ts'
import type { Scoring } from '../../path/models/scoring.ts'
import type { TrainingRuns } from '../../path/models/training-runs.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Database } from '../../store/database.ts'

export interface AuditParts {
  ledger: Ledger
  follower: Follower
  database: Database
  models: Models
  aliases: Aliases
  artifacts: Artifacts
  trainingRuns: TrainingRuns
  scoring: Scoring
  views: ViewBook
  contracts: ContractBook
  snapshots: Snapshots
  trainingSets: TrainingSets
}

/** What the parts of an audit look at. */
export interface Audited {
  readonly version: ModelVersion
  readonly name: string
  readonly training: TrainingSet | undefined
  readonly run: TrainingRun | undefined
  /** The version that production's alias points at, and the run behind it; undefined where none does. */
  readonly live: { version: ModelVersion; name: string; alias: string; run: TrainingRun | undefined } | undefined
}

/** An item before the records behind it have been checked. */
export type Item = Omit<AuditItem, 'integrity'>

/** What a check throws is its result. */
export function openedOr<Result>(check: () => Result): Result | Fault {
  try {
    return check()
  } catch (error) {
    return Fault.from(error)
  }
}
