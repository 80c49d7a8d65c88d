// Features online: whatever happened, in whatever order it came, the answer is the offline one, and a plain loop's.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { FeatureValue, Online } from '@whence/sdk'
import fc from 'fast-check'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

const hour = 3_600_000
const start = Date.parse('2026-03-01T00:00:00Z')

const contract = (stream: string, version: string, kinds: string[], more = ''): string => `
apiVersion: v3.1.0
kind: DataContract
id: ${stream}
version: ${version}
status: active
schema:
  - name: ${stream}
    logicalType: object
    properties:
      - { name: id, logicalType: string, required: true }
      - { name: who, logicalType: string, required: true, classification: personal }
      - { name: time, logicalType: timestamp, required: true }
      - { name: received, logicalType: timestamp, required: true }
      - { name: kind, logicalType: string, required: true, logicalTypeOptions: { enum: [${kinds.join(', ')}] } }
      - { name: n, logicalType: integer }
      - { name: amount, logicalType: number, physicalType: 'decimal(18,2)' }
${more}
customProperties:
  - { property: whence, value: { eventId: id, subject: who, eventTime: time, knownAt: received } }
`

const view = (name: string, stream: string, features = own): string => `
kind: FeatureView
name: ${name}
entity: customer
source: ${stream}
ttl: 1d
features:
${features}
`

const own = `
  - { name: all, type: int64, expr: count(*) }
  - { name: recent, type: int64, window: 6h, filter: kind = 'a', expr: count(*) }
  - { name: total, type: int64, expr: sum(n) }
  - { name: spent, type: decimal, expr: 'coalesce(sum(amount), 0)' }
  - { name: last_kind, type: string, expr: 'arg_max(kind, time)' }
  - { name: kinds, type: int64, expr: count(distinct kind) }
  - { name: hours_since, type: double, expr: "date_diff('second', max(time), as_of) / 3600.0" }
  - { name: share, type: double, window: 2d, expr: "count(*) filter (where kind = 'b') / nullif(count(*), 0)" }`

/** What the second engine leaves to DuckDB. */
const slow = `
  - { name: middle, type: double, expr: 'median(n)' }
  - { name: all, type: int64, expr: count(*) }`

interface Fact {
  seq: number
  who: string
  time: number
  known: number
  kind: string
  n: number | null
  cents: number | null
}

function reckoned(facts: readonly Fact[], at: number, asOf: number): Record<string, FeatureValue> {
  const seen = facts
    .filter((fact) => fact.seq < asOf && fact.time <= at && fact.known <= at)
    .toSorted((a, b) => a.time - b.time || a.seq - b.seq)
  const numbers = seen.flatMap(({ n }) => n ?? [])
  const last = seen.at(-1)
  const lately = seen.filter(({ time }) => time > at - 48 * hour)
  return {
    all: seen.length,
    recent: seen.filter(({ kind, time }) => kind === 'a' && time > at - 6 * hour).length,
    total: numbers.length === 0 ? null : numbers.reduce((sum, n) => sum + n, 0),
    spent: seen.reduce((sum, { cents }) => sum + (cents ?? 0), 0) / 100,
    last_kind: last?.kind ?? null,
    kinds: new Set(seen.map(({ kind }) => kind)).size,
    hours_since: last ? (at - last.time) / hour : null,
    share: lately.length === 0 ? null : lately.filter(({ kind }) => kind === 'b').length / lately.length,
  }
}

function middle(facts: readonly Fact[], at: number, asOf: number): FeatureValue {
  const sorted = facts
    .filter((fact) => fact.seq < asOf && fact.time <= at && fact.known <= at)
    .flatMap(({ n }) => n ?? [])
    .toSorted((a, b) => a - b)
  if (sorted.length === 0) return null
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2
}

const times = fc.integer({ min: 0, max: 120 }).map((half) => start + (half * hour) / 2)
const event = fc.record({
  do: fc.constant('event' as const),
  who: fc.integer({ min: 0, max: 4 }),
  time: times,
  late: fc.constantFrom(0, 0, hour, 30 * hour),
  kind: fc.constantFrom('a', 'b', 'c'),
  n: fc.option(fc.integer({ min: -5, max: 5 })),
  cents: fc.option(fc.integer({ min: 0, max: 100_000 })),
})
const step = fc.oneof(
  { weight: 12, arbitrary: event },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('again' as const), which: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('look' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('erase' as const), who: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const) }) },
)

let site: Site
let server: Running
before(async () => {
  site = await Site.make()
  server = await site.start()
})
after(() => site.remove())

test('online is offline is a plain loop, over any history and at any two clocks', async () => {
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 8, maxLength: 40 }),
      fc.array(fc.tuple(times, fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 2, maxLength: 3 }),
      async (steps, asks) => {
        const { client } = server
        const run = ++runs
        const [stream, name] = [`moves${run}`, `moving${run}`]
        const person = (n: number): string => `p${run}-${n}`
        const people = [0, 1, 2, 3, 4].map(person)
        const erased = new Set<string>()
        const seen = new Set<string>()
        const facts: Fact[] = []
        const kept = new Map<number, Fact>()
        const sent: { lines: object[] }[] = []
        let lenient = false
        await client.apply({
          files: [
            { path: 'c.yaml', text: contract(stream, '1.0.0', ['a', 'b']) },
            { path: 'v.yaml', text: view(name, stream) },
            { path: 's.yaml', text: view(`${name}_slow`, stream, slow) },
          ],
        })
        const from = (await client.status()).size

        const look = async (at: number, asOf: number, views: string[]): Promise<Online> => {
          const answer = await client.onlineMany({ views, entities: people, at: new Date(at).toISOString(), asOf })
          answer.entities.forEach(({ entity, state, views: found }) => {
            const own = facts.filter(({ who }) => who === entity)
            assert.equal(state, erased.has(entity!) ? 'erased' : seen.has(entity!) ? 'known' : 'unknown')
            if (state !== 'known') return assert.deepEqual(found, [])
            const known = own.filter((fact) => fact.seq < asOf && fact.time <= at && fact.known <= at)
            for (const { view: of, values, present, newest, age, stale, seq, problem } of found) {
              const expected = of.includes('_slow')
                ? { middle: middle(own, at, asOf), all: known.length }
                : reckoned(own, at, asOf)
              assert.deepEqual({ of, problem, values }, { of, problem: undefined, values: expected })
              const last = Math.max(...known.map(({ time }) => time))
              assert.deepEqual(
                { present, newest: newest && Date.parse(newest), age, stale, seq },
                known.length === 0
                  ? { present: false, newest: undefined, age: undefined, stale: true, seq: undefined }
                  : {
                      present: true,
                      newest: last,
                      age: (at - last) / 1000,
                      stale: at - last > 24 * hour,
                      seq: Math.max(...known.map((fact) => fact.seq)),
                    },
              )
            }
          })
          return answer
        }

        for (const one of steps) {
          if (one.do === 'event') {
            const fact = { who: person(one.who), time: one.time, known: one.time + one.late, kind: one.kind }
            const line = {
              id: `e${sent.length}`,
              who: fact.who,
              time: new Date(fact.time).toISOString(),
              received: new Date(fact.known).toISOString(),
              kind: fact.kind,
              ...(one.n === null ? {} : { n: one.n }),
              ...(one.cents === null ? {} : { amount: one.cents / 100 }),
            }
            sent.push({ lines: [line] })
            const { results } = await client.ingest(stream, [line], { results: 'all' })
            const [result] = results
            if (erased.has(fact.who)) {
              assert.equal(result!.status, 'refused')
              continue
            }
            assert.ok(result?.status === 'recorded')
            seen.add(fact.who)
            const whole = { ...fact, seq: result.receipt.seq, n: one.n, cents: one.cents }
            if (one.kind === 'c' && !lenient) kept.set(whole.seq, whole)
            else facts.push(whole)
          } else if (one.do === 'again' && sent.length > 0) {
            // The same once more, and once more within one request: nothing may count twice.
            const { lines } = sent[one.which % sent.length]!
            await client.ingest(stream, [...lines, ...lines])
          } else if (one.do === 'look') {
            const { size } = await client.status()
            await look(start + 60 * hour, size, [name, `${name}_slow`])
          } else if (one.do === 'erase' && seen.has(person(one.who)) && !erased.has(person(one.who))) {
            await client.erase({ identifier: person(one.who), basis: 'asked' })
            erased.add(person(one.who))
          } else if (one.do === 'release' && !lenient) {
            const more = '      - { name: extra, logicalType: string }'
            lenient = true
            await client.apply({
              files: [
                { path: 'c.yaml', text: contract(stream, '1.1.0', ['a', 'b', 'c'], more) },
                { path: 'v.yaml', text: view(name, stream) },
                { path: 's.yaml', text: view(`${name}_slow`, stream, slow) },
              ],
            })
            const { released } = await client.release({ stream })
            for (const { seq, receipt } of released) facts.push({ ...kept.get(seq)!, seq: receipt.seq })
          }
        }

        const { size } = await client.status()
        const cuts: [number, number][] = [
          ...asks.map(([at, share]): [number, number] => [at, from + Math.floor(share * (size - from))]),
          [start + 100 * hour, size],
        ]
        for (const [at, asOf] of cuts) {
          const views = [name, `${name}_slow`, ...(lenient ? [`${name}@v1`] : [])]
          const online = await look(at, asOf, views)
          const snapshot = await client.materialize({ view: name, at: new Date(at).toISOString(), asOf })
          const rows = new Map<string, unknown>()
          for await (const { subject, values } of client.snapshotRows(snapshot.id)) rows.set(subject, values)
          const present = online.entities.flatMap(({ subject, views: [first] }) =>
            first?.present ? [[subject, first.values] as const] : [],
          )
          assert.deepEqual(new Map(present), rows)
        }
      },
    ),
    { numRuns: Number(process.env.ONLINE_RUNS ?? 6) },
  )
})

test('nobody makes the call fail for the others, by address, body and command', async () => {
  const { client } = server
  await client.apply({
    files: [
      { path: 'c.yaml', text: contract('plain', '1.0.0', ['a']) },
      { path: 'v.yaml', text: view('plainly', 'plain') },
    ],
  })
  const time = new Date(start).toISOString()
  const line = (id: string, who: string): object => ({ id, who, time, received: time, kind: 'a', n: 1 })
  await client.ingest('plain', [line('1', 'x-1'), line('2', 'x-2'), line('3', 'x,3')])
  const [one] = (await client.subjects({ identifiers: ['x-1'] })).subjects
  await client.erase({ identifier: 'x-2', basis: 'asked' })
  const states = ({ entities }: Online): unknown[] =>
    entities.map(({ entity, subject, state, views }) => [
      entity ?? subject,
      state,
      views.map(({ values }) => values.all),
    ])
  const query = { views: 'plainly,plainly@v1', entities: 'x-1,x-2,x-9' }
  const expected = [
    ['x-1', 'known', [1, 1]],
    ['x-2', 'erased', []],
    ['x-9', 'unknown', []],
  ]
  assert.deepEqual(states(await client.online(query)), expected)
  const many = { views: ['plainly'], entities: ['x,3', 'x,3'], subjects: [one!, '0'.repeat(32)] }
  assert.deepEqual(states(await client.onlineMany(many)), [
    ['x,3', 'known', [1]],
    ['x,3', 'known', [1]],
    [one, 'known', [1]],
    ['0'.repeat(32), 'unknown', []],
  ])
  const refused = async (request: Promise<unknown>, code: string): Promise<void> => {
    await assert.rejects(request, (error: { code?: string }) => error.code === code)
  }
  const { size } = await client.status()
  await refused(client.online({ views: 'nothing', entities: 'x-1' }), 'not_found')
  await refused(client.online({ views: 'plainly' }), 'invalid')
  await refused(client.online({ views: 'plainly', entities: 'x-1,' }), 'invalid')
  await refused(client.online({ views: 'plainly', entities: 'x-1', asOf: size + 1000 }), 'invalid')
  await refused(client.onlineMany({ views: ['plainly'], subjects: ['x-1'] }), 'invalid')

  const ran = await site.whence('features', 'online', 'plainly', '--entity', 'x-1', '--entity', 'x-2')
  assert.equal(ran.code, 1, ran.stderr)
  assert.match(ran.stdout, /x-1\n {2}plainly@v1[^]*all +1\n[^]*x-2 {3}erased on request/)
})

test('an event counts at once, also where memory holds next to nobody, and a damaged one is told of', async () => {
  const small = await Site.make({ WHENCE_ONLINE_MEMORY: '3000' })
  try {
    let running = await small.start()
    await running.client.apply({
      files: [
        { path: 'c.yaml', text: contract('plain', '1.0.0', ['a']) },
        { path: 'v.yaml', text: view('plainly', 'plain') },
      ],
    })
    const people = Array.from({ length: 12 }, (_, i) => `y-${i}`)
    const time = new Date(start).toISOString()
    const count = async (who: string): Promise<FeatureValue | string | undefined> => {
      const { entities } = await running.client.onlineMany({ views: ['plainly'], entities: [who] })
      const [found] = entities[0]!.views
      return found?.problem ?? found?.values.all
    }
    let last = 0
    for (let round = 1; round <= 3; round++) {
      for (const who of people) {
        const line = { id: `${who}-${round}`, who, time, received: time, kind: 'a' }
        last = (await running.client.ingest('plain', [line])).last!
        assert.equal(await count(who), round)
      }
    }
    await running.stop()
    const index = await readFile(join(small.data, 'payloads', 'index'))
    const at = index.readUIntLE(last * 64, 6) + 20
    const path = join(small.data, 'payloads', '000000.bin')
    const payloads = await readFile(path)
    payloads[at]! ^= 1
    await writeFile(path, payloads)
    running = await small.start()
    assert.match(String(await count('y-11')), new RegExp(`record ${last} .*SHA-256 differs`))
    assert.equal(await count('y-10'), 3)
    await running.client.erase({ identifier: 'y-9', basis: 'asked' })
    assert.equal(await count('y-9'), undefined)
  } finally {
    await small.remove()
  }
})
