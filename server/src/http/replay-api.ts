// Replay, skew and drift over HTTP; and how far a long one is.
import { Fault } from '../fault.ts'
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
import type { Caller } from '../rules/access/access.ts'
import type { Database } from '../store/database.ts'
import type { Handlers } from './handlers.ts'

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

export function replayHandlers(steps: ReplaySteps): Pick<Handlers, 'replay' | 'skew' | 'drift' | 'progress'> {
  const source = allPredictions(
    singlePredictions(steps),
    batchPredictions({ ...steps, batches: steps.predictions.batches }),
  )
  const parts = { ...steps, asOf: new AsOf(steps), source }
  const jobs = new Jobs()
  return {
    replay: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => replay(parts, body, onProgress)),
    skew: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => skew(parts, body, onProgress)),
    drift: ({ body, caller }) => jobs.follow(caller, body.job, (onProgress) => drift(parts, body, onProgress)),
    async progress({ path, caller }) {
      return jobs.of(caller, path.job!)
    },
  }
}

interface Far {
  done: number
  total?: number
}

/** Long questions under way, by whose key and under which name. Nothing is kept of one that is over. */
class Jobs {
  readonly #under = new Map<string, Far>()

  async follow<T>(
    caller: Caller,
    job: string | undefined,
    work: (onProgress: (done: number, total?: number) => void) => Promise<T>,
  ): Promise<T> {
    if (job === undefined) return work(() => {})
    const name = `${caller.id} ${job}`
    if (this.#under.has(name))
      throw new Fault('conflict', `the job "${job}" is under way: give each question a name of its own`)
    this.#under.set(name, { done: 0 })
    try {
      return await work((done, total) => void this.#under.set(name, total === undefined ? { done } : { done, total }))
    } finally {
      this.#under.delete(name)
    }
  }

  of(caller: Caller, job: string): Far {
    const found = this.#under.get(`${caller.id} ${job}`)
    if (!found) throw new Fault('not_found', `no job "${job}" of this key is under way: it is over, or has not begun`)
    return found
  }
}
