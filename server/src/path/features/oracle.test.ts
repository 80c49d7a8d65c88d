// The same features computed by a loop over the events: every frame must agree with it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileView } from './compile.ts'
import type { StreamShape } from './events.ts'
import { materialize, rows } from './materialize.ts'
import { contributors, contributorsOfAll, recompute, recomputeAll } from './recompute.ts'
import type { Ask } from './recompute.ts'
import type { Value } from './rows.ts'
import { rowsOf } from './rows.ts'
import { Spine } from './spine.ts'
import { columnsOf, memorySource, subject, testFolder } from './testing.ts'
import type { StreamEvent } from './testing.ts'
import { writeTrainingSet } from './training-set.ts'
import { parseView } from './view.ts'

const base = await testFolder()

const hour = 3_600_000_000
const start = Date.UTC(2026, 2, 1) * 1000

const shapes: StreamShape[] = [
  {
    stream: 'clicks',
    contract: 'clicks@1.0.0',
    columns: [
      { name: 'kind', type: 'VARCHAR' },
      { name: 'n', type: 'BIGINT' },
      { name: 'Amount', type: 'DECIMAL(18,2)' },
      { name: 'share', type: 'DOUBLE' },
      { name: 'paid', type: 'BOOLEAN' },
      { name: 'subject', type: 'VARCHAR' },
      { name: 'day', type: 'DATE' },
      { name: 'since', type: 'TIMESTAMP' },
    ],
  },
  { stream: 'profile', contract: 'profile@2.1.0', columns: [{ name: 'tier', type: 'VARCHAR' }] },
]

interface Click {
  seq: number
  time: number
  kind: string | null
  n: number | null
  cents: bigint | null
  share: number | null
  paid: boolean | null
  text: string | null
}
interface Profile {
  seq: number
  time: number
  tier: string | null
}

interface Case {
  yaml: string
  stream: 'clicks' | 'profile'
  window?: number
  counts: (event: never, at: number) => boolean
  /** A column whose NULL every aggregate of it skips. */
  skips?: keyof Click | keyof Profile
  value: (events: never[], at: number) => Value
}

const clicks = (
  yaml: string,
  value: (events: Click[], at: number) => Value,
  counts: (event: Click, at: number) => boolean = () => true,
): Case => ({ yaml, stream: 'clicks', value, counts, ...windowOf(yaml) })
const profiles = (yaml: string, value: (events: Profile[], at: number) => Value): Case => ({
  yaml,
  stream: 'profile',
  value,
  counts: () => true,
  ...windowOf(yaml),
})
const skipping = (column: keyof Click | keyof Profile, one: Case): Case => ({ ...one, skips: column })
function windowOf(yaml: string): { window?: number } {
  const hours = /window: (\d+)h/.exec(yaml)?.[1]
  return hours === undefined ? {} : { window: Number(hours) * hour }
}

const some = <T>(values: (T | null)[]): T[] => values.filter((value) => value !== null)
const least = <T extends string | number | bigint>(values: T[]): T | null =>
  values.length === 0 ? null : values.reduce((a, b) => (b < a ? b : a))
const most = <T extends string | number | bigint>(values: T[]): T | null =>
  values.length === 0 ? null : values.reduce((a, b) => (b > a ? b : a))
const decimal = (cents: bigint): string => {
  const digits = String(cents < 0n ? -cents : cents).padStart(3, '0')
  return `${cents < 0n ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}`
}
const count = (events: unknown[]): bigint => BigInt(events.length)
const byTime = <T extends { time: number; seq: number }>(events: T[]): T[] =>
  events.toSorted((a, b) => a.time - b.time || a.seq - b.seq)

const cases: Case[] = [
  clicks('type: int64, expr: count(*)', count),
  clicks('type: int64, window: 6h, expr: count(*)', count),
  clicks('type: int64, window: 1h, expr: count(*)', count),
  clicks(
    `type: int64, window: 6h, expr: "count(*) filter (where kind = 'a')"`,
    (events) => count(events.filter(({ kind }) => kind === 'a')),
    ({ kind }) => kind === 'a',
  ),
  skipping(
    'n',
    clicks(
      `type: int64, window: 6h, filter: kind <> 'a', expr: count(n)`,
      (events) => count(some(events.map(({ n }) => n))),
      ({ kind }) => kind !== null && kind !== 'a',
    ),
  ),
  skipping(
    'kind',
    clicks('type: int64, expr: count(distinct kind)', (events) =>
      count([...new Set(some(events.map(({ kind }) => kind)))]),
    ),
  ),
  skipping(
    'n',
    clicks('type: int64, window: 6h, expr: sum(n)', (events) => {
      const values = some(events.map(({ n }) => n))
      return values.length === 0 ? null : values.reduce((sum, n) => sum + BigInt(n), 0n)
    }),
  ),
  skipping(
    'cents',
    clicks('type: decimal, window: 48h, expr: "coalesce(sum(amount), 0)"', (events) =>
      decimal(some(events.map(({ cents }) => cents)).reduce((sum, n) => sum + n, 0n)),
    ),
  ),
  clicks('type: timestamp, expr: max(time)', (events) => most(events.map(({ time }) => time))),
  clicks('type: timestamp, window: 6h, expr: min(time)', (events) => least(events.map(({ time }) => time))),
  clicks(`type: double, expr: "date_diff('second', max(time), as_of) / 86400.0"`, (events, at) => {
    const last = most(events.map(({ time }) => time))
    return last === null ? null : (Math.floor(at / 1e6) - Math.floor(last / 1e6)) / 86400
  }),
  clicks(`type: double, window: 6h, expr: "count(*) filter (where paid) / nullif(count(*), 0)"`, (events) =>
    events.length === 0 ? null : events.filter(({ paid }) => paid).length / events.length,
  ),
  skipping(
    'n',
    clicks('type: double, expr: avg(n)', (events) => {
      const values = some(events.map(({ n }) => n))
      return values.length === 0 ? null : values.reduce((sum, n) => sum + n, 0) / values.length
    }),
  ),
  skipping(
    'share',
    clicks('type: double, window: 6h, expr: min(share)', (events) => least(some(events.map(({ share }) => share)))),
  ),
  skipping(
    'paid',
    clicks('type: boolean, window: 6h, expr: bool_or(paid)', (events) => {
      const values = some(events.map(({ paid }) => paid))
      return values.length === 0 ? null : values.some(Boolean)
    }),
  ),
  skipping(
    'kind',
    clicks(
      'type: string, expr: "arg_max(kind, time)"',
      (events) => byTime(events).findLast(({ kind }) => kind !== null)?.kind ?? null,
    ),
  ),
  skipping(
    'kind',
    clicks(
      'type: string, expr: "arg_min(kind, time)"',
      (events) => byTime(events).find(({ kind }) => kind !== null)?.kind ?? null,
    ),
  ),
  clicks('type: string, expr: "last(kind order by n nulls first, time)"', (events) => {
    const ordered = events.toSorted(
      (a, b) => (a.n ?? -Infinity) - (b.n ?? -Infinity) || a.time - b.time || a.seq - b.seq,
    )
    return ordered.at(-1)?.kind ?? null
  }),
  skipping(
    'kind',
    clicks(`type: string, window: 6h, expr: "string_agg(kind, ',' order by time desc)"`, (events) => {
      const ordered = events.toSorted((a, b) => b.time - a.time || a.seq - b.seq)
      const kinds = some(ordered.map(({ kind }) => kind))
      return kinds.length === 0 ? null : kinds.join(',')
    }),
  ),
  skipping(
    'text',
    clicks('type: string, expr: max(field.subject)', (events) => most(some(events.map(({ text }) => text)))),
  ),
  clicks(
    'type: int64, expr: "count(*) filter (where time > as_of - interval 2 hour)"',
    (events, at) => count(events.filter(({ time }) => time > at - 2 * hour)),
    ({ time }, at) => time > at - 2 * hour,
  ),
  clicks(
    `type: int64, filter: "day = date '2026-03-01'", expr: count(since)`,
    count,
    ({ time }) => time >= start && time < start + 24 * hour,
  ),
  profiles('type: int64, source: profile, window: 6h, expr: count(*)', count),
  skipping(
    'tier',
    profiles(
      'type: string, source: profile, expr: "arg_max(tier, time)"',
      (events) => byTime(events).findLast(({ tier }) => tier !== null)?.tier ?? null,
    ),
  ),
  profiles(
    'type: boolean, source: profile, expr: "coalesce(max(time) > as_of - interval 3 hour, false)"',
    (events, at) => (most(events.map(({ time }) => time)) ?? -Infinity) > at - 3 * hour,
  ),
]

const view = parseView(
  [
    'kind: FeatureView\nname: everything\nentity: person\nsource: clicks\nttl: 1d\nfeatures:',
    ...cases.map(({ yaml }, index) => `  - { name: f${index}, ${yaml} }`),
  ].join('\n'),
  'everything.yaml',
)
const compiled = await compileView(base.columns, view, shapes)
const views = [{ name: 'everything', version: 1, compiled }]

// Times lie on a grid of half hours, so that events often stand exactly on a window's edge, or a microsecond beside it.
const time = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom(-1, 0, 0, 0, 1))
  .map(([half, off]) => start + half * (hour / 2) + off)
const late = fc.constantFrom(0, 0, 1, hour, 9 * hour, -hour)
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 4 })

const history = fc.array(
  fc.record({
    who: fc.integer({ min: 0, max: 4 }),
    stream: fc.constantFrom('clicks', 'clicks', 'clicks', 'profile'),
    time,
    late,
    gap: fc.constantFrom(1, 1, 1, 4),
    kind: maybe(fc.constantFrom('a', 'b', 'ü,', '')),
    n: maybe(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constant(2 ** 40))),
    cents: maybe(fc.bigInt({ min: -500n, max: 10n ** 15n })),
    share: maybe(fc.constantFrom(0, -0, 0.1, -1.5, 3)),
    paid: maybe(fc.boolean()),
  }),
  { maxLength: 40 },
)

interface Fact extends StreamEvent {
  click: Click
  profile: Profile
}

function factsOf(drawn: typeof history extends fc.Arbitrary<infer T> ? T : never): Fact[] {
  let seq = 0
  return drawn.map((one) => {
    seq += one.gap
    const text = one.kind === null ? null : `re: ${one.kind}`
    const { time, kind, n, cents, share, paid } = one
    const day = new Date(Math.floor(time / 1000)).toISOString().slice(0, 10)
    const values = [kind, n, cents === null ? null : decimal(cents), share, paid, text, day, time]
    return {
      stream: one.stream,
      seq,
      subject: subject(one.who),
      time,
      known: time + one.late,
      values: one.stream === 'clicks' ? values : [kind],
      // -0 is stored as 0.
      click: { seq, time, kind, n, cents, share: share === null ? null : share + 0, paid, text },
      profile: { seq, time, tier: kind },
    }
  })
}

function known(facts: Fact[], { subject, at, asOf }: Ask): Fact[] {
  return facts.filter((fact) => fact.subject === subject && fact.seq < asOf && fact.time <= at && fact.known <= at)
}

function expected(facts: Fact[], ask: Ask): { values: Record<string, Value>; counted: Record<string, number[]> } {
  const values: Record<string, Value> = {}
  const counted: Record<string, number[]> = {}
  cases.forEach(({ stream, window, counts, skips, value }, index) => {
    const inWindow = known(facts, ask).filter(
      (fact) => fact.stream === stream && (window === undefined || fact.time > ask.at - window),
    )
    const events = byTime(inWindow.map((fact) => (stream === 'clicks' ? fact.click : fact.profile))) as never[]
    const own = events.filter((event) => counts(event, ask.at))
    const filtered = view.features[index]!.filter === undefined ? events : own
    values[`f${index}`] = value(filtered, ask.at)
    counted[`f${index}`] = own.filter((event) => skips === undefined || event[skips] !== null).map(({ seq }) => seq)
  })
  return { values, counted }
}

test('snapshot, spine and recomputation agree with a loop over the events', async () => {
  await fc.assert(
    fc.asyncProperty(
      history,
      fc.array(fc.tuple(time, fc.integer({ min: 0, max: 90 })), { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 3 }),
      async (drawn, clocks, cuts) => {
        const facts = factsOf(drawn)
        const head = (facts.at(-1)?.seq ?? 0) + 1
        const positions = [...cuts.filter((cut) => cut < head).toSorted((a, b) => a - b), Math.max(head, 91)]
        const place = await columnsOf(base, shapes, memorySource(facts), positions, { cut: 15 })
        const people = [0, 1, 2, 3, 4].map(subject)

        for (const [at, asOf] of clocks) {
          const made = await materialize(place, compiled, { at, asOf, name: `${at}-${asOf}` })
          const written = await rows(place, made, { limit: 100 })
          const present = people.filter((who) =>
            known(facts, { subject: who, at, asOf }).some(({ stream }) => stream === 'clicks'),
          )
          assert.deepEqual(
            written.map((row) => row.subject),
            present.toSorted(),
          )
          for (const row of written)
            assert.deepEqual(row.values, expected(facts, { subject: row.subject, at, asOf }).values)
        }

        const spine = clocks.flatMap(([at, asOf]) => people.map((who) => ({ subject: who, at, asOf, label: true })))
        const set = await writeTrainingSet(place, views, {
          name: 'set',
          asOf: 91,
          spine: Spine.of(spine, 91),
        })
        const training = await rowsOf(place, set.columns, set.files[0]!.path, { limit: 100 })
        const order = spine.toSorted(
          (a, b) => a.at - b.at || (a.subject < b.subject ? -1 : a.subject > b.subject ? 1 : 0),
        )
        assert.equal(training.length, order.length)
        training.forEach(({ subject, values: { at, label, as_of: _, present, ...values } }, index) => {
          const ask = order[index]!
          assert.deepEqual([subject, at, label], [ask.subject, ask.at, true])
          assert.equal(
            present,
            known(facts, ask).some(({ stream }) => stream === 'clicks'),
          )
          assert.deepEqual(values, expected(facts, ask).values)
        })

        const many = await contributorsOfAll(place, compiled, spine)
        const opened = many.map(({ streams }) =>
          Object.fromEntries(
            Object.entries(streams).map(([stream, seqs]) => [
              stream,
              seqs.map((seq) => facts.find((fact) => fact.seq === seq)!),
            ]),
          ),
        )
        many.forEach(({ features }, index) => assert.deepEqual(features, expected(facts, spine[index]!).counted))
        const again = await recomputeAll(
          place.columns,
          compiled,
          spine.map((ask, index) => ({ ...ask, events: opened[index]! })),
        )
        again.forEach((values, index) => assert.deepEqual(values, expected(facts, spine[index]!).values))

        const [one] = spine
        assert.deepEqual((await contributors(place, compiled, one!)).features, many[0]!.features)
        assert.deepEqual(await recompute(place.columns, compiled, one!, opened[0]!), again[0])
      },
    ),
    { numRuns: 15 },
  )
})
