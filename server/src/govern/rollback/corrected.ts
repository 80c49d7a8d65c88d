// Replay under the corrected configuration: the predictions that a cause concerns, computed again under the model version or
// the feature view that should have been in use, and which decisions would have been different. Nothing is written.
import type { Corrected, CorrectedRequest, CorrectedRow } from '@whence/sdk'
import { CorrectedRequest as Request } from '@whence/sdk'
import type { z } from 'zod'
import { Fault } from '../../fault.ts'
import { draw } from '../../path/predictions/population.ts'
import { wilson } from '../../path/predictions/wilson.ts'
import { concernedBy } from './concerned.ts'
import type { Concerned, ConcernedParts } from './concerned.ts'
import { plannedCorrection, saidCorrection } from './correction.ts'
import type { Correction } from './correction.ts'
import { decided, ruleOf } from './decision-rule.ts'
import type { Rule } from './decision-rule.ts'
import { Rescoring } from './rescoring.ts'
import type { Again, Outcome, RescoringParts } from './rescoring.ts'
import { restingOn } from './resting.ts'
import type { Rollbacks } from './rollbacks.ts'

export interface CorrectedParts extends ConcernedParts, RescoringParts {
  rollbacks: Pick<Rollbacks, 'get'>
}

type Asked = z.output<typeof Request>
type NotDone = Extract<Outcome, { state: 'not computed' }>
export type OnProgress = (done: number, total?: number) => void

/** Predictions of one snapshot that are computed at once. */
const CHUNK = 2_000
/** Rows that are listed in one answer; all are counted, and all can be asked for. */
const LISTED = 100
/** Examples of each reason. */
const EXAMPLES = 5

/** Throws `not_found` and `invalid`. */
export async function corrected(
  parts: CorrectedParts,
  request: CorrectedRequest,
  onProgress: OnProgress = () => {},
): Promise<Corrected> {
  const run = await compute(parts, Request.parse(request), onProgress)
  const { concerned, correction, computed, rules, asked } = run
  const sampled = run.sampled < run.population
  const rows = differing(run)
  const notes = [...concerned.notes]
  if (sampled)
    notes.push(
      `${run.sampled} of ${run.population} were drawn: the intervals speak of all that could be computed, the counts of those that were drawn`,
    )
  const unproven = computed.filter((one) => !one.reproduced).length
  if (unproven > 0)
    notes.push(
      `${unproven} do not come out again under their own configuration: what is different there is not of the correction alone`,
    )
  const changes = new Map<string, { before: string; after: string; predictions: number }>()
  let [same, different] = [0, 0]
  for (const one of computed) {
    const pair = decided(rules.get(one.ref.model)!, one)
    if (!pair) continue
    if (pair.before === pair.after) same++
    else {
      different++
      const key = JSON.stringify([pair.before, pair.after])
      const change = changes.get(key) ?? { ...pair, predictions: 0 }
      change.predictions++
      changes.set(key, change)
    }
  }
  const unlike = computed.filter(scoreDiffers).length
  return {
    says: concerned.says,
    ...(run.rollback === undefined ? {} : { rollback: run.rollback }),
    under: [...correction.under],
    population: run.population,
    sampled: run.sampled,
    inBatches: run.inBatches,
    erased: run.erased,
    computed: computed.length,
    ...reasonsOf(run.notDone),
    reproduced: computed.length - unproven,
    asserted: computed.filter(({ asserted }) => asserted).length,
    scores: {
      same: computed.length - unlike,
      different: unlike,
      ...(sampled ? { interval: wilson(unlike, computed.length) } : {}),
      ...(computed.length === 0
        ? {}
        : {
            mean: { before: mean(computed, ({ before }) => before), after: mean(computed, ({ after }) => after) },
            largest: computed.reduce(
              (most, { before, after }) => (Math.abs(after - before) > Math.abs(most) ? after - before : most),
              0,
            ),
          }),
    },
    decisions: {
      same,
      different,
      ...(sampled ? { interval: wilson(different, same + different) } : {}),
      rules: [...rules].map(([model, { kind, says }]) => ({ model, kind, says })),
      undetermined: computed.length - same - different,
      changes: [...changes.values()].sort((a, b) => b.predictions - a.predictions),
    },
    actions: await restingOn(
      parts,
      rows.map(({ one }) => ({ ...one, model: one.ref.model })),
    ),
    notes,
    rows: rows.slice(0, LISTED).map(shown),
    seed: asked.seed,
    asOf: parts.follower.next,
  }
}

/** Every prediction that would have been different, in the order of the log. */
export async function* correctedRows(parts: CorrectedParts, request: CorrectedRequest): AsyncGenerator<CorrectedRow[]> {
  const rows = differing(await compute(parts, Request.parse(request), () => {}))
  for (let at = 0; at < rows.length; at += CHUNK) yield rows.slice(at, at + CHUNK).map(shown)
}

interface Run {
  asked: Asked
  rollback: string | undefined
  concerned: Concerned
  correction: Correction
  population: number
  sampled: number
  inBatches: number
  erased: number
  computed: Again[]
  notDone: NotDone[]
  /** By the model version that made the predictions. */
  rules: Map<string, Rule>
}

async function compute(parts: CorrectedParts, asked: Asked, onProgress: OnProgress): Promise<Run> {
  const { concerned, correction, rollback } = await meant(parts, asked)
  // What is said must be there: that it is not known is told before anything is computed.
  for (const view of correction.views) await parts.asOf.view(view)
  if (asked.model !== undefined) await parts.models.get(asked.model)
  const drawn = await draw(concerned.source, concerned.filter, { sample: asked.limit, seed: asked.seed })
  if (drawn.population === 0) throw new Fault('not_found', `${concerned.says}: there are no predictions of it`)
  const rescoring = new Rescoring(parts, correction)
  const computed: Again[] = []
  const notDone: NotDone[] = []
  let [erased, done, inBatches] = [0, 0, 0]
  onProgress(0, drawn.sampled)
  for (const chunk of drawn.chunks(CHUNK)) {
    for (const outcome of await rescoring.chunk(concerned.source, chunk)) {
      if (outcome.state === 'computed') computed.push(outcome)
      else if (outcome.state === 'erased') erased++
      else notDone.push(outcome)
    }
    done += chunk.refs.length
    inBatches += chunk.refs.filter(({ row }) => row !== undefined).length
    onProgress(done, drawn.sampled)
  }
  const rules = new Map<string, Rule>()
  for (const [model, those] of Map.groupBy(computed, ({ ref }) => ref.model)) {
    const { threshold } = asked
    rules.set(
      model,
      ruleOf(those, threshold === undefined ? those[0]!.threshold : { before: threshold, after: threshold }),
    )
  }
  const { population, sampled } = drawn
  return { asked, rollback, concerned, correction, population, sampled, inBatches, erased, computed, notDone, rules }
}

/** What is asked: the predictions, and the configuration. */
async function meant(
  parts: CorrectedParts,
  asked: Asked,
): Promise<{ concerned: Concerned; correction: Correction; rollback: string | undefined }> {
  const { kind, name, model, view, since, until } = asked
  const said = { ...(model === undefined ? {} : { model }), ...(view === undefined ? {} : { view }) }
  if (asked.rollback === undefined) {
    if (kind === undefined || name === undefined)
      throw new Fault('invalid', 'say of what: a cause ("kind" and "name"), or "rollback"')
    const correction = saidCorrection(said)
    return { correction, concerned: await concernedBy(parts, { kind, name }, { since, until }), rollback: undefined }
  }
  if (kind !== undefined || name !== undefined)
    throw new Fault('invalid', 'a rollback has its own cause: leave "kind" and "name" out')
  const { id, plan } = await parts.rollbacks.get(asked.rollback)
  const correction = model === undefined && view === undefined ? plannedCorrection(plan) : saidCorrection(said)
  const { cause } = plan.scope
  // Where an alarm says itself since when, that is of its messages, not of the predictions before them.
  const bounds = {
    since: since ?? (cause.kind === 'alarm' ? undefined : plan.scope.since),
    until: until ?? plan.scope.until,
  }
  return { correction, concerned: await concernedBy(parts, cause, bounds, correction.replaced), rollback: id }
}

interface Differing {
  one: Again
  decision: { before: string; after: string } | undefined
}

/** A decision that differs; where no decision is known, a score that does. */
function differing({ computed, rules }: Run): Differing[] {
  return computed
    .map((one): Differing => ({ one, decision: decided(rules.get(one.ref.model)!, one) }))
    .filter(({ one, decision }) => (decision ? decision.before !== decision.after : scoreDiffers(one)))
    .sort((a, b) => a.one.ref.seq - b.one.ref.seq || (a.one.ref.row ?? 0) - (b.one.ref.row ?? 0))
}

function shown({ one: { ref, id, under, before, after, reproduced }, decision }: Differing): CorrectedRow {
  return {
    seq: ref.seq,
    ...(ref.row === undefined ? {} : { row: ref.row }),
    id,
    model: ref.model,
    under,
    score: { before, after },
    ...(decision ? { decision } : {}),
    differs: decision ? 'decision' : 'score',
    reproduced,
  }
}

function scoreDiffers({ before, after, tolerance }: Again): boolean {
  return Math.abs(after - before) > tolerance
}

function reasonsOf(notDone: readonly NotDone[]): Pick<Corrected, 'notComputed' | 'examples'> {
  const notComputed: Corrected['notComputed'] = {}
  const examples: Corrected['examples'] = []
  for (const { ref, reason, detail } of notDone) {
    const before = notComputed[reason] ?? 0
    notComputed[reason] = before + 1
    if (before < EXAMPLES)
      examples.push({ seq: ref.seq, ...(ref.row === undefined ? {} : { row: ref.row }), reason, detail })
  }
  return { notComputed, examples }
}

function mean(all: readonly Again[], of: (one: Again) => number): number {
  return all.reduce((sum, one) => sum + of(one), 0) / all.length
}
