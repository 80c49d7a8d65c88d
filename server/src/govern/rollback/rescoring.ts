// Predictions of one model version and one snapshot, computed again: as they were made, to see whether that comes out
// again, and under the corrected configuration.
import type { FeatureValue, ModelVersion, NotComputed } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { AsOf } from '../../path/features/as-of.ts'
import type { Recomputed, Snapshots } from '../../path/features/snapshots.ts'
import type { Models } from '../../path/models/models.ts'
import type { Inputs, Scorable, Scoring } from '../../path/models/scoring.ts'
import type { PredictionRef, PredictionSource } from '../../path/predictions/enumeration.ts'
import { differences } from '../../path/predictions/replay-cases.ts'
import type { RecordedPrediction } from '../../path/predictions/recorded.ts'
import type { Correction } from './correction.ts'
import type { Threshold } from './decision-rule.ts'

export interface RescoringParts {
  ledger: Ledger
  models: Models
  scoring: Scoring
  snapshots: Snapshots
  asOf: AsOf
}

export interface Again {
  readonly state: 'computed'
  readonly ref: PredictionRef
  readonly id: string
  readonly subject: string
  readonly under: { readonly model: string; readonly view?: string }
  readonly before: number
  readonly after: number
  readonly tolerance: number
  readonly decision: string | undefined
  /** What the model versions have on record; undefined: nothing, before or after. */
  readonly threshold: Threshold | undefined
  readonly reproduced: boolean
  readonly asserted: boolean
}

export type Outcome =
  | Again
  | {
      readonly state: 'not computed'
      readonly ref: PredictionRef
      readonly reason: NotComputed
      readonly detail: string
    }
  | { readonly state: 'erased' }

interface Case {
  ref: PredictionRef
  subject: string
  time: string
  prediction: RecordedPrediction
}

interface Known {
  version: ModelVersion
  scorable: Scorable
}

/** What a prediction is to be scored with. */
type Given =
  | { readonly inputs: Record<string, FeatureValue>; readonly computed: ReadonlySet<string> }
  | { readonly reason: NotComputed; readonly detail: string }

type Own = Map<string, Recomputed & { problem?: string }>

export class Rescoring {
  readonly #parts: RescoringParts
  readonly #correction: Correction
  readonly #known = new Map<string, Known>()

  constructor(parts: RescoringParts, correction: Correction) {
    this.#parts = parts
    this.#correction = correction
  }

  async chunk(
    source: PredictionSource,
    { model, snapshot, refs }: { model: string; snapshot: number | undefined; refs: PredictionRef[] },
  ): Promise<Outcome[]> {
    const outcomes: Outcome[] = []
    const cases: Case[] = []
    for (const [i, found] of (await source.open(refs)).entries()) {
      const ref = refs[i]!
      if (found.state === 'open') cases.push({ ref, ...found })
      else if (found.state === 'erased') outcomes.push({ state: 'erased' })
      else outcomes.push(not(ref, 'record altered', found.problem))
    }
    if (cases.length === 0) return outcomes
    const own = await this.#model(model)
    const made = snapshot === undefined ? undefined : await this.#parts.snapshots.get(snapshot)
    const ownView = made?.view ?? own.version.view
    const [otherModel, view] = [this.#correction.modelFor(model), this.#correction.viewFor(ownView)]
    if (otherModel === undefined && view === undefined) {
      const what = ownView === undefined ? model : `${model} and ${ownView}`
      return [...outcomes, ...cases.map(({ ref }) => not(ref, 'not corrected', `nothing is said of ${what}`))]
    }
    const target = otherModel === undefined ? own : await this.#model(otherModel)
    const again = await this.#own(snapshot, cases)
    const given =
      view === undefined
        ? await this.#asServed(snapshot, again, cases)
        : await this.#underView(view, made, ownView, cases)
    const name = `${target.version.name}@${target.version.version}`
    const under = { model: name, ...(view === undefined ? {} : { view }) }
    outcomes.push(...(await this.#score({ own, target, under }, cases, given, again)))
    return outcomes
  }

  /** The inputs as the configuration of then gives them from the events. Undefined: it cannot be computed any more. */
  async #own(snapshot: number | undefined, cases: readonly Case[]): Promise<Own | Fault | undefined> {
    if (snapshot === undefined) return undefined
    const { snapshots } = this.#parts
    return snapshots
      .recomputeMany(
        await snapshots.get(snapshot),
        cases.map(({ subject }) => subject),
      )
      .catch((error: unknown) => {
        if (isFault(error, 'conflict')) return error
        throw error
      })
  }

  /** The inputs that the model was given, and what it was not told of them from the same snapshot. */
  async #asServed(
    snapshot: number | undefined,
    again: Own | Fault | undefined,
    cases: readonly Case[],
  ): Promise<Given[]> {
    const { snapshots } = this.#parts
    const flaw =
      snapshot === undefined || (await snapshots.expiry(snapshot)) !== undefined
        ? undefined
        : await snapshots.flaw(await snapshots.get(snapshot))
    return cases.map(({ subject, prediction: { inputs } }): Given => {
      if (!(again instanceof Map)) {
        if (inputs) return { inputs: { ...inputs }, computed: new Set() }
        return again
          ? { reason: 'view cannot be computed', detail: again.message }
          : { reason: 'no inputs', detail: 'it names no snapshot, and its record states no inputs' }
      }
      const { values, problem = flaw } = again.get(subject)!
      if (problem !== undefined) return { reason: 'file altered', detail: problem }
      return { inputs: { ...values, ...inputs }, computed: new Set(Object.keys(values)) }
    })
  }

  /** The inputs as another view gives them, at the two clocks of then. */
  async #underView(
    name: string,
    made: { at: string; asOf: number } | undefined,
    ownView: string | undefined,
    cases: readonly Case[],
  ): Promise<Given[]> {
    const { asOf, ledger } = this.#parts
    const { compiled } = await asOf.view(name)
    // A feature that only the old view has is none of the new one's, whatever was stated of it.
    const old = ownView === undefined ? [] : (await asOf.view(ownView).catch(() => undefined))?.compiled.features
    const gone = new Set((old ?? []).map((feature) => feature.name))
    for (const feature of compiled.features) gone.delete(feature.name)
    const rows = await asOf.values(
      compiled,
      cases.map(({ subject, time }) => ({
        subject,
        at: parseTime(made?.at ?? time)!,
        asOf: made?.asOf ?? ledger.size,
      })),
    )
    return cases.map(({ prediction: { inputs = {} } }, i): Given => {
      const { present, values } = rows[i]!
      if (!present) return { reason: 'no row', detail: `${name} has no row for this person at that time` }
      const stated = Object.fromEntries(Object.entries(inputs).filter(([feature]) => !gone.has(feature)))
      return { inputs: { ...stated, ...values }, computed: new Set(Object.keys(values)) }
    })
  }

  async #score(
    { own, target, under }: { own: Known; target: Known; under: Again['under'] },
    cases: readonly Case[],
    given: readonly Given[],
    again: Own | Fault | undefined,
  ): Promise<Outcome[]> {
    const { scorable } = target
    if (!scorable.able) return cases.map(({ ref }) => not(ref, 'model cannot be scored', scorable.why))
    const { scorer } = scorable
    const lacks = (inputs: Inputs): string | undefined => scorer.features.find((name) => !Object.hasOwn(inputs, name))
    const ready = cases.flatMap((one, i) => {
      const each = given[i]!
      return 'inputs' in each && lacks(each.inputs) === undefined ? [{ one, given: each, inputs: each.inputs }] : []
    })
    const outcomes: Outcome[] = cases.flatMap(({ ref }, i) => {
      const each = given[i]!
      if ('reason' in each) return not(ref, each.reason, each.detail)
      const missing = lacks(each.inputs)
      if (missing === undefined) return []
      return not(ref, 'feature missing', `${under.model} reads ${missing}, which ${under.view ?? 'its inputs'} lacks`)
    })
    const scores = await scoredOrWhy(
      scorable,
      ready.map(({ inputs }) => inputs),
    )
    if (typeof scores === 'string') {
      for (const { one } of ready) outcomes.push(not(one.ref, 'model cannot be scored', scores))
      return outcomes
    }
    const same = await this.#reproduced(
      own,
      ready.map(({ one }) => one),
      again,
    )
    for (const [i, { one, given: each }] of ready.entries()) {
      const { ref, subject, prediction } = one
      const { score, problem } = scores[i]!
      // Who is erased meanwhile loses their events first.
      if (!this.#parts.ledger.subjects.byId(subject)) outcomes.push({ state: 'erased' })
      else if (Number.isNaN(score))
        outcomes.push(not(ref, 'model cannot be scored', problem ?? 'it gives no score for these inputs'))
      else
        outcomes.push({
          state: 'computed',
          ref,
          id: prediction.id,
          subject,
          under,
          before: prediction.score,
          after: score,
          tolerance: Math.max(scorer.tolerance, own.scorable.able ? own.scorable.scorer.tolerance : 0),
          decision: prediction.decision,
          threshold: thresholdOf(own.version, target.version),
          reproduced: same[i]!,
          asserted: scorer.features.some((name) => !each.computed.has(name)),
        })
    }
    return outcomes
  }

  /** Whether the configuration of then gives what was recorded. */
  async #reproduced({ scorable }: Known, cases: readonly Case[], again: Own | Fault | undefined): Promise<boolean[]> {
    if (!scorable.able || again instanceof Fault) return cases.map(() => false)
    const inputs = cases.map(({ subject, prediction }) => {
      const one = again?.get(subject)
      return { agrees: !one || agree(prediction, one), values: { ...prediction.inputs, ...one?.values } }
    })
    const scores = await scoredOrWhy(
      scorable,
      inputs.map(({ values }) => values),
    )
    if (typeof scores === 'string') return cases.map(() => false)
    return cases.map(
      ({ prediction }, i) =>
        inputs[i]!.agrees && Math.abs(scores[i]!.score - prediction.score) <= scorable.scorer.tolerance,
    )
  }

  async #model(name: string): Promise<Known> {
    let known = this.#known.get(name)
    if (!known) {
      const version = await this.#parts.models.get(name)
      known = { version, scorable: await this.#parts.scoring.scorerOf(version) }
      this.#known.set(name, known)
    }
    return known
  }
}

function agree(prediction: RecordedPrediction, again: Recomputed & { problem?: string }): boolean {
  return again.problem === undefined && Object.keys(differences(prediction, again)).length === 0
}

async function scoredOrWhy({ scorer }: Extract<Scorable, { able: true }>, rows: readonly Inputs[]) {
  return scorer.scoreMany(rows).catch((error: unknown) => {
    if (isFault(error, 'unavailable')) return error.message
    throw error
  })
}

function thresholdOf(own: ModelVersion, target: ModelVersion): Threshold | undefined {
  const [before, after] = [own.threshold, target.threshold ?? own.threshold]
  return before === undefined || after === undefined ? undefined : { before, after }
}

function not(ref: PredictionRef, reason: NotComputed, detail: string): Outcome {
  return { state: 'not computed', ref, reason, detail }
}
