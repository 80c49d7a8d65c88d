// Replay: a sample of a model's predictions, or all, computed again from the events; how many agree exactly, and why not.
import type { FeatureValue, Replay, ReplayRequest } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Database } from '../../store/database.ts'
import type { Snapshots } from '../features/snapshots.ts'
import { scoreLogistic } from '../models/logistic.ts'
import type { Models } from '../models/models.ts'
import { same } from './explain-words.ts'
import { predictionOf } from './predictions.ts'
import type { RecordedPrediction } from './predictions.ts'

export interface ReplayParts {
  ledger: Ledger
  follower: Follower
  database: Database
  models: Models
  snapshots: Snapshots
}

type Miss = Replay['misses'][number]

interface Case {
  seq: number
  subject: string
  prediction: RecordedPrediction
}

/** Misses that are listed one by one; all are counted. */
const LISTED = 100

export async function replay(parts: ReplayParts, request: ReplayRequest): Promise<Replay> {
  const { ledger, follower, database, models, snapshots } = parts
  await follower.reach('prediction', 'erasure')
  const model = request.model === undefined ? undefined : await models.get(request.model)
  const name = model && `${model.name}@${model.version}`
  const rows = await database.query<{ seq: bigint; model: string; snapshot: bigint | null }>(
    'select seq, model, snapshot from prediction where ($1::text is null or model = $1) order by seq',
    [name ?? null],
  )
  if (rows.length === 0)
    throw new Fault('not_found', name ? `model ${name} has made no predictions` : 'there are no predictions yet')
  const seed = request.seed ?? 1
  const sampled =
    request.sample === undefined || request.sample >= rows.length ? rows : sample(rows, request.sample, seed)

  const misses: Miss[] = []
  let erased = 0
  let exact = 0
  const miss = (seq: number, id: string | undefined, cause: Miss['cause'], detail: string): void => {
    misses.push({ seq, cause, detail, ...(id === undefined ? {} : { id }) })
  }
  for (const [key, group] of Map.groupBy(sampled, (row) => `${row.model}\0${row.snapshot ?? ''}`)) {
    const [modelName, snapshotId] = key.split('\0') as [string, string]
    const cases: Case[] = []
    for (const row of group) {
      const seq = Number(row.seq)
      try {
        const opened = ledger.open(seq)
        if (opened.state !== 'open') {
          erased++
          miss(seq, undefined, 'erased on request', 'the person was erased')
        } else if (!(await ledger.intact(seq))) {
          miss(seq, undefined, 'record altered', 'its entry is not under the root of the signed checkpoint')
        } else {
          cases.push({ seq, subject: opened.subject, prediction: predictionOf(opened) })
        }
      } catch (error) {
        miss(seq, undefined, 'record altered', Fault.from(error).message)
      }
    }
    if (cases.length === 0) continue
    const version = await models.get(modelName)
    if (!version.model || snapshotId === '') {
      const cause = version.model ? 'no snapshot' : 'model cannot be scored'
      for (const { seq, prediction } of cases)
        miss(seq, prediction.id, cause, 'score and inputs are as the producer says')
      continue
    }
    const snapshot = await snapshots.get(Number(snapshotId))
    const flaw = await snapshots.flaw(snapshot)
    const recomputed = await snapshots.recomputeMany(
      snapshot,
      cases.map(({ subject }) => subject),
    )
    for (const { seq, subject, prediction } of cases) {
      const one = recomputed.get(subject)!
      if (one.problem !== undefined) {
        miss(seq, prediction.id, 'file altered', one.problem)
        continue
      }
      if (flaw !== undefined) {
        miss(seq, prediction.id, 'file altered', flaw)
        continue
      }
      const differing = one.view.features.find(({ name: feature, tolerance }) =>
        [prediction.inputs?.[feature], one.stored?.[feature]].some(
          (other: FeatureValue | undefined) =>
            other !== undefined && !same(other, one.values[feature] ?? null, tolerance),
        ),
      )
      const { score } = scoreLogistic(version.model, one.values)
      if (differing) {
        miss(
          seq,
          prediction.id,
          'inputs differ',
          `${differing.name} was ${String(prediction.inputs?.[differing.name] ?? one.stored?.[differing.name])}, and recomputes to ${String(one.values[differing.name])}`,
        )
      } else if (!(Math.abs(score - prediction.score) <= (version.tolerance ?? 1e-12))) {
        miss(seq, prediction.id, 'score differs', `given as ${prediction.score}, recomputed as ${score}`)
      } else {
        exact++
      }
    }
  }
  const compared = sampled.length - erased
  const causes: Record<string, number> = {}
  for (const { cause } of misses) causes[cause] = (causes[cause] ?? 0) + 1
  return {
    ...(name === undefined ? {} : { model: name }),
    population: rows.length,
    sampled: sampled.length,
    compared,
    exact,
    interval: { ...wilson(exact, compared), level: 0.95 },
    misses: misses.sort((a, b) => a.seq - b.seq).slice(0, LISTED),
    causes,
    seed,
    asOf: follower.next,
  }
}

/**
 * The 95 % Wilson score interval of a share: `wilson(200, 200) // { low: 0.981…, high: 1 }`. Of nothing, everything is
 * possible: 0 to 1.
 */
export function wilson(hits: number, n: number): { low: number; high: number } {
  if (n === 0) return { low: 0, high: 1 }
  const z = 1.959963984540054
  const share = hits / n
  const centre = share + (z * z) / (2 * n)
  const spread = z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))
  const scale = 1 + (z * z) / n
  return { low: hits === 0 ? 0 : (centre - spread) / scale, high: hits === n ? 1 : (centre + spread) / scale }
}

/** `n` of the items without repetition, the same for the same seed, in their order. */
function sample<Item>(items: readonly Item[], n: number, seed: number): Item[] {
  let state = seed >>> 0
  const random = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const chosen = new Set<number>()
  for (let last = items.length - n; last < items.length; last++) {
    const at = Math.floor(random() * (last + 1))
    chosen.add(chosen.has(at) ? last : at)
  }
  return [...chosen].sort((a, b) => a - b).map((at) => items[at]!)
}
