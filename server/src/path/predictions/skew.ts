// Skew: what was served, held against what offline gives as of the same instants, set by set; and the events behind the
// difference.
import type { FeatureValue, Skew, SkewRequest } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { AsOf, OfflineRow } from '../features/as-of.ts'
import { whatLiesBehind } from '../features/behind.ts'
import type { Differing } from '../features/behind.ts'
import type { CompiledView } from '../features/compile.ts'
import type { Snapshots } from '../features/snapshots.ts'
import type { Models } from '../models/models.ts'
import type { PredictionSource } from './enumeration.ts'
import type { LiveModels } from './selection.ts'
import { same } from './explain-words.ts'
import { ownValue } from './replay-cases.ts'
import { SkewTally } from './skew-tally.ts'
import { servedPredictions, servedRows } from './skew-served.ts'
import type { Served, ServedSet } from './skew-served.ts'
import { readAs } from './skew-values.ts'

export interface SkewParts {
  ledger: Ledger
  follower: Follower
  source: PredictionSource
  models: Models
  aliases: LiveModels
  snapshots: Snapshots
  asOf: AsOf
}

const EXAMPLES = 5

/** What is counted of one view, of the predictions of one model version by themselves: another may be given other features. */
interface Own {
  view: string
  model: string | undefined
  compiled: CompiledView
  tallies: Map<string, SkewTally>
  rows: number
}

export async function skew(
  parts: SkewParts,
  request: SkewRequest,
  onProgress: (done: number, total?: number) => void = () => {},
): Promise<Skew> {
  const served: ServedSet = request.served ? await servedRows(parts, request) : await servedPredictions(parts, request)
  const asOf = parts.follower.next
  const views = new Map<string, Own>()
  const strange = new Map<string, number>()
  let compared = 0
  let absent = 0
  let erased = 0
  for await (const { view, model, compiled, rows } of served.sets()) {
    const key = `${view}\0${model ?? ''}`
    let own = views.get(key)
    if (!own) {
      const tallies = compiled.features.map((feature): [string, SkewTally] => [
        feature.name,
        new SkewTally(feature, {
          tolerance: ownValue(request.tolerances, feature.name),
          examples: request.examples ?? EXAMPLES,
        }),
      ])
      own = { view, model, compiled, tallies: new Map(tallies), rows: 0 }
      views.set(key, own)
    }
    const offline = await parts.asOf.values(compiled, rows)
    for (const [i, row] of rows.entries()) {
      // Who is erased meanwhile loses their events first: that is no skew.
      if (!parts.ledger.subjects.byId(row.subject)) {
        erased++
        continue
      }
      own.rows++
      compared++
      if (!offline[i]!.present) absent++
      hold(row, offline[i]!, own.tallies, strange)
    }
    onProgress(compared, served.sampled)
  }
  const found: Skew['views'] = []
  for (const { view, model, compiled, tallies, rows } of views.values()) {
    for (const tally of tallies.values()) tally.close()
    await lookBehind(parts.asOf, compiled, [...tallies.values()])
    const features = [...tallies.values()].map((tally) => tally.found()).filter((one) => one.compared > 0)
    found.push({ view, ...(model === undefined ? {} : { model }), rows, features })
  }
  const left = served.left()
  return {
    of: request.served ? 'served' : 'predictions',
    ...(served.model === undefined ? {} : { model: served.model }),
    population: served.population,
    sampled: served.sampled,
    compared,
    ...left,
    erased: left.erased + erased,
    absent,
    views: found,
    strange: Object.fromEntries(strange),
    seed: request.seed ?? 1,
    asOf,
  }
}

/** Compares one row. */
function hold(
  row: Served,
  offline: OfflineRow,
  tallies: ReadonlyMap<string, SkewTally>,
  strange: Map<string, number>,
): void {
  for (const [name, tally] of tallies) {
    const known = offline.values[name] ?? null
    if (Object.hasOwn(row.values, name)) tally.add(row, readAs(row.values[name]!, tally.feature.column.type), known)
    else tally.absent(row, known)
  }
  for (const name of Object.keys(row.values)) {
    if (tallies.has(name)) continue
    if (strange.has(name) || strange.size < 100) strange.set(name, (strange.get(name) ?? 0) + 1)
  }
}

/** Looks for the events behind the examples of all features, each row once. */
async function lookBehind(asOf: AsOf, compiled: CompiledView, tallies: readonly SkewTally[]): Promise<void> {
  const tolerances = new Map(tallies.map(({ feature, tolerance }) => [feature.name, tolerance]))
  const rows = new Map<Served, Record<string, FeatureValue>>()
  for (const tally of tallies) {
    for (const { row, served } of tally.examples) {
      const known = rows.get(row)
      if (known) known[tally.feature.name] = served ?? null
      else rows.set(row, { [tally.feature.name]: served ?? null })
    }
  }
  const asked = [...rows].map(([row, served]): Differing => ({ ...row, served }))
  const explained = await whatLiesBehind(asOf, compiled, asked, (feature, a, b) => same(a, b, tolerances.get(feature)))
  const behindOf = new Map([...rows.keys()].map((row, i) => [row, explained[i]!.behind]))
  for (const tally of tallies) {
    for (const example of tally.examples) {
      const behind = ownValue(behindOf.get(example.row), tally.feature.name)
      if (behind) example.behind = behind
    }
  }
}
