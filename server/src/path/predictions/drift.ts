// Drift: how far what is served lies from what the model was trained on, feature by feature and in the score. The bins are
// those of the reference; both sides are counted in them, row by row.
import type { Drift, DriftedFeature, DriftRequest, DriftVerdict, FeatureValue } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Snapshots } from '../features/snapshots.ts'
import type { TrainingSets } from '../features/training-sets.ts'
import type { Models } from '../models/models.ts'
import type { Scorer, Scoring } from '../models/scoring.ts'
import { Look } from './bins.ts'
import type { Bins } from './bins.ts'
import { jensenShannon, psi, psiNoise, SMOOTHING } from './divergence.ts'
import { referenceOf, servingOf } from './drift-sides.ts'
import type { Observed, Side } from './drift-sides.ts'
import type { PredictionSource } from './enumeration.ts'
import { Groups } from './segments.ts'
import { selectionOf } from './selection.ts'
import type { LiveModels } from './selection.ts'

export interface DriftParts {
  follower: Follower
  source: PredictionSource
  models: Models
  aliases: LiveModels
  scoring: Scoring
  snapshots: Snapshots
  trainingSets: TrainingSets
}

/** Rules of thumb of credit scoring, nothing more: below 0.1 stable, from 0.25 on drifted. */
const WATCH = 0.1
const DRIFTED = 0.25
const LEAST = 200
const BINS = 10
/** The score stands among the features under a name that none of them can have. */
const SCORE = '\0score'

interface Thresholds {
  watch: number
  drifted: number
  maxJs?: number
  least: number
}

export async function drift(
  parts: DriftParts,
  request: DriftRequest,
  onProgress: (done: number, total?: number) => void = () => {},
): Promise<Drift> {
  const selected = await selectionOf(parts, request)
  const model = selected.model === undefined ? undefined : await parts.models.get(selected.model)
  const thresholds: Thresholds = {
    watch: request.watch ?? WATCH,
    drifted: request.drifted ?? DRIFTED,
    least: request.least ?? LEAST,
    ...(request.maxJs === undefined ? {} : { maxJs: request.maxJs }),
  }
  if (thresholds.watch > thresholds.drifted)
    throw new Fault('invalid', `"watch" (${thresholds.watch}) lies above "drifted" (${thresholds.drifted})`)
  const scorable = model && (await parts.scoring.scorerOf(model))
  const scorer = scorable?.able ? scorable.scorer : undefined
  const reference = await referenceOf(parts, request, selected, model)
  const serving = await servingOf(parts, request, selected)
  const asOf = parts.follower.next

  const { looks, scores, scored } = await lookAt(reference, scorer)
  const bins = new Map([...looks].map(([name, look]) => [name, look.bins(request.bins ?? BINS)]))
  const before = new Counts(bins)
  await count(reference, before, scores)
  const after = new Counts(bins)
  const groups = request.by && request.by.length > 0 ? new Groups(request.by, () => new Counts(bins)) : undefined
  let done = 0
  const servedScores = serving.what === 'predictions' ? undefined : scorer
  for await (const page of serving.pages()) {
    const own = servedScores && (await servedScores.scoreMany(page.map(({ values = {} }) => values)))
    for (const [i, row] of page.entries()) {
      const score = own ? own[i]!.score : row.score
      after.add(row, score)
      if (groups && row.marked) groups.of(row.marked).add(row, score)
    }
    done += page.length
    onProgress(done)
  }

  const features = [...bins.keys()].filter((name) => name !== SCORE).toSorted()
  // A feature that only one side ever had cannot be compared, and is said apart.
  const shared = features.filter((name) => after.stated.has(name))
  const compared = (name: string, counts: Counts): DriftedFeature =>
    compare(name, bins.get(name)!, before.of(name), counts.of(name), thresholds)
  const withScore = bins.has(SCORE) && scored > 0 && after.total(SCORE) > 0
  const all = shared.map((name) => compared(name, after))
  const score = withScore ? { ...compared(SCORE, after), name: 'score' } : undefined
  return {
    ...(selected.model === undefined ? {} : { model: selected.model }),
    reference: { what: reference.what, name: reference.name, ...reference.counted },
    serving: { what: serving.what, name: serving.name, ...serving.counted, population: serving.population },
    verdict: gravest([...all, ...(score ? [score] : [])]),
    features: all,
    ...(score ? { score } : { noScore: whyNoScore(reference, scored, scorable) }),
    ...(groups
      ? {
          groups: groups.all().map(({ key, tally }) => {
            const own = shared.map((name) => withoutBins(compared(name, tally)))
            const ownScore = withScore ? { ...withoutBins(compared(SCORE, tally)), name: 'score' } : undefined
            return {
              key,
              rows: tally.rows,
              verdict: gravest([...own, ...(ownScore ? [ownScore] : [])]),
              features: own,
              ...(ownScore ? { score: ownScore } : {}),
            }
          }),
        }
      : {}),
    onlyReference: features.filter((name) => !after.stated.has(name)),
    onlyServing: [...after.strange].toSorted().slice(0, 100),
    smoothing: SMOOTHING,
    thresholds,
    seed: request.seed ?? 1,
    asOf,
  }
}

/** Looks at every value of the reference once; the scores of its rows are kept, as computing them costs most. */
async function lookAt(
  side: Side,
  scorer: Scorer | undefined,
): Promise<{ looks: Map<string, Look>; scores: number[][]; scored: number }> {
  const looks = new Map<string, Look>()
  const scores: number[][] = []
  let scored = 0
  const lookOf = (name: string): Look => {
    let look = looks.get(name)
    if (!look) looks.set(name, (look = new Look()))
    return look
  }
  for await (const page of side.pages()) {
    const own =
      side.what === 'predictions' || !scorer ? undefined : await scorer.scoreMany(page.map(({ values = {} }) => values))
    scores.push(
      page.map(({ values = {}, at, score: said }, i) => {
        for (const [name, value] of Object.entries(values)) lookOf(name).add(value, at)
        const score = own ? own[i]!.score : (said ?? Number.NaN)
        if (!Number.isNaN(score)) {
          scored++
          lookOf(SCORE).add(score, at)
        }
        return score
      }),
    )
  }
  return { looks, scores, scored }
}

async function count(side: Side, counts: Counts, scores: readonly (readonly number[])[]): Promise<void> {
  let page = 0
  for await (const rows of side.pages()) {
    const own = scores[page++]
    for (const [i, row] of rows.entries()) counts.add(row, own?.[i])
  }
}

/** How many values fell into each bin of each feature. */
class Counts {
  readonly #bins: ReadonlyMap<string, Bins>
  readonly #counts: Map<string, number[]>
  /** Features of which at least one row has stated something. */
  readonly stated = new Set<string>()
  /** Names that the reference does not have. */
  readonly strange = new Set<string>()
  rows = 0

  constructor(bins: ReadonlyMap<string, Bins>) {
    this.#bins = bins
    this.#counts = new Map([...bins].map(([name, { labels }]) => [name, labels.map(() => 0)]))
  }

  add({ values, at }: Observed, score: number | undefined): void {
    this.rows++
    for (const name of Object.keys(values ?? {})) {
      if (this.#bins.has(name)) this.stated.add(name)
      else if (this.strange.size < 1000) this.strange.add(name)
    }
    for (const [name, bins] of this.#bins) {
      if (name === SCORE || !values) continue
      const value: FeatureValue = Object.hasOwn(values, name) ? values[name]! : null
      this.#counts.get(name)![bins.place(value, at)]!++
    }
    if (score === undefined || Number.isNaN(score)) return
    const bins = this.#bins.get(SCORE)
    if (bins) this.#counts.get(SCORE)![bins.place(score, at)]!++
  }

  of(name: string): number[] {
    return this.#counts.get(name)!
  }

  total(name: string): number {
    return this.of(name).reduce((sum, n) => sum + n, 0)
  }
}

function compare(
  name: string,
  { kind, labels }: Bins,
  before: readonly number[],
  after: readonly number[],
  thresholds: Thresholds,
): DriftedFeature {
  const [reference, serving] = [before, after].map((counts) => counts.reduce((sum, n) => sum + n, 0)) as [
    number,
    number,
  ]
  const empty = reference === 0 || serving === 0
  // A bin that nobody is in says nothing, and smoothing would make it speak.
  const used = labels.flatMap((_, i) => (before[i]! + after[i]! > 0 ? [i] : []))
  const [p, q] = [before, after].map((counts) => used.map((i) => counts[i]!)) as [number[], number[]]
  const found = {
    psi: empty ? null : psi(p, q),
    js: empty ? null : jensenShannon(p, q),
    noise: empty ? null : psiNoise(p, q),
  }
  const none = labels.length - 1
  return {
    name,
    kind,
    reference,
    serving,
    ...found,
    verdict: verdictOf(found, Math.min(reference, serving), thresholds),
    missing: {
      reference: reference === 0 ? null : before[none]! / reference,
      serving: serving === 0 ? null : after[none]! / serving,
    },
    bins: labels.map((label, i) => ({ label, reference: before[i]!, serving: after[i]! })),
  }
}

/** What lies within the noise is no drift, however large; of few rows nothing is said. */
function verdictOf(
  found: { psi: number | null; js: number | null; noise: number | null },
  rows: number,
  { watch, drifted, maxJs, least }: Thresholds,
): DriftVerdict {
  const { psi: index, js, noise } = found
  if (index === null || js === null || noise === null || rows < least) return 'too few'
  if (index <= noise) return 'stable'
  if (index >= drifted || (maxJs !== undefined && js >= maxJs)) return 'drifted'
  return index >= watch ? 'watch' : 'stable'
}

function gravest(features: readonly { verdict: DriftVerdict }[]): DriftVerdict {
  const order: DriftVerdict[] = ['stable', 'too few', 'watch', 'drifted']
  if (features.length === 0) return 'too few'
  return order[Math.max(...features.map(({ verdict }) => order.indexOf(verdict)))]!
}

function withoutBins({ bins: _, ...feature }: DriftedFeature): Omit<DriftedFeature, 'bins'> {
  return feature
}

function whyNoScore(
  reference: Side,
  scored: number,
  scorable: Awaited<ReturnType<Scoring['scorerOf']>> | undefined,
): string {
  if (scored > 0) return 'nothing that was served has a score'
  if (reference.what === 'predictions') return 'the reference has no predictions'
  if (!scorable) return 'no single model version was asked for, so that the reference has no scores'
  if (scorable.able) return 'no row of the reference could be scored'
  return `this model cannot be scored: ${scorable.why}; give a time of predictions as the reference`
}
