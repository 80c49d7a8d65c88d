// Views drawn at random, over events drawn at random, against an evaluator that shares nothing with ours: what is
// stored, what is recomputed from the contributors alone, and what plain TypeScript reckons must be one; and the
// contributors must be exactly the events whose removal changes what an aggregate is fed.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileView } from './compile.ts'
import type { StreamShape } from './events.ts'
import { materialize, rows } from './materialize.ts'
import { contributors, contributorsOfAll, recomputeAll } from './recompute.ts'
import type { Ask } from './recompute.ts'
import type { Value } from './rows.ts'
import { columnsOf, memorySource, subject, testFolder } from './testing.ts'
import type { StreamEvent } from './testing.ts'
import { parseView } from './view.ts'

const base = await testFolder()
const hour = 3_600_000_000
const start = Date.UTC(2026, 2, 1) * 1000

const columns = [
  { name: 'kind', type: 'VARCHAR' },
  { name: 'n', type: 'BIGINT' },
  { name: 'm', type: 'BIGINT' },
  { name: 'paid', type: 'BOOLEAN' },
] as const
const shapes: StreamShape[] = [
  { stream: 'clicks', contract: 'clicks@1.0.0', columns },
  { stream: 'profile', contract: 'profile@1.0.0', columns },
]

interface Fact {
  seq: number
  time: number
  kind: string | null
  n: number | null
  m: number | null
  paid: boolean | null
}

/** SQL, and what it is for one event. */
interface Term<T> {
  sql: string
  of: (fact: Fact, at: number) => T | null
}

const both = (a: boolean | null, b: boolean | null): boolean | null =>
  a === false || b === false ? false : a === null || b === null ? null : true
const negated = (a: boolean | null): boolean | null => (a === null ? null : !a)
const when = <T, R>(value: T | null, then: (value: T) => R): R | null => (value === null ? null : then(value))

const simple: Term<boolean>[] = [
  { sql: "kind = 'a'", of: ({ kind }) => when(kind, (k) => k === 'a') },
  { sql: "kind IN ('a', 'b')", of: ({ kind }) => when(kind, (k) => k === 'a' || k === 'b') },
  { sql: 'n > 0', of: ({ n }) => when(n, (v) => v > 0) },
  {
    sql: 'n BETWEEN -1 AND m',
    of: ({ n, m }) =>
      both(
        when(n, (v) => v >= -1),
        n === null || m === null ? null : n <= m,
      ),
  },
  { sql: 'n IS NULL', of: ({ n }) => n === null },
  { sql: 'paid', of: ({ paid }) => paid },
  { sql: 'time > as_of - INTERVAL 2 HOUR', of: ({ time }, at) => time > at - 2 * hour },
]
const condition: fc.Arbitrary<Term<boolean>> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...simple) },
  { weight: 1, arbitrary: fc.constantFrom(...simple).map(not) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...simple), fc.constantFrom(...simple), fc.boolean()).map(([a, b, and]) => ({
      sql: `(${a.sql} ${and ? 'AND' : 'OR'} ${b.sql})`,
      of: (fact: Fact, at: number) =>
        and ? both(a.of(fact, at), b.of(fact, at)) : negated(both(negated(a.of(fact, at)), negated(b.of(fact, at)))),
    })),
  },
)
function not({ sql, of }: Term<boolean>): Term<boolean> {
  return { sql: `(NOT ${sql})`, of: (fact, at) => negated(of(fact, at)) }
}

const numeric: fc.Arbitrary<Term<number>> = fc.oneof(
  fc.constantFrom<Term<number>>(
    { sql: 'n', of: ({ n }) => n },
    { sql: 'm', of: ({ m }) => m },
    { sql: '(n + m)', of: ({ n, m }) => (n === null || m === null ? null : n + m) },
    { sql: 'nullif(n, 1)', of: ({ n }) => (n === 1 ? null : n) },
    { sql: 'coalesce(n, 0)', of: ({ n }) => n ?? 0 },
    { sql: '7', of: () => 7 },
    { sql: 'NULL::BIGINT', of: () => null },
  ),
  fc.tuple(condition, fc.boolean()).map(([test, otherwise]) => ({
    sql: `CASE WHEN ${test.sql} THEN n ${otherwise ? 'ELSE 0 ' : ''}END`,
    of: (fact: Fact, at: number) => (test.of(fact, at) === true ? fact.n : otherwise ? 0 : null),
  })),
)
const textual: fc.Arbitrary<Term<string>> = fc.constantFrom(
  { sql: 'kind', of: ({ kind }: Fact) => kind },
  { sql: "nullif(kind, 'a')", of: ({ kind }: Fact) => (kind === 'a' ? null : kind) },
  { sql: "(kind || '!')", of: ({ kind }: Fact) => when(kind, (k) => `${k}!`) },
)

/** What an event gives an aggregate; undefined: nothing. */
interface Aggregate {
  sql: string
  type: 'int64' | 'string' | 'boolean'
  fed: (fact: Fact, at: number) => unknown[] | undefined
  /** Of the events that feed it, in the order of their positions. */
  value: (facts: Fact[], at: number) => Value
}

const integers = (term: Term<number>, facts: Fact[], at: number): number[] =>
  facts.map((fact) => term.of(fact, at)!).filter((value) => value !== null)
const one =
  <T>(term: Term<T>) =>
  (fact: Fact, at: number): unknown[] | undefined =>
    when(term.of(fact, at), (value) => [value]) ?? undefined

const plain: fc.Arbitrary<Aggregate> = fc.oneof(
  fc.constant<Aggregate>({
    sql: 'count(*)',
    type: 'int64',
    fed: () => [],
    value: (facts) => BigInt(facts.length),
  }),
  fc.tuple(numeric, fc.constantFrom('count', 'count distinct', 'sum', 'min', 'max')).map(([term, name]): Aggregate => ({
    sql: name === 'count distinct' ? `count(DISTINCT ${term.sql})` : `${name}(${term.sql})`,
    type: 'int64',
    fed: one(term),
    value: (facts, at) => {
      const values = integers(term, facts, at)
      if (name === 'count') return BigInt(values.length)
      if (name === 'count distinct') return BigInt(new Set(values).size)
      if (values.length === 0) return null
      if (name === 'sum') return BigInt(values.reduce((a, b) => a + b, 0))
      return BigInt(name === 'min' ? Math.min(...values) : Math.max(...values))
    },
  })),
  condition.map((test): Aggregate => ({
    // Of no events it is NULL, so that a false counts for something too.
    sql: `count_if(${test.sql})`,
    type: 'int64',
    fed: one(test),
    value: (facts, at) =>
      facts.length === 0 ? null : BigInt(facts.filter((fact) => test.of(fact, at) === true).length),
  })),
  condition.map((test): Aggregate => ({
    sql: `bool_or(${test.sql})`,
    type: 'boolean',
    fed: one(test),
    value: (facts, at) => (facts.length === 0 ? null : facts.some((fact) => test.of(fact, at) === true)),
  })),
  fc.tuple(textual, numeric, fc.boolean()).map(([value, by, max]): Aggregate => ({
    sql: `${max ? 'arg_max' : 'arg_min'}(${value.sql}, ${by.sql})`,
    type: 'string',
    fed: (fact, at) => {
      const [v, key] = [value.of(fact, at), by.of(fact, at)]
      return v === null || key === null ? undefined : [v, key]
    },
    value: (facts, at) => {
      const best = facts.reduce<Fact | undefined>((most, fact) => {
        if (!most) return fact
        const [was, is] = [by.of(most, at)!, by.of(fact, at)!]
        // Among equals the later position wins a maximum, the earlier one a minimum.
        return (max ? is >= was : is < was) ? fact : most
      }, undefined)
      return best ? value.of(best, at) : null
    },
  })),
  fc.tuple(numeric, fc.boolean()).map(([by, last]): Aggregate => ({
    sql: `${last ? 'last' : 'first'}(kind ORDER BY ${by.sql} NULLS FIRST, time)`,
    type: 'string',
    // It keeps NULLs: an event whose kind is NULL may be the last one.
    fed: (fact, at) => [fact.kind, by.of(fact, at), fact.time],
    value: (facts, at) => {
      const key = (fact: Fact): number => by.of(fact, at) ?? -Infinity
      const ordered = facts.toSorted((a, b) => {
        const [x, y] = [key(a), key(b)]
        return x === y ? a.time - b.time || a.seq - b.seq : x - y
      })
      return ordered.at(last ? -1 : 0)?.kind ?? null
    },
  })),
  fc.boolean().map((distinct): Aggregate => ({
    sql: distinct ? "string_agg(DISTINCT kind, '|' ORDER BY kind)" : "string_agg(kind, '|' ORDER BY time DESC)",
    type: 'string',
    fed: one({ sql: '', of: ({ kind }) => kind }),
    value: (facts) => {
      const ordered = facts.toSorted((a, b) => b.time - a.time || a.seq - b.seq).map(({ kind }) => kind!)
      const kinds = distinct ? [...new Set(ordered)].toSorted() : ordered
      return kinds.length === 0 ? null : kinds.join('|')
    },
  })),
)

const aggregate: fc.Arbitrary<Aggregate> = fc
  .tuple(plain, fc.option(condition, { nil: undefined }))
  .map(([inner, test]): Aggregate =>
    test === undefined
      ? inner
      : {
          ...inner,
          sql: `${inner.sql} FILTER (WHERE ${test.sql})`,
          fed: (fact, at) => (test.of(fact, at) === true ? inner.fed(fact, at) : undefined),
        },
  )

interface Drawn {
  type: string
  expr: string
  window: number | undefined
  filter: Term<boolean> | undefined
  source: 'clicks' | 'profile'
  aggregates: Aggregate[]
  combine: (values: Value[]) => Value
}

const expression = fc.oneof(
  aggregate.map((a) => ({ type: a.type as string, expr: a.sql, aggregates: [a], combine: ([v]: Value[]) => v! })),
  fc
    .tuple(
      aggregate.filter(({ type }) => type === 'int64'),
      aggregate.filter(({ type }) => type === 'int64'),
    )
    .chain(([a, b]) =>
      fc.constantFrom(
        {
          type: 'int64',
          expr: `coalesce(${a.sql}, 0) + coalesce(${b.sql}, 0)`,
          aggregates: [a, b],
          combine: ([x, y]: Value[]): Value => ((x as bigint | null) ?? 0n) + ((y as bigint | null) ?? 0n),
        },
        {
          type: 'double',
          expr: `${a.sql} / nullif(${b.sql}, 0)`,
          aggregates: [a, b],
          combine: ([x, y]: Value[]): Value =>
            x === null || y === null || y === 0n ? null : Number(x) / Number(y) + 0,
        },
        {
          type: 'int64',
          expr: `CASE WHEN ${a.sql} > 1 THEN ${b.sql} ELSE -1 END`,
          aggregates: [a, b],
          combine: ([x, y]: Value[]): Value => (x !== null && (x as bigint) > 1n ? y! : -1n),
        },
      ),
    ),
)

const feature: fc.Arbitrary<Drawn> = fc
  .record({
    expression,
    window: fc.constantFrom(undefined, undefined, 1, 6, 24),
    filter: fc.option(condition, { nil: undefined, freq: 2 }),
    source: fc.constantFrom('clicks', 'clicks', 'profile'),
  })
  .map(({ expression: drawn, ...rest }) => ({ ...drawn, ...rest }) as Drawn)

// Times lie on a grid of half hours, so that events often stand exactly on a window's edge, or a microsecond beside it.
const time = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom(-1, 0, 0, 0, 1))
  .map(([half, off]) => start + half * (hour / 2) + off)
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null, freq: 3 })

const history = fc.array(
  fc.record({
    who: fc.integer({ min: 0, max: 3 }),
    stream: fc.constantFrom<'clicks' | 'profile'>('clicks', 'clicks', 'profile'),
    time,
    late: fc.constantFrom(0, 0, 1, hour, 9 * hour, -hour),
    gap: fc.constantFrom(1, 1, 1, 4),
    kind: maybe(fc.constantFrom('a', 'b', 'ü')),
    n: maybe(fc.integer({ min: -2, max: 3 })),
    m: maybe(fc.constantFrom(0, 1, 2, 2 ** 40)),
    paid: maybe(fc.boolean()),
  }),
  { maxLength: 40 },
)

type Event = StreamEvent & { fact: Fact }

const keyed = (all: (unknown[] | undefined)[]): string =>
  all
    .filter((each) => each !== undefined)
    .map((each) => JSON.stringify(each))
    .toSorted()
    .join('\n')

/** The value of a feature, and its contributors, by removing each event in turn. */
function reckoned(feature: Drawn, events: Event[], ask: Ask): { value: Value; counted: number[] } {
  const inScope = events
    .filter(
      ({ stream, subject: who, seq, time: when, known }) =>
        stream === feature.source && who === ask.subject && seq < ask.asOf && when <= ask.at && known <= ask.at,
    )
    .filter(({ time: when }) => feature.window === undefined || when > ask.at - feature.window * hour)
    .map(({ fact }) => fact)
    .filter((fact) => feature.filter === undefined || feature.filter.of(fact, ask.at) === true)
  const inputs = (facts: Fact[]): string[] =>
    feature.aggregates.map(({ fed }) => keyed(facts.map((f) => fed(f, ask.at))))
  const all = inputs(inScope)
  const counted = inScope
    .filter((removed) => inputs(inScope.filter((fact) => fact !== removed)).some((each, i) => each !== all[i]))
    .toSorted((a, b) => a.time - b.time || a.seq - b.seq)
    .map(({ seq }) => seq)
  const values = feature.aggregates.map(({ fed, value }) =>
    value(
      inScope.filter((fact) => fed(fact, ask.at) !== undefined),
      ask.at,
    ),
  )
  return { value: feature.combine(values), counted }
}

test('of random views the stored, the recomputed and the reckoned value are one, from the same events', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(feature, { minLength: 1, maxLength: 7 }),
      history,
      fc.array(fc.tuple(time, fc.integer({ min: 0, max: 90 })), { minLength: 1, maxLength: 3 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 2 }),
      async (features, drawn, clocks, cuts) => {
        const yaml = features.map(({ type, expr, window, filter, source }, index) =>
          [
            `  - name: f${index}`,
            `    type: ${type}`,
            `    source: ${source}`,
            ...(window === undefined ? [] : [`    window: ${window}h`]),
            ...(filter === undefined ? [] : [`    filter: ${JSON.stringify(filter.sql)}`]),
            `    expr: ${JSON.stringify(expr)}`,
          ].join('\n'),
        )
        const view = parseView(
          `kind: FeatureView\nname: drawn\nentity: person\nsource: clicks\nfeatures:\n${yaml.join('\n')}`,
          'drawn.yaml',
        )
        const compiled = await compileView(base.columns, view, shapes)
        let seq = 0
        const events = drawn.map(({ who, stream, time: at, late, gap, kind, n, m, paid }): Event => {
          seq += gap
          return {
            stream,
            seq,
            subject: subject(who),
            time: at,
            known: at + late,
            values: [kind, n, m, paid],
            fact: { seq, time: at, kind, n, m, paid },
          }
        })
        const positions = [...cuts.filter((cut) => cut < seq).toSorted((a, b) => a - b), Math.max(seq + 1, 91)]
        const place = await columnsOf(base, shapes, memorySource(events), positions, { cut: 15 })
        const asks = clocks.flatMap(([at, asOf]) => [0, 1, 2, 3].map((who) => ({ subject: subject(who), at, asOf })))
        const wanted = asks.map((ask) => features.map((each) => reckoned(each, events, ask)))
        const named = <T>(of: T[]): Record<string, T> => Object.fromEntries(of.map((value, i) => [`f${i}`, value]))

        for (const [at, asOf] of clocks) {
          const made = await materialize(place, compiled, { at, asOf, name: `${at}-${asOf}` })
          for (const row of await rows(place, made, { limit: 100 })) {
            const index = asks.findIndex((ask) => ask.at === at && ask.asOf === asOf && ask.subject === row.subject)
            assert.deepEqual(row.values, named(wanted[index]!.map(({ value }) => value)))
          }
        }
        const found = await contributorsOfAll(place, compiled, asks)
        found.forEach((each, i) => assert.deepEqual(each.features, named(wanted[i]!.map(({ counted }) => counted))))
        assert.deepEqual(await contributors(place, compiled, asks[0]!), found[0])
        // Only the contributors are opened; what nobody counts is not there.
        const again = await recomputeAll(
          place.columns,
          compiled,
          asks.map((ask, i) => ({
            ...ask,
            events: Object.fromEntries(
              Object.entries(found[i]!.streams).map(([stream, seqs]) => [
                stream,
                seqs.map((one) => events.find((event) => event.seq === one)!),
              ]),
            ),
          })),
        )
        again.forEach((values, i) => assert.deepEqual(values, named(wanted[i]!.map(({ value }) => value))))
      },
    ),
    { numRuns: 40 },
  )
})
