// What was served, in sets that one query answers: the rows of another store's log, or the inputs of predictions.
import type { FeatureValue, SkewRequest } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Ask } from '../features/recompute.ts'
import type { CompiledView } from '../features/compile.ts'
import { draw } from './population.ts'
import { selectionOf } from './selection.ts'
import type { SkewParts } from './skew.ts'

/** A row that was served: whose, as of which two clocks, when, and with which values. */
export interface Served extends Ask {
  servedAt: Micros
  values: Readonly<Record<string, FeatureValue>>
  place: { row?: number; seq?: number; id?: string }
}

export interface ServedSet {
  population: number
  sampled: number
  model?: string
  sets(): AsyncIterable<{ view: string; model?: string; compiled: CompiledView; rows: Served[] }>
  /** Rows that are not compared, once the sets were gone through. */
  left(): { erased: number; unknown: number; altered: number; silent: number }
}

const AT_ONCE = 10_000

/** The log of another store. The subject of each row is looked up; nobody is made by asking. */
export async function servedRows(parts: SkewParts, request: SkewRequest): Promise<ServedSet> {
  const all = request.served!
  const strange = (['model', 'models', 'live', 'from', 'to', 'segment'] as const).find(
    (name) => request[name] !== undefined,
  )
  if (strange) throw new Fault('invalid', `"${strange}" chooses predictions: it says nothing of rows in "served"`)
  if (request.view === undefined)
    throw new Fault('invalid', 'say what was served: "view", a feature view by its name, or name@vN')
  const head = position(parts, request.asOf)
  const { version, compiled } = await parts.asOf.view(request.view)
  const left = { erased: 0, unknown: 0, altered: 0, silent: 0 }
  const rows: Served[] = []
  const { sample = all.length, seed = 1 } = request
  const chosen = await chosenRows(all.length, sample, seed)
  for (const row of chosen) {
    const { subject, entity, at, asOf, values } = all[row]!
    const time = parseTime(at)
    if (time === undefined) throw new Fault('invalid', `/served/${row}/at: "${at}" is no time`)
    if (subject === undefined && entity === undefined)
      throw new Fault('invalid', `/served/${row}: say whom it is about: "entity", or "subject"`)
    const found =
      subject === undefined
        ? parts.ledger.subjects.find(compiled.view.entity, entity!)
        : parts.ledger.subjects.byId(subject)
    if (found === 'erased') left.erased++
    else if (found === undefined) left.unknown++
    else
      rows.push({
        subject: found.id,
        at: time,
        asOf: Math.min(asOf ?? head, head),
        servedAt: time,
        values,
        place: { row },
      })
  }
  // In the order in which their events lie on the disk.
  rows.sort((a, b) => (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0))
  const view = `${version.name}@v${version.version}`
  return {
    population: all.length,
    sampled: chosen.length,
    async *sets() {
      for (let at = 0; at < rows.length; at += AT_ONCE) yield { view, compiled, rows: rows.slice(at, at + AT_ONCE) }
    },
    left: () => left,
  }
}

async function chosenRows(count: number, sample: number, seed: number): Promise<number[]> {
  const source = {
    async *refs() {
      yield Array.from({ length: count }, (_, seq) => ({ seq, model: '' }))
    },
    open: async () => [],
  }
  const drawn = await draw(source, {}, { sample, seed })
  return [...drawn.chunks(AT_ONCE)].flatMap(({ refs }) => refs.map(({ seq }) => seq)).toSorted((a, b) => a - b)
}

/**
 * The inputs that predictions state. Of one that names a snapshot the instant is the snapshot's, and the events are those
 * that it knew; of another its own time, and all events that the contract's clock lets it know.
 */
export async function servedPredictions(parts: SkewParts, request: SkewRequest): Promise<ServedSet> {
  const selected = await selectionOf(parts, request)
  const head = position(parts, request.asOf)
  const { seed = 1, sample } = request
  const drawn = await draw(parts.source, selected.filter, { seed, sample, keep: selected.keep })
  if (drawn.population === 0 && !selected.narrowed)
    throw new Fault('not_found', `there are no predictions${selected.of}: nothing was served`)
  const left = { erased: 0, unknown: 0, altered: 0, silent: 0 }
  return {
    population: drawn.population,
    sampled: drawn.sampled,
    ...(selected.model === undefined ? {} : { model: selected.model }),
    async *sets() {
      for (const { model, snapshot, refs } of drawn.chunks(AT_ONCE)) {
        const from = await offlineOf(parts, model, snapshot, request.view)
        const rows: Served[] = []
        for (const [i, found] of (await parts.source.open(refs)).entries()) {
          if (found.state === 'erased') left.erased++
          else if (found.state === 'altered') left.altered++
          else if (!from || !found.prediction.inputs) left.silent++
          else {
            const { seq, row } = refs[i]!
            const made = parseTime(found.time)!
            rows.push({
              subject: found.subject,
              at: from.at ?? made,
              asOf: request.asOf === undefined ? (from.asOf ?? head) : head,
              servedAt: made,
              values: found.prediction.inputs,
              place: { seq, ...(row === undefined ? {} : { row }), id: found.prediction.id },
            })
          }
        }
        if (from && rows.length > 0) yield { view: from.view, model, compiled: from.compiled, rows }
      }
    },
    left: () => left,
  }
}

/** What the inputs were served from: the snapshot's view at its clocks, or the view that the model version names. */
async function offlineOf(
  { snapshots, models, asOf }: SkewParts,
  model: string,
  snapshotId: number | undefined,
  asked: string | undefined,
): Promise<{ view: string; compiled: CompiledView; at?: Micros; asOf?: number } | undefined> {
  if (snapshotId !== undefined && asked === undefined) {
    const snapshot = await snapshots.get(snapshotId)
    const contracts = new Map(snapshot.inputs.map(({ stream, contract }) => [stream, contract]))
    const { compiled } = await asOf.view(snapshot.view, contracts)
    return { view: snapshot.view, compiled, at: parseTime(snapshot.at)!, asOf: snapshot.asOf }
  }
  const name = asked ?? (await models.get(model)).view
  if (name === undefined) return undefined
  const { version, compiled } = await asOf.view(name)
  return { view: `${version.name}@v${version.version}`, compiled }
}

function position({ ledger }: SkewParts, asOf: number | undefined): number {
  if (asOf !== undefined && asOf > ledger.size)
    throw new Fault('invalid', `position ${asOf} is in the future: the log ends at ${ledger.size}`)
  return asOf ?? ledger.size
}
