// What lies behind a value that was served and does not recompute: the fewest events without which, with which, or twice
// counted, it comes out.
import type { Behind, EventBehind, FeatureValue } from '@whence/sdk'
import type { Micros } from '../../record/time.ts'
import { formatTime } from '../../record/time.ts'
import type { AsOf, KnownEvent, Trial } from './as-of.ts'
import type { CompiledView } from './compile.ts'

/** A row whose served values differ from the recomputed ones. */
export interface Differing {
  subject: string
  at: Micros
  /** Events before this position count. */
  asOf: number
  /** When the values were served: what became known later is late. */
  servedAt: Micros
  /** The served values of the features that differ. */
  served: Readonly<Record<string, FeatureValue>>
}

export interface Explained {
  /** By feature; absent where no choice of events gives the served value. */
  behind: Record<string, Behind>
  /** The values of the events that count, computed once more from the ledger. */
  again: Record<string, FeatureValue>
  /** Events behind the row that cannot be opened any more. */
  unreadable: number
}

export type Same = (feature: string, a: FeatureValue, b: FeatureValue) => boolean

/** An event that became known by so much later than it happened is late. */
export const LATE_AFTER: Micros = 3_600_000_000

/** Single events that are tried at most, and steps of a series. */
const TRIED = 64
/** Up to so many events every pair is tried. */
const PAIRED = 10
const SHOWN = 20
const AT_ONCE = 40

/** Tries for each row which events the one who served it had, or had not. */
export async function whatLiesBehind(
  asOf: AsOf,
  compiled: CompiledView,
  rows: readonly Differing[],
  same: Same,
): Promise<Explained[]> {
  const explained: Explained[] = []
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const some = rows.slice(from, from + AT_ONCE)
    const found = await asOf.behind(compiled, some)
    const choices = some.map((row, i) => choicesOf(row, found[i]!.events))
    const trials = choices.flatMap((each, i): Trial[] =>
      each.map(({ events }) => ({ subject: some[i]!.subject, at: some[i]!.at, events })),
    )
    const values = await asOf.tried(compiled, trials)
    let next = 0
    for (const [i, row] of some.entries()) {
      const tried = choices[i]!.map((choice) => ({ ...choice, values: values[next++]! }))
      explained.push({
        again: tried[0]!.values,
        unreadable: found[i]!.unreadable,
        behind: Object.fromEntries(
          Object.entries(row.served).flatMap(([feature, served]) => {
            const one = chosen(feature, served, tried, row, found[i]!.events, same)
            return one ? [[feature, one]] : []
          }),
        ),
      })
    }
  }
  return explained
}

interface Choice {
  how: Behind['how']
  /** The events that are there. */
  events: readonly KnownEvent[]
  /** Those by which they differ from the ones that count. */
  changed: readonly KnownEvent[]
}

/** Whether an event counts by both clocks. */
function counts({ at, asOf }: Differing, { read, future }: KnownEvent): boolean {
  return !future && read.known <= at && read.seq < asOf
}

/** What is tried; the first are the events that count, unchanged. */
function choicesOf(row: Differing, all: readonly KnownEvent[]): Choice[] {
  // Only what bears on a feature that differs is worth a trial; the others stay as they are.
  const bears = ({ features }: KnownEvent): boolean => Object.keys(row.served).some((name) => features.has(name))
  const base = all.filter((event) => counts(row, event))
  const known = base.filter(bears).toSorted((a, b) => b.read.seq - a.read.seq)
  const unknown = all
    .filter((event) => !event.future && !counts(row, event) && bears(event))
    .toSorted((a, b) => a.read.seq - b.read.seq)
  const future = all.filter((event) => event.future && bears(event))
  const late = known.filter((event) => isLate(row, event, all))
  // The latest to become known first: those the one who served is likeliest to have lacked.
  const byLateness = known.toSorted((a, b) => b.read.known - b.read.time - (a.read.known - a.read.time))

  const choices: Choice[] = [{ how: 'without', events: base, changed: [] }]
  const without = (gone: readonly KnownEvent[]): void => {
    if (gone.length > 0)
      choices.push({ how: 'without', events: base.filter((event) => !gone.includes(event)), changed: gone })
  }
  const also = (how: Choice['how'], more: readonly KnownEvent[]): void => {
    if (more.length > 0) choices.push({ how, events: [...base, ...more], changed: more })
  }
  // Each trial loads its events anew: of a row with thousands of events fewer are tried.
  const most = Math.max(4, Math.min(TRIED, Math.floor(25_000 / (base.length + 1))))
  const singles = [...new Set([...late, ...known])].slice(0, most)
  for (const event of singles) without([event])
  for (const event of unknown.slice(0, most)) also('with', [event])
  for (const event of future) also('future', [event])
  for (const event of singles) also('twice', [event])
  if (known.length <= PAIRED) for (const [i, a] of known.entries()) for (const b of known.slice(i + 1)) without([a, b])
  for (const series of [known, byLateness])
    for (let n = 2; n <= Math.min(series.length, most); n++) without(series.slice(0, n))
  without(late)
  without(known)
  for (let n = 2; n <= Math.min(unknown.length, most); n++) also('with', unknown.slice(0, n))
  also('with', unknown)
  also('future', future)
  also('twice', known)
  return choices
}

/** Of the choices that give the served value the one with the fewest events; among equals one of late events. */
function chosen(
  feature: string,
  served: FeatureValue,
  tried: readonly (Choice & { values: Record<string, FeatureValue> })[],
  row: Differing,
  all: readonly KnownEvent[],
  same: Same,
): Behind | undefined {
  const fitting = new Map<string, { how: Behind['how']; own: KnownEvent[]; late: boolean }>()
  for (const { how, changed, values } of tried.slice(1)) {
    const own = changed.filter(({ features }) => features.has(feature))
    if (own.length === 0 || !same(feature, served, values[feature] ?? null)) continue
    const key = `${how} ${own
      .map(({ read }) => read.seq)
      .sort((a, b) => a - b)
      .join(' ')}`
    if (!fitting.has(key)) fitting.set(key, { how, own, late: own.every((event) => isLate(row, event, all)) })
  }
  const ranked = [...fitting.values()].toSorted(
    (a, b) => a.own.length - b.own.length || Number(b.late) - Number(a.late) || order(a.how) - order(b.how),
  )
  const [best] = ranked
  if (!best) return undefined
  const events = best.own.map((event) => shown(row, event, all, best.how))
  return {
    how: best.how,
    events: events.slice(0, SHOWN),
    count: events.length,
    alternatives: ranked.filter(({ own }) => own.length === best.own.length).length - 1,
    sentence: sentence(best.how, events),
  }
}

/** What there is speaks before what is only possible: an event counted twice leaves no trace. */
const order = (how: Behind['how']): number => ['without', 'with', 'future', 'twice'].indexOf(how)

function isLate(row: Differing, event: KnownEvent, all: readonly KnownEvent[]): boolean {
  return lateness(row, event, all).length > 0
}

/** What makes an event late, in words. */
function lateness({ asOf, servedAt }: Differing, { read, stream }: KnownEvent, all: readonly KnownEvent[]): string[] {
  const marks: string[] = []
  if (read.seq >= asOf) marks.push('recorded after the position')
  if (read.known > servedAt) marks.push('known after the value was served')
  else if (read.known - read.time > LATE_AFTER) marks.push(`known ${span(read.known - read.time)} after it happened`)
  const overtaken = all.some(
    (other) => other.stream === stream && other.read.seq < read.seq && other.read.time > read.time,
  )
  if (overtaken) marks.push('out of order: recorded after an event that happened later')
  return marks
}

function shown(row: Differing, event: KnownEvent, all: readonly KnownEvent[], how: Behind['how']): EventBehind {
  const { read, stream, future } = event
  const marks = lateness(row, event, all)
  const late = marks.length > 0
  if (future) marks.push('happened after the instant')
  if (how === 'twice') marks.push('counted twice')
  return {
    seq: read.seq,
    id: read.id,
    stream,
    time: formatTime(read.time),
    known: formatTime(read.known),
    recorded: read.entry.recorded,
    late,
    marks,
  }
}

function sentence(how: Behind['how'], events: readonly EventBehind[]): string {
  const named = events.slice(0, 3).map(({ seq, stream }) => `record ${seq} of ${stream}`)
  const rest = events.length - named.length
  const list = `${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  switch (how) {
    case 'without':
      return `it is the value without ${list}`
    case 'with':
      return `it is the value with ${list}, which had not been known`
    case 'twice':
      return `it is the value with ${list} counted twice`
    case 'future':
      return `it is the value with ${list}, which happened later`
  }
}

/** `2 h`, `3 d`. */
function span(micros: Micros): string {
  const units: [string, number][] = [
    ['d', 86_400_000_000],
    ['h', 3_600_000_000],
    ['min', 60_000_000],
  ]
  const [unit, size] = units.find(([, each]) => micros >= each) ?? ['s', 1_000_000]
  return `${Math.floor(micros / size)} ${unit}`
}
