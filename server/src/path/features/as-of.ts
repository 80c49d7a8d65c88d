// A view's features at many instants, each with its own two clocks, computed from the events as they are known now; and
// all events behind a value, also those that were not known in time. Nothing is written.
import type { FeatureValue } from '@whence/sdk'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Micros } from '../../record/time.ts'
import type { Session } from '../../store/columns.ts'
import { identifier } from '../../store/columns.ts'
import type { ContractBook } from '../events/contract-book.ts'
import { readEvent } from '../events/event.ts'
import type { ReadEvent } from '../events/event.ts'
import type { CompiledView } from './compile.ts'
import type { DerivedFiles } from './derived-files.ts'
import { rowFor } from './event-source.ts'
import { subjectLiteral } from './events.ts'
import { outward } from './outward.ts'
import { loadSpine, recomputeAll } from './recompute.ts'
import type { Ask, OpenedEvent } from './recompute.ts'
import type { Value } from './rows.ts'
import { SEMANTICS } from './view.ts'
import type { ViewBook, ViewVersion } from './view-book.ts'

export interface OfflineRow {
  /** Whether the view's main stream knew the subject by then; else the values are those of no events. */
  present: boolean
  values: Record<string, FeatureValue>
}

/** An event that is about the subject and may count, whenever it became known. */
export interface KnownEvent {
  read: ReadEvent
  row: OpenedEvent
  stream: string
  /** The features that count it, by window and filter. Of one that happened after the instant: those of its stream. */
  features: ReadonlySet<string>
  /** It happened after the instant. */
  future: boolean
}

/** A set of events, in place of those that the clocks choose. */
export interface Trial {
  subject: string
  at: Micros
  events: readonly KnownEvent[]
}

/** How far beyond an instant events are looked at: a clock that runs ahead by more is another matter. */
const FUTURE: Micros = 86_400_000_000
const MOST_FUTURE = 20
/** Asks computed in one query. */
const AT_ONCE = 20_000

export class AsOf {
  readonly #ledger: Ledger
  readonly #contracts: ContractBook
  readonly #views: ViewBook
  readonly #derived: DerivedFiles

  constructor(parts: { ledger: Ledger; contracts: ContractBook; views: ViewBook; derived: DerivedFiles }) {
    this.#ledger = parts.ledger
    this.#contracts = parts.contracts
    this.#views = parts.views
    this.#derived = parts.derived
  }

  /** What computes, as snapshots record it. */
  get engine(): { duckdb: string; semantics: number } {
    return { duckdb: this.#derived.place.columns.version, semantics: SEMANTICS }
  }

  /** A view by name or `name@vN`, under the contracts named, else under those in force. */
  async view(
    name: string,
    contracts?: ReadonlyMap<string, string>,
  ): Promise<{ version: ViewVersion; compiled: CompiledView }> {
    const version = await this.#views.get(name)
    return { version, compiled: await this.#views.compiled(version, contracts) }
  }

  /** The features for each ask, in their order. */
  async values(compiled: CompiledView, asks: readonly Ask[]): Promise<OfflineRow[]> {
    const rows: OfflineRow[] = []
    for (let at = 0; at < asks.length; at += AT_ONCE)
      rows.push(...(await this.#values(compiled, asks.slice(at, at + AT_ONCE))))
    return rows
  }

  async #values(compiled: CompiledView, asks: readonly Ask[]): Promise<OfflineRow[]> {
    const columns = compiled.features.map(({ column }) => column)
    return this.#session(compiled, asks, async (session, relations) => {
      const named = compiled.features.map(({ name }, i) => `${identifier(name)} AS v${i}`)
      const found = await session.rows<Record<string, Value>>(
        `SELECT "row", present, ${named.join(', ')} FROM (${compiled.spine(relations, 'spine')}) ORDER BY "row"`,
      )
      return found.map((row) => ({
        present: row['present'] === true,
        values: outward(columns, Object.fromEntries(compiled.features.map(({ name }, i) => [name, row[`v${i}`]!]))),
      }))
    })
  }

  /**
   * For each ask the events of its subject that its features count when the clock of knowing is left out of account, and
   * some that happened shortly after. Each was opened on the ledger; one that does not open is left out and counted.
   */
  async behind(compiled: CompiledView, asks: readonly Ask[]): Promise<{ events: KnownEvent[]; unreadable: number }[]> {
    const open = asks.map((ask) => ({ ...ask, asOf: this.#ledger.size }))
    const found = asks.map((): { stream: string; seq: number; features: Set<string>; future: boolean }[] => [])
    await this.#session(compiled, open, async (session, relations) => {
      for (const { stream } of compiled.sources) {
        const own = compiled.features.filter((feature) => feature.source === stream)
        if (own.length === 0) continue
        // Whoever happened by the instant is taken as known by then.
        const early = `(SELECT * REPLACE (least(known, time) AS known) FROM ${relations(stream)})`
        const counted = await session.rows<{ row: bigint; seq: bigint } & Record<string, unknown>>(
          compiled.spineContributors(stream, early, 'spine'),
        )
        for (const one of counted) {
          const features = own.filter(({ name }) => one[`in:${name}`] === true).map(({ name }) => name)
          found[Number(one.row)]!.push({ stream, seq: Number(one.seq), features: new Set(features), future: false })
        }
        const later = await session.rows<{ row: bigint; seq: bigint }>(
          `SELECT "row", seq FROM (
             SELECT s."row", e.seq, row_number() OVER (PARTITION BY s."row" ORDER BY e.time, e.seq) AS place
             FROM spine s JOIN ${relations(stream)} e ON e.subject = s.subject
             WHERE e.time > s."at" AND e.time <= s."at" + to_microseconds(${FUTURE})
           ) WHERE place <= ${MOST_FUTURE} ORDER BY "row", seq`,
        )
        const all = new Set(own.map(({ name }) => name))
        for (const { row, seq } of later)
          found[Number(row)]!.push({ stream, seq: Number(seq), features: all, future: true })
      }
    })
    return found.map((each, i) => {
      const events: KnownEvent[] = []
      for (const { seq, ...more } of each) {
        const read = this.#read(seq, asks[i]!.subject)
        if (!read) continue
        const shape = compiled.sources.find(({ stream }) => stream === more.stream)!
        events.push({ ...more, read, row: rowFor(read, shape) })
      }
      return { events, unreadable: each.length - events.length }
    })
  }

  #read(seq: number, subject: string): ReadEvent | undefined {
    try {
      const read = readEvent(this.#ledger, this.#contracts, seq)
      return read === 'erased' || read.subject !== subject ? undefined : read
    } catch {
      return undefined
    }
  }

  /** What the features would be of these events, all of them taken as known, and none as later than the instant. */
  async tried(compiled: CompiledView, trials: readonly Trial[]): Promise<Record<string, FeatureValue>[]> {
    const columns = compiled.features.map(({ column }) => column)
    const asks = trials.map(({ subject, at, events }) => ({
      subject,
      at,
      asOf: Number.MAX_SAFE_INTEGER,
      events: Object.fromEntries(
        compiled.sources.map(({ stream }) => [
          stream,
          events
            .filter((event) => event.stream === stream)
            .map(({ row }) => ({ ...row, time: Math.min(row.time, at), known: Math.min(row.known, row.time, at) })),
        ]),
      ),
    }))
    const values = await recomputeAll(this.#derived.place.columns, compiled, asks)
    return values.map((each) => outward(columns, each))
  }

  async #session<T>(
    compiled: CompiledView,
    asks: readonly Ask[],
    work: (session: Session, relations: (stream: string) => string) => Promise<T>,
  ): Promise<T> {
    const asOf = asks.reduce((most, ask) => Math.max(most, ask.asOf), 0)
    await this.#derived.extend(compiled, this.#derived.position(asOf))
    const { columns, events } = this.#derived.place
    const [low, high] = asks.reduce(
      ([least, most], { subject }) => [subject < least ? subject : least, subject > most ? subject : most],
      [asks[0]?.subject ?? '', asks[0]?.subject ?? ''],
    )
    return events.use(compiled.sources, asOf, (relations) =>
      columns.session(async (session) => {
        await loadSpine(session, asks)
        // Files lie in the order of subjects: outside of these bounds nothing is read.
        const bounded = (stream: string): string =>
          low === ''
            ? relations(stream)
            : `(SELECT * FROM ${relations(stream)} WHERE subject >= ${subjectLiteral(low)} AND subject <= ${subjectLiteral(high)})`
        return work(session, bounded)
      }),
    )
  }
}
