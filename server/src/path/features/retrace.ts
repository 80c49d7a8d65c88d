// From a value back to the events that made it: selected again, each opened and checked on the ledger, and the values
// computed from them by the engine that did not store them. What that engine does not hold, DuckDB computes again.
import type { FeatureValue } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { readEvent } from '../events/event.ts'
import type { ReadEvent } from '../events/event.ts'
import type { CompiledView } from './compile.ts'
import type { EventColumns } from './event-columns.ts'
import { NotEvaluable } from './evaluate/computed.ts'
import { Unsure } from './evaluate/datum.ts'
import { evaluatorOf, knownOf, typedEvent } from './evaluate/evaluator.ts'
import type { Evaluator, TypedEvent } from './evaluate/evaluator.ts'
import { rowFor } from './event-source.ts'
import type { StreamShape } from './events.ts'
import { outward } from './outward.ts'
import { contributors, contributorsOfAll, recomputeAll } from './recompute.ts'
import type { Ask, Contributors, OpenedEvents } from './recompute.ts'
import type { Place, Value } from './rows.ts'
import type { SubjectEvents } from './subject-events.ts'

export interface Retraced {
  values: Record<string, FeatureValue>
  /** Which engine computed them: DuckDB has stored them. */
  by: 'TypeScript' | 'DuckDB'
  /** For each feature the positions of the events that it counts. */
  contributors: Record<string, number[]>
  events: ReadEvent[]
  /** Events that do not open as they were recorded. */
  damaged: { seq: number; problem: string }[]
}

/** Events of many people that are opened beforehand. */
const OPENED = 20_000
/** Requests of others are served after so many milliseconds. */
const TURN = 8

export interface RetraceParts {
  ledger: Ledger
  contracts: ContractBook
  place: Place & { events: EventColumns }
  subjectEvents: SubjectEvents
}

/** Retraces each ask. The streams must have been extended to the positions asked for. */
export async function retrace(parts: RetraceParts, compiled: CompiledView, asks: readonly Ask[]): Promise<Retraced[]> {
  const evaluator = await evaluatorOf(parts.place.columns, compiled)
  const opened = asks.length > 1 ? await openInOrder(parts, compiled, asks) : undefined
  const found: (Retraced | undefined)[] = []
  for (const ask of asks) {
    // What cannot be read is told of where it is met.
    for (const shape of compiled.sources) await parts.subjectEvents.prepare(ask.subject, shape).catch(() => {})
    found.push(evaluator instanceof NotEvaluable ? undefined : byEvaluator(parts, compiled, evaluator, ask, opened))
  }
  const left = asks.filter((_, i) => !found[i])
  const others = left.length > 0 ? (await byDuckDb(parts, compiled, left, opened)).values() : undefined
  return found.map((one) => one ?? others!.next().value!)
}

/**
 * Opens the events of many people in the log's order: what lies together is read together, and each once. What does not
 * open is told of where it is met.
 */
async function openInOrder(
  { ledger, contracts }: RetraceParts,
  compiled: CompiledView,
  asks: readonly Ask[],
): Promise<Map<number, ReadEvent>> {
  const seqs = new Set<number>()
  for (const { subject } of asks) {
    if (seqs.size >= OPENED) break
    for (const { stream } of compiled.sources) for (const seq of ledger.recordsOf(subject, { stream })) seqs.add(seq)
  }
  const opened = new Map<number, ReadEvent>()
  let turn = performance.now()
  for (const seq of [...seqs].sort((a, b) => a - b).slice(0, OPENED)) {
    try {
      const event = readEvent(ledger, contracts, seq)
      if (event !== 'erased') opened.set(seq, event)
    } catch {
      continue
    }
    if (performance.now() - turn < TURN) continue
    await new Promise((resolve) => setImmediate(resolve))
    turn = performance.now()
  }
  return opened
}

/** An erasure may have come since they were opened. */
function stillThere(
  { ledger }: RetraceParts,
  subject: string,
  opened: Map<number, ReadEvent> | undefined,
): Map<number, ReadEvent> {
  return opened && !ledger.subjects.isGone(subject) ? opened : new Map<number, ReadEvent>()
}

/**
 * Selected from what the ledger holds of the subject, by the evaluator's own filters; undefined where DuckDB must be
 * asked, or where an event that may or may not count does not open: the column files know whether it does.
 */
function byEvaluator(
  parts: RetraceParts,
  compiled: CompiledView,
  evaluator: Evaluator,
  ask: Ask,
  opened: Map<number, ReadEvent> | undefined,
): Retraced | undefined {
  const { subject, at, asOf } = ask
  try {
    const all = new Map<string, readonly TypedEvent[]>()
    // Nothing waits between here and the values, so what selecting opens need not be opened a second time.
    const justOpened = stillThere(parts, subject, opened)
    for (const shape of compiled.sources) {
      const { typed } = parts.subjectEvents.of(subject, shape, justOpened)
      if (typed instanceof Unsure) return undefined
      all.set(shape.stream, knownOf(typed, at, asOf))
    }
    const fed = evaluator.contributors((stream) => all.get(stream)!, at)
    const selected: Contributors = { features: {}, streams: {} }
    for (const { stream } of compiled.sources) selected.streams[stream] = []
    for (const { feature, stream, seqs } of fed) {
      selected.features[feature] = seqs
      selected.streams[stream] = [...new Set([...selected.streams[stream]!, ...seqs])]
    }
    const { events, read, damaged } = openEvents(parts, compiled, subject, selected, justOpened)
    const rows = new Map(
      compiled.sources.map((shape) => {
        const typed = events[shape.stream]!.map((event) => typedEvent(event, shape))
        return [shape.stream, knownOf(typed, at, asOf).sort((a, b) => a.seq - b.seq)]
      }),
    )
    const values = evaluator.values((stream) => rows.get(stream)!, at)
    return {
      values: named(compiled, values),
      by: 'TypeScript',
      contributors: selected.features,
      events: read,
      damaged,
    }
  } catch (error) {
    if (error instanceof Unsure || isFault(error, 'altered')) return undefined
    throw error
  }
}

async function byDuckDb(
  parts: RetraceParts,
  compiled: CompiledView,
  asks: readonly Ask[],
  inOrder: Map<number, ReadEvent> | undefined,
): Promise<Retraced[]> {
  const [only] = asks
  const selected =
    asks.length === 1
      ? [await contributors(parts.place, compiled, only!)]
      : await contributorsOfAll(parts.place, compiled, asks)
  const opened = asks.map(({ subject }, i) =>
    openEvents(parts, compiled, subject, selected[i]!, stillThere(parts, subject, inOrder)),
  )
  const values = await recomputeAll(
    parts.place.columns,
    compiled,
    opened.map(({ events }, i) => ({ ...asks[i]!, events })),
  )
  const columns = compiled.features.map(({ column }) => column)
  return opened.map(({ read, damaged }, i) => ({
    values: outward(columns, values[i]!),
    by: 'DuckDB',
    contributors: selected[i]!.features,
    events: read,
    damaged,
  }))
}

function named(compiled: CompiledView, values: readonly Value[]): Record<string, FeatureValue> {
  const columns = compiled.features.map(({ column }) => column)
  return outward(columns, Object.fromEntries(columns.map(({ name }, i) => [name, values[i]!])))
}

/** Opens the selected events on the ledger, whatever memory holds of them; but not those that were opened just now. */
function openEvents(
  { ledger, contracts }: RetraceParts,
  compiled: CompiledView,
  subject: string,
  selected: Contributors,
  justOpened?: ReadonlyMap<number, ReadEvent>,
): { events: OpenedEvents; read: ReadEvent[]; damaged: Retraced['damaged'] } {
  const read: ReadEvent[] = []
  const damaged: Retraced['damaged'] = []
  const open = (shape: StreamShape, seq: number): OpenedEvents[string] => {
    try {
      const event = justOpened?.get(seq) ?? readEvent(ledger, contracts, seq)
      if (event === 'erased') return []
      if (event.subject !== subject) throw new Fault('altered', 'it is about another person')
      read.push(event)
      return [rowFor(event, shape)]
    } catch (error) {
      damaged.push({ seq, problem: Fault.from(error).message })
      return []
    }
  }
  const events = Object.fromEntries(
    compiled.sources.map((shape) => [
      shape.stream,
      (selected.streams[shape.stream] ?? []).flatMap((seq) => open(shape, seq)),
    ]),
  )
  return { events, read: read.sort((a, b) => a.time - b.time || a.seq - b.seq), damaged }
}
