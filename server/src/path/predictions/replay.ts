// Replay: predictions computed again from the events, all or a sample; how many agree exactly, and why the others do not.
import type { FeatureValue, ModelVersion, Replay, ReplayMiss, ReplayRequest } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { AsOf } from '../features/as-of.ts'
import type { Recomputed, Snapshots } from '../features/snapshots.ts'
import type { Models } from '../models/models.ts'
import type { Scorable, Scorer, Scoring } from '../models/scoring.ts'
import type { PredictionRef, PredictionSource } from './enumeration.ts'
import { draw } from './population.ts'
import type { RecordedPrediction } from './predictions.ts'
import { causesOfInputs, causesOfScores } from './replay-causes.ts'
import type { Cause } from './replay-causes.ts'
import { differences, differs, misscored } from './replay-cases.ts'
import type { Case, Differing, Misscored } from './replay-cases.ts'
import { Groups, markedOf } from './segments.ts'
import type { Marked } from './segments.ts'
import { selectionOf } from './selection.ts'
import type { LiveModels } from './selection.ts'
import { wilson } from './wilson.ts'

export interface ReplayParts {
  follower: Follower
  source: PredictionSource
  models: Models
  aliases: LiveModels
  scoring: Scoring
  snapshots: Snapshots
  asOf: AsOf
}

/** How far it is, in predictions; the total once it is known. */
export type OnProgress = (done: number, total?: number) => void

/** A prediction whose inputs agree. */
interface Clean {
  one: Case
  /** What the model is given. */
  inputs: Record<string, FeatureValue>
  /** Inputs that no feature computes: they are used as the producer states them. */
  stated: string[]
}

interface Tally {
  sampled: number
  erased: number
  exact: number
  causes: Record<string, number>
}

/** Predictions of one snapshot that are computed at once. */
const CHUNK = 2_000
/** Misses that are listed one by one; all are counted. */
const LISTED = 100
/** Misses whose causes are looked into: each costs some fifty recomputations. */
const EXAMINED = 2_000

export async function replay(
  parts: ReplayParts,
  request: ReplayRequest,
  onProgress: OnProgress = () => {},
): Promise<Replay> {
  const { filter, keep, model, of, narrowed } = await selectionOf(parts, request)
  const seed = request.seed ?? 1
  const drawn = await draw(parts.source, filter, { sample: request.sample, seed, keep })
  if (drawn.population === 0 && !narrowed)
    throw new Fault('not_found', of ? `there are no predictions${of}` : 'there are no predictions yet')
  const asOf = parts.follower.next
  const run = new Replaying(parts, request.by ?? [])
  let done = 0
  onProgress(done, drawn.sampled)
  for (const chunk of drawn.chunks(CHUNK)) {
    await run.chunk(chunk)
    done += chunk.refs.length
    onProgress(done, drawn.sampled)
  }
  return { ...(model === undefined ? {} : { model }), population: drawn.population, ...run.found(), seed, asOf }
}

class Replaying {
  readonly #parts: ReplayParts
  readonly #all: Tally = tally()
  readonly #groups: Groups<Tally> | undefined
  readonly #scorers = new Map<string, { version: ModelVersion; scorable: Scorable }>()
  #misses: ReplayMiss[] = []
  #examined = 0
  #unexamined = 0
  #asserted = 0

  constructor(parts: ReplayParts, by: readonly string[]) {
    this.#parts = parts
    this.#groups = by.length > 0 ? new Groups(by, tally) : undefined
  }

  async chunk({
    model,
    snapshot,
    refs,
  }: {
    model: string
    snapshot: number | undefined
    refs: PredictionRef[]
  }): Promise<void> {
    const found = await this.#parts.source.open(refs)
    const cases: Case[] = []
    for (const [i, ref] of refs.entries()) {
      const one = found[i]!
      const { state } = one
      if (state === 'open') {
        const marked = markedOf(one.prediction, one.time)
        cases.push({ ref, subject: one.subject, time: one.time, prediction: one.prediction, marked })
      } else if (state === 'erased') {
        this.#miss({ ref, marked: { model } }, ERASED)
      } else {
        const { id, problem } = one
        this.#miss(
          { ref, marked: { model }, ...(id === undefined ? {} : { id }) },
          { cause: 'record altered', detail: problem },
        )
      }
    }
    if (cases.length === 0) return
    const { version, scorable } = await this.#scorer(model)
    if (snapshot === undefined) {
      for (const one of cases)
        this.#miss(
          one,
          scorable.able
            ? { cause: 'no snapshot', detail: 'score and inputs are as the producer says' }
            : unscorable(scorable.why),
        )
      return
    }
    const clean = await this.#inputs(snapshot, cases)
    if (!scorable.able) for (const { one } of clean) this.#miss(one, unscorable(scorable.why))
    else await this.#scores(version, scorable.scorer, clean)
  }

  /** Recomputes the inputs from the events; gives those that agree, with what the model is to be given. */
  async #inputs(id: number, cases: readonly Case[]): Promise<Clean[]> {
    const { snapshots, asOf } = this.#parts
    const snapshot = await snapshots.get(id)
    const flaw = await snapshots.flaw(snapshot)
    const gone = (await snapshots.expiry(id)) !== undefined
    const subjects = cases.map(({ subject }) => subject)
    const recomputed = await snapshots.recomputeMany(snapshot, subjects).catch((error: unknown) => {
      if (isFault(error, 'conflict')) return error
      throw error
    })
    if (recomputed instanceof Fault) {
      for (const one of cases) this.#miss(one, { cause: 'code changed', detail: recomputed.message })
      return []
    }
    const clean: Clean[] = []
    const differing: Differing[] = []
    for (const one of cases) {
      const again = recomputed.get(one.subject)!
      const others = differences(one.prediction, again)
      const problem = again.problem ?? flaw
      if (problem !== undefined) {
        const expired = gone && !again.problem
        const detail = expired ? `${problem} ${inputsAgree(one, again, others)}` : problem
        this.#miss(one, { cause: expired ? 'snapshot expired' : 'file altered', detail })
        continue
      }
      if (Object.keys(others).length > 0) differing.push({ ...one, recomputed: again, differing: others })
      else {
        const stated = Object.keys(one.prediction.inputs ?? {}).filter((name) => !(name in again.values))
        clean.push({ one, inputs: { ...one.prediction.inputs, ...again.values }, stated })
      }
    }
    const there = await this.#notErasedSince(differing)
    const some = there.slice(0, Math.max(0, EXAMINED - this.#examined))
    this.#examined += some.length
    const causes = await causesOfInputs(asOf, snapshot, some)
    for (const [i, one] of some.entries()) this.#miss(one, causes[i]!)
    for (const one of there.slice(some.length)) {
      this.#unexamined++
      const [feature, served] = Object.entries(one.differing)[0]!
      this.#miss(one, {
        cause: 'inputs differ',
        detail: differs(feature, served, one.recomputed.values[feature] ?? null),
      })
    }
    return clean
  }

  /** Who is erased while a replay runs loses their events first: that is no miss of the model. */
  async #notErasedSince(differing: readonly Differing[]): Promise<Differing[]> {
    const found = await this.#parts.source.open(differing.map(({ ref }) => ref))
    return differing.filter((one, i) => {
      if (found[i]!.state !== 'erased') return true
      this.#miss({ ref: one.ref, marked: { model: one.ref.model } }, ERASED)
      return false
    })
  }

  async #scores(version: ModelVersion, scorer: Scorer, clean: readonly Clean[]): Promise<void> {
    const scores = await scorer.scoreMany(clean.map(({ inputs }) => inputs)).catch((error: unknown) => {
      if (isFault(error, 'unavailable')) return error
      throw error
    })
    if (scores instanceof Fault) {
      for (const { one } of clean) this.#miss(one, unscorable(scores.message))
      return
    }
    const wrong: Misscored[] = []
    for (const [i, { one, inputs, stated }] of clean.entries()) {
      const { score, problem } = scores[i]!
      if (problem !== undefined) this.#miss(one, unscorable(problem))
      else if (Math.abs(score - one.prediction.score) <= scorer.tolerance)
        this.#exact(
          one,
          stated.some((name) => scorer.features.includes(name)),
        )
      else wrong.push({ ...one, inputs, score })
    }
    const some = wrong.slice(0, Math.max(0, EXAMINED - this.#examined))
    this.#examined += some.length
    const causes = await causesOfScores(this.#parts, version, scorer, some)
    for (const [i, one] of some.entries()) this.#miss(one, causes[i]!)
    for (const one of wrong.slice(some.length)) {
      this.#unexamined++
      this.#miss(one, { cause: 'score differs', detail: misscored(one) })
    }
  }

  #exact(one: Case, asserted: boolean): void {
    if (asserted) this.#asserted++
    for (const each of this.#tallies(one.marked)) {
      each.sampled++
      each.exact++
    }
  }

  #miss(
    { ref, marked, ...more }: { ref: PredictionRef; marked: Marked; id?: string; prediction?: RecordedPrediction },
    cause: Cause,
  ): void {
    for (const each of this.#tallies(marked)) {
      each.sampled++
      if (cause.cause === 'erased on request') each.erased++
      each.causes[cause.cause] = (each.causes[cause.cause] ?? 0) + 1
    }
    const id = more.prediction?.id ?? more.id
    this.#misses.push({
      ...(id === undefined ? {} : { id }),
      seq: ref.seq,
      ...(ref.row === undefined ? {} : { row: ref.row }),
      model: ref.model,
      ...cause,
    })
    if (this.#misses.length >= 10 * LISTED) this.#misses = this.#listed()
  }

  #listed(): ReplayMiss[] {
    return this.#misses.toSorted((a, b) => a.seq - b.seq || (a.row ?? 0) - (b.row ?? 0)).slice(0, LISTED)
  }

  #tallies(marked: Marked): Tally[] {
    return this.#groups ? [this.#all, this.#groups.of(marked)] : [this.#all]
  }

  async #scorer(model: string): Promise<{ version: ModelVersion; scorable: Scorable }> {
    let found = this.#scorers.get(model)
    if (!found) {
      const version = await this.#parts.models.get(model)
      found = { version, scorable: await this.#parts.scoring.scorerOf(version) }
      this.#scorers.set(model, found)
    }
    return found
  }

  found(): Omit<Replay, 'population' | 'seed' | 'asOf'> {
    return {
      ...counted(this.#all),
      ...(this.#asserted > 0 ? { asserted: this.#asserted } : {}),
      ...(this.#groups ? { groups: this.#groups.all().map(({ key, tally: own }) => ({ key, ...counted(own) })) } : {}),
      misses: this.#listed(),
      ...(this.#unexamined > 0 ? { unexamined: this.#unexamined } : {}),
    }
  }
}

function tally(): Tally {
  return { sampled: 0, erased: 0, exact: 0, causes: {} }
}

function counted({ sampled, erased, exact, causes }: Tally) {
  const compared = sampled - erased
  return { sampled, compared, exact, interval: wilson(exact, compared), causes }
}

/** What can still be said where the file cannot be looked at. */
function inputsAgree({ prediction }: Case, again: Recomputed, others: Record<string, FeatureValue>): string {
  const [first] = Object.entries(others)
  if (first) return `${differs(first[0], first[1], again.values[first[0]] ?? null)}.`
  return prediction.inputs ? 'The stated inputs are what the events give.' : 'No inputs were stated.'
}

const ERASED: Cause = { cause: 'erased on request', detail: 'the person was erased' }

const unscorable = (why: string): Cause => ({ cause: 'model cannot be scored', detail: why })
