// Why a prediction does not recompute: each cause with the evidence that it was found by.
import type { FeatureValue, ModelVersion, ReplayMiss, Snapshot } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { AsOf } from '../features/as-of.ts'
import { whatLiesBehind } from '../features/behind.ts'
import type { Explained } from '../features/behind.ts'
import type { CompiledView } from '../features/compile.ts'
import type { Models } from '../models/models.ts'
import type { Scorer, Scoring } from '../models/scoring.ts'
import { same } from './explain-words.ts'
import { differs, misscored, ownValue } from './replay-cases.ts'
import type { Differing, Misscored } from './replay-cases.ts'

export type Cause = Pick<ReplayMiss, 'cause' | 'detail' | 'feature' | 'served' | 'recomputed' | 'behind'>

/** Two computations in double precision that differ by no more than this share of the value do so by rounding. */
const ROUNDING = 1e-9
/** The same of scores, which some runtimes compute in single precision. */
const SINGLE_ROUNDING = 1e-6
/** Other versions of a view or model that are tried. */
const VERSIONS = 10

/** The cause of each prediction of a snapshot whose inputs differ. */
export async function causesOfInputs(asOf: AsOf, snapshot: Snapshot, rows: readonly Differing[]): Promise<Cause[]> {
  if (rows.length === 0) return []
  const { compiled } = await asOf.view(
    snapshot.view,
    new Map(snapshot.inputs.map(({ stream, contract }) => [stream, contract])),
  )
  const alike = sameness(compiled)
  const at = parseTime(snapshot.at)!
  const explained = await whatLiesBehind(
    asOf,
    compiled,
    rows.map(({ subject, time, differing }) => ({
      subject,
      at,
      asOf: snapshot.asOf,
      servedAt: parseTime(time) ?? at,
      served: differing,
    })),
    alike,
  )
  const causes = rows.map((row, i) => causeOf(row, explained[i]!, compiled, alike))
  // Only what is still without a reason is worth another engine's or another version's word.
  const open = causes.flatMap((cause, i) => (cause.cause === 'inputs differ' && !cause.behind ? [i] : []))
  const { engine } = asOf
  if (snapshot.engine.duckdb !== engine.duckdb || snapshot.engine.semantics !== engine.semantics) {
    for (const i of open)
      causes[i] = {
        ...causes[i]!,
        cause: 'code changed',
        detail: `${causes[i]!.detail}; the snapshot was made with DuckDB ${snapshot.engine.duckdb} and semantics ${snapshot.engine.semantics}, this is ${engine.duckdb} and ${engine.semantics}`,
      }
    return causes
  }
  const others = await otherViews(asOf, snapshot)
  for (const { name, compiled: other } of others) {
    const left = open.filter((i) => causes[i]!.cause === 'inputs differ')
    if (left.length === 0) break
    const known = new Set(other.features.map((feature) => feature.name))
    const values = await asOf.values(
      other,
      left.map((i) => ({ subject: rows[i]!.subject, at, asOf: snapshot.asOf })),
    )
    for (const [n, i] of left.entries()) {
      const served = Object.entries(rows[i]!.differing)
      if (
        served.every(
          ([feature, value]) => known.has(feature) && alike(feature, value, values[n]!.values[feature] ?? null),
        )
      )
        causes[i] = {
          ...causes[i]!,
          cause: 'code changed',
          detail: `${causes[i]!.detail}; it is the value that ${name} gives`,
        }
    }
  }
  return causes
}

function causeOf(
  { differing, recomputed: { values } }: Differing,
  { again, behind, unreadable }: Explained,
  compiled: CompiledView,
  alike: ReturnType<typeof sameness>,
): Cause {
  const each = Object.entries(differing).map(([feature, served]): Cause => {
    const recomputed = values[feature] ?? null
    const found = ownValue(behind, feature)
    const plain = { feature, served, recomputed }
    const detail = differs(feature, served, recomputed)
    if (unreadable === 0 && !alike(feature, recomputed, again[feature] ?? null))
      return {
        ...plain,
        cause: 'not deterministic',
        detail: `${detail}, and computed once more to ${String(again[feature])}`,
      }
    if (isRounding(served, recomputed, ROUNDING)) {
      const tolerance = compiled.features.find(({ name }) => name === feature)?.tolerance ?? 0
      return {
        ...plain,
        cause: 'not deterministic',
        detail: `${detail}: within the noise of rounding, beyond the tolerance of ${tolerance}`,
      }
    }
    if (!found) return { ...plain, cause: 'inputs differ', detail }
    const late = (found.how === 'without' || found.how === 'with') && found.events.every((event) => event.late)
    const note = late ? found.sentence : found.how === 'without' ? `${found.sentence}, known in time` : found.sentence
    return { ...plain, cause: late ? 'late data' : 'inputs differ', detail: `${detail}; ${note}`, behind: found }
  })
  // One feature that nothing explains is graver than one that is explained.
  const gravity = ['inputs differ', 'not deterministic', 'late data']
  return each.toSorted(
    (a, b) =>
      gravity.indexOf(a.cause) - gravity.indexOf(b.cause) ||
      Number(a.behind !== undefined) - Number(b.behind !== undefined),
  )[0]!
}

/** Other versions of a snapshot's view, newest first, under the contracts in force; those that do not compile are left out. */
async function otherViews(asOf: AsOf, snapshot: Snapshot): Promise<{ name: string; compiled: CompiledView }[]> {
  const [name, own] = snapshot.view.split('@v') as [string, string]
  const { version: newest } = await asOf.view(name).catch(() => ({ version: { version: Number(own) + 1 } }))
  const found: { name: string; compiled: CompiledView }[] = []
  for (let version = newest.version; version > 0 && found.length < VERSIONS; version--) {
    if (version === Number(own)) continue
    const other = `${name}@v${version}`
    const compiled = await asOf.view(other).then(
      (one) => one.compiled,
      () => undefined,
    )
    if (compiled) found.push({ name: other, compiled })
  }
  return found
}

/** The cause of each prediction whose inputs agree and whose score does not. */
export async function causesOfScores(
  { models, scoring }: { models: Models; scoring: Scoring },
  version: ModelVersion,
  scorer: Scorer,
  rows: readonly Misscored[],
): Promise<Cause[]> {
  if (rows.length === 0) return []
  const inputs = rows.map((row) => row.inputs)
  const again = await scorer.scoreMany(inputs)
  const causes = rows.map((row, i): Cause => {
    const detail = misscored(row)
    const other = again[i]!.score
    if (!Object.is(other, row.score))
      return { cause: 'not deterministic', detail: `${detail}, and computed once more as ${other}` }
    if (isRounding(row.prediction.score, row.score, SINGLE_ROUNDING))
      return {
        cause: 'not deterministic',
        detail: `${detail}: within the noise of rounding, beyond the tolerance of ${scorer.tolerance}`,
      }
    return { cause: 'score differs', detail }
  })
  for await (const { name, scorer: other } of otherModels(models, scoring, version)) {
    const left = causes.flatMap((cause, i) => (cause.cause === 'score differs' ? [i] : []))
    if (left.length === 0) break
    const scores = await other.scoreMany(left.map((i) => inputs[i]!))
    for (const [n, i] of left.entries()) {
      if (Math.abs(scores[n]!.score - rows[i]!.prediction.score) <= other.tolerance)
        causes[i] = { cause: 'code changed', detail: `${causes[i]!.detail}; it is the score that ${name} gives` }
    }
  }
  return causes
}

/** The versions of a model next to one, nearest first, as far as they can be scored. */
async function* otherModels(
  models: Models,
  scoring: Scoring,
  { name, version }: ModelVersion,
): AsyncGenerator<{ name: string; scorer: Scorer }> {
  for (let step = 1; step <= VERSIONS; step++) {
    for (const near of [version + step, version - step]) {
      if (near < 1) continue
      const other = await models.get(`${name}@${near}`).catch((error: unknown) => {
        if (isFault(error, 'not_found')) return undefined
        throw error
      })
      const scorable = other && (await scoring.scorerOf(other))
      if (scorable?.able) yield { name: `${name}@${near}`, scorer: scorable.scorer }
    }
  }
}

function isRounding(a: FeatureValue, b: FeatureValue, share: number): boolean {
  if (typeof a !== 'number' || typeof b !== 'number') return false
  // Whole numbers are exact: one too many is no rounding, however large they are.
  if (Number.isInteger(a) && Number.isInteger(b)) return false
  return Math.abs(a - b) <= share * Math.max(1, Math.abs(a), Math.abs(b))
}

function sameness(compiled: CompiledView): (feature: string, a: FeatureValue, b: FeatureValue) => boolean {
  const tolerances = new Map(compiled.features.map(({ name, tolerance }) => [name, tolerance]))
  return (feature, a, b) => same(a, b, tolerances.get(feature))
}
