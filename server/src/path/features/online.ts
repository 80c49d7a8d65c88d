// Features of single people, online: computed from the ledger at the moment of the question, so that an event counts as
// soon as it is acknowledged, however late it came, and the answer for the same `at` and `asOf` is the offline one.
import type { Online as OnlineAnswer, OnlineEntity, OnlineFeatures, OnlineRequest } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { formatTime, SECOND } from '../../record/time.ts'
import type { Clock, Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import type { Columns } from '../../store/columns.ts'
import type { CompiledView } from './compile.ts'
import { NotEvaluable } from './evaluate/computed.ts'
import { Unsure } from './evaluate/datum.ts'
import { evaluatorOf, knownOf } from './evaluate/evaluator.ts'
import type { Evaluator, TypedEvent } from './evaluate/evaluator.ts'
import type { EventRow, StreamShape } from './events.ts'
import { outward, outwardValue } from './outward.ts'
import { recompute } from './recompute.ts'
import type { EventsOfSubject, SubjectEvents } from './subject-events.ts'
import type { ViewBook } from './view-book.ts'

interface ServedView {
  name: string
  compiled: CompiledView
  evaluator: Evaluator | NotEvaluable
}

interface Clocks {
  at: Micros
  asOf: number
}

/** Requests of others are served after so many milliseconds of computing. */
const TURN = 8

export class Online {
  readonly #ledger: Ledger
  readonly #views: ViewBook
  readonly #columns: Columns
  readonly #events: SubjectEvents
  readonly #clock: Clock
  /** Views by the names that they were asked by, until a view or a contract is recorded. */
  readonly #served = new Map<string, Promise<ServedView>>()
  #servedAt = ''

  constructor(parts: { ledger: Ledger; views: ViewBook; columns: Columns; events: SubjectEvents; clock: Clock }) {
    this.#ledger = parts.ledger
    this.#views = parts.views
    this.#columns = parts.columns
    this.#events = parts.events
    this.#clock = parts.clock
  }

  /**
   * The features of each entity from each view. Throws for a view that does not exist, or clocks that cannot be meant;
   * what is wrong with an entity is said in its place.
   */
  async read(request: OnlineRequest): Promise<OnlineAnswer> {
    const entities = request.entities ?? []
    const subjects = request.subjects ?? []
    if (entities.length + subjects.length === 0)
      throw new Fault('invalid', 'nobody is asked for: name "entities" (identifiers) or "subjects" (their ids)')
    const clocks = this.#clocks(request)
    const views = await Promise.all(request.views.map((name) => this.#view(name)))
    const types = new Set(views.map(({ compiled }) => compiled.view.entity))
    const type = request.subjectType ?? [...types][0]!
    if (request.subjectType === undefined && entities.length > 0 && types.size > 1)
      throw new Fault(
        'invalid',
        `the views are about ${[...types].join(' and ')}: say "subjectType" of the identifiers`,
      )

    const shapes = new Map(
      views.flatMap(({ compiled }) => compiled.sources.map((shape) => [`${shape.stream} ${shape.contract}`, shape])),
    )
    const answered: OnlineEntity[] = []
    let turn = performance.now()
    const asked = [...entities.map((entity) => ({ entity })), ...subjects.map((subject) => ({ subject }))]
    for (const one of asked) {
      answered.push(await this.#entity(one, type, { views, shapes: [...shapes.values()] }, clocks))
      if (performance.now() - turn < TURN) continue
      await new Promise((resolve) => setImmediate(resolve))
      turn = performance.now()
    }
    return {
      at: formatTime(clocks.at),
      asOf: clocks.asOf,
      views: views.map(({ name, compiled, evaluator }) => ({
        view: name,
        ...(compiled.view.ttl === undefined ? {} : { ttl: compiled.view.ttl / SECOND }),
        features: compiled.features.map(({ name, type }) => ({ name, type })),
        computed: evaluator instanceof NotEvaluable ? `DuckDB, because of ${evaluator.message}` : 'second engine',
      })),
      entities: answered.map((one) => this.#unlessGone(one)),
    }
  }

  /** A long answer takes several turns: whoever is being erased since is not in it. Nothing is waited for after this. */
  #unlessGone(one: OnlineEntity): OnlineEntity {
    // An id that was never there is as gone as one that was erased.
    if (one.state !== 'known' || one.subject === undefined || !this.#ledger.subjects.isGone(one.subject)) return one
    return {
      ...(one.entity === undefined ? { subject: one.subject } : { entity: one.entity }),
      state: 'erased',
      views: [],
    }
  }

  #clocks(request: OnlineRequest): Clocks {
    const head = this.#ledger.size
    if (request.asOf !== undefined && request.asOf > head)
      throw new Fault('invalid', `position ${request.asOf} is in the future: the log ends at ${head}`)
    const asOf = request.asOf ?? head
    if (request.at === undefined) return { at: this.#now(), asOf }
    const at = parseTime(request.at)
    if (at === undefined) throw new Fault('invalid', `"${request.at}" is no time`)
    return { at, asOf }
  }

  /** The clock may lie a little behind the last record, which has been acknowledged all the same. */
  #now(): Micros {
    const { size } = this.#ledger
    const now = this.#clock.now()
    return size === 0 ? now : Math.max(now, parseTime(this.#ledger.entry(size - 1).recorded)!)
  }

  async #entity(
    one: { entity: string } | { subject: string },
    type: string,
    { views, shapes }: { views: readonly ServedView[]; shapes: readonly StreamShape[] },
    clocks: Clocks,
  ): Promise<OnlineEntity> {
    const named = 'entity' in one ? { entity: one.entity } : { subject: one.subject }
    const found =
      'entity' in one ? this.#ledger.subjects.find(type, one.entity) : this.#ledger.subjects.byId(one.subject)
    // An id that is erased is an id that was never there: nothing is left that could tell.
    if (found === undefined) return { ...named, state: 'unknown', views: [] }
    if (found === 'erased' || this.#ledger.subjects.isGone(found.id)) return { ...named, state: 'erased', views: [] }
    const answered: OnlineFeatures[] = []
    // What cannot be read is told of where it is needed.
    for (const shape of shapes) await this.#events.prepare(found.id, shape).catch(() => {})
    const seen = new Map<string, SeenEvents>()
    for (const view of views) {
      const one = this.#features(view, found.id, clocks, seen)
      answered.push(one instanceof Promise ? await one : one)
    }
    // DuckDB was waited for: an erasure may have come meanwhile.
    if (this.#ledger.subjects.isGone(found.id)) return { ...named, state: 'erased', views: [] }
    return { ...named, subject: found.id, state: 'known', views: answered }
  }

  /** Computes without waiting, unless DuckDB must be asked. `seen` keeps what other views have read of the person. */
  #features(
    { compiled, evaluator, name }: ServedView,
    subject: string,
    clocks: Clocks,
    seen: Map<string, SeenEvents>,
  ): OnlineFeatures | Promise<OnlineFeatures> {
    let about: OnlineFeatures = { view: name, present: false, values: {} }
    const failed = (error: unknown): OnlineFeatures => {
      if (!isFault(error)) throw error
      return { ...about, problem: error.message }
    }
    try {
      const events = compiled.sources.map((shape) => {
        const key = `${shape.stream} ${shape.contract}`
        let found = seen.get(key)
        if (!found) {
          found = seenOf(this.#events.of(subject, shape), clocks)
          seen.set(key, found)
        }
        return { stream: shape.stream, ...found }
      })
      about = freshness(name, compiled, events, clocks)
      const left = events.find(({ typed }) => typed instanceof Unsure)
      if (!(evaluator instanceof NotEvaluable) && !left) {
        const known = (stream: string): readonly TypedEvent[] =>
          events.find((each) => each.stream === stream)!.typed as TypedEvent[]
        try {
          const values = evaluator.values(known, clocks.at)
          for (const [i, { column }] of compiled.features.entries())
            about.values[column.name] = outwardValue(column.type, values[i]!)
          return about
        } catch (error) {
          if (!(error instanceof Unsure)) throw error
        }
      }
      return this.#askDuckDb(compiled, subject, clocks, events).then((values) => ({ ...about, values }), failed)
    } catch (error) {
      return failed(error)
    }
  }

  async #askDuckDb(
    compiled: CompiledView,
    subject: string,
    clocks: Clocks,
    events: readonly (SeenEvents & { stream: string })[],
  ): Promise<OnlineFeatures['values']> {
    const rows = Object.fromEntries(events.map(({ stream, known }) => [stream, known]))
    const columns = compiled.features.map(({ column }) => column)
    return outward(columns, await recompute(this.#columns, compiled, { subject, ...clocks }, rows))
  }

  async #view(name: string): Promise<ServedView> {
    const servedAt = ['view', 'plan', 'contract'].map((kind) => this.#ledger.lastOf(kind)).join(' ')
    if (servedAt !== this.#servedAt || this.#served.size > 1000) {
      this.#served.clear()
      this.#servedAt = servedAt
    }
    let served = this.#served.get(name)
    if (!served) {
      served = this.#open(name)
      this.#served.set(name, served)
      const mine = served
      mine.catch(() => {
        if (this.#served.get(name) === mine) this.#served.delete(name)
      })
    }
    return served
  }

  async #open(name: string): Promise<ServedView> {
    const version = await this.#views.get(name)
    const compiled = await this.#views.compiled(version)
    const evaluator = await evaluatorOf(this.#columns, compiled)
    return { name: `${version.name}@v${version.version}`, compiled, evaluator }
  }
}

/** What is known of somebody's events in a stream, at two clocks. */
interface SeenEvents {
  known: readonly EventRow[]
  typed: readonly TypedEvent[] | Unsure
  newest: Micros
  seq: number
}

function seenOf({ rows, typed }: EventsOfSubject, { at, asOf }: Clocks): SeenEvents {
  const known = knownOf(rows, at, asOf)
  let newest = -Infinity
  for (const { time } of known) newest = Math.max(newest, time)
  return {
    known,
    typed: typed instanceof Unsure ? typed : knownOf(typed, at, asOf),
    newest,
    seq: known.at(-1)?.seq ?? -1,
  }
}

function freshness(
  view: string,
  { view: { source, ttl } }: CompiledView,
  events: readonly (SeenEvents & { stream: string })[],
  { at }: Clocks,
): OnlineFeatures {
  const present = events.some(({ stream, known }) => stream === source && known.length > 0)
  const newest = Math.max(...events.map((each) => each.newest))
  const about: OnlineFeatures = { view, present, values: {} }
  if (newest > -Infinity) {
    about.newest = formatTime(newest)
    about.seq = Math.max(...events.map(({ seq }) => seq))
    about.age = (at - newest) / SECOND
  }
  if (ttl !== undefined) about.stale = at - newest > ttl
  return about
}
