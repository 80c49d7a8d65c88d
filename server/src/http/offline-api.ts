// Training sets beside their making, and objections.
import type { Database } from '../store/database.ts'
import type { Follower } from '../record/projection/follower.ts'
import { trainingCardText } from '../govern/reports/training-card-text.ts'
import type { Objections } from '../path/consent/objections.ts'
import type { DerivedFiles } from '../path/features/derived-files.ts'
import type { SetCards } from '../path/features/set-card.ts'
import { compareSets } from '../path/features/set-compare.ts'
import type { SetVerifier } from '../path/features/set-verify.ts'
import type { SpineUploads } from '../path/features/spine-uploads.ts'
import type { TrainingSets } from '../path/features/training-sets.ts'
import type { Handlers } from './handlers.ts'

export interface OfflineSteps {
  database: Database
  follower: Follower
  derived: DerivedFiles
  trainingSets: TrainingSets
  cards: SetCards
  verifier: SetVerifier
  uploads: SpineUploads
  objections: Objections
}

type OfflineHandlers = Pick<
  Handlers,
  | 'createTrainingSet'
  | 'trainingSet'
  | 'trainingRows'
  | 'uploadSpine'
  | 'trainingProgress'
  | 'exportTrainingSet'
  | 'trainingCard'
  | 'trainingCardText'
  | 'approveTrainingSet'
  | 'verifyTrainingSet'
  | 'compareTrainingSets'
  | 'object'
  | 'objections'
>

export function offlineApi(steps: OfflineSteps): OfflineHandlers {
  const { trainingSets, cards, verifier, uploads, objections, derived } = steps
  const card = async (id: string) => cards.card(id, await modelsOf(steps, id))
  return {
    createTrainingSet: ({ body, caller }) => trainingSets.create(body, caller),
    trainingSet: ({ path }) => trainingSets.get(path.id!),
    async trainingRows({ path }) {
      await trainingSets.get(path.id!)
      return trainingSets.rows(path.id!)
    },
    uploadSpine: ({ query, body }) => uploads.take(body, query.format),
    trainingProgress: async ({ path }) => trainingSets.progress(path.id!),
    async exportTrainingSet({ path }) {
      // What is wrong with it is said before the answer begins.
      const pieces = await trainingSets.parquet(path.id!)
      return { type: 'application/vnd.apache.parquet', pieces }
    },
    trainingCard: ({ path }) => card(path.id!),
    trainingCardText: async ({ path }) => trainingCardText(await card(path.id!)),
    approveTrainingSet: ({ path, body, caller }) => trainingSets.approve(path.id!, body, caller),
    verifyTrainingSet: ({ path, body }) => verifier.verify(path.id!, body),
    compareTrainingSets: ({ path, query }) => compareSets({ derived, sets: trainingSets }, path.id!, query.with),
    object: ({ body, caller }) => objections.record(body, caller),
    objections: ({ query }) => objections.check(query),
  }
}

/** Model versions that name a training set. */
async function modelsOf({ database, follower }: OfflineSteps, id: string): Promise<string[]> {
  await follower.reach('model')
  const rows = await database.query<{ name: string; version: number }>(
    "select name, version from model_version where body->>'trainingSet' = $1 order by name, version",
    [id],
  )
  return rows.map(({ name, version }) => `${name}@${version}`)
}
