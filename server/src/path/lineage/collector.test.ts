// The collector over a ledger that is overloaded when the test says so.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Fault, isFault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { Appended, Draft } from '../../record/ledger/writer.ts'
import type { Caller } from '../../rules/access/access.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { readAccepted } from '../../rules/lineage/event.ts'
import { Collector } from './collector.ts'
import { RecentStatements } from './recent.ts'

const caller: Caller = { id: 'k-1', name: 'nightly', source: 'nightly', scopes: ['ingest'] }
const now = parseTime('2026-11-21T10:00:00Z')!

const event = (n: number, over: object = {}): object => ({
  eventTime: '2026-03-20T10:00:00Z',
  producer: 'https://orchestrator.example/v1',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/JobEvent',
  job: { namespace: 'nightly', name: `job ${n}` },
  ...over,
})

/** A ledger that answers each append as `decide` says. */
function collector(decide: (call: number, drafts: readonly Draft[]) => Appended[]) {
  const appended: Draft[][] = []
  const append = async (drafts: Draft[]): Promise<Appended[]> => {
    if (drafts.length === 0) return []
    appended.push(drafts)
    return decide(appended.length, drafts)
  }
  const recorded = (drafts: readonly Draft[]): Appended[] =>
    drafts.map((_, seq) => ({ status: 'recorded', seq, leaf: '', recorded: '' }))
  const recent = new RecentStatements()
  return {
    appended,
    recorded,
    recent,
    collector: new Collector({ append } as unknown as Ledger, { now: () => now }, recent),
  }
}

async function* body(value: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

const overloaded = (): never => {
  throw new Fault('overloaded', 'try again')
}

suite('the collector', () => {
  test('of a batch that is cut off by overload, tells which events to send again, and adds up', async () => {
    const made = collector((call, drafts) => (call === 2 ? overloaded() : made.recorded(drafts)))
    const events = Array.from({ length: 600 }, (_, n) => (n === 300 ? {} : event(n)))
    const { batch } = await made.collector.collect(body(events), 'json', caller)
    assert.deepEqual(batch.summary, { received: 600, successful: 350, failed: 250, retriable: 249, non_retriable: 1 })
    assert.deepEqual(
      batch.failed_events.map(({ index, retriable }) => [index, retriable]),
      Array.from({ length: 250 }, (_, i) => [250 + i, i !== 50]),
    )
    const { sinceStart } = made.collector
    assert.deepEqual([sinceStart.received, sinceStart.passed, sinceStart.refused], [600, 350, 250])
  })

  test('refused as a whole, appends nothing more', async () => {
    const made = collector(overloaded)
    const events = Array.from({ length: 2000 }, (_, n) => event(n))
    await assert.rejects(made.collector.collect(body(events), 'json', caller), (error) => isFault(error, 'overloaded'))
    assert.equal(made.appended.length, 1)
    assert.equal(made.collector.sinceStart.received, 0)
  })

  test('knows an event by its bytes, at whichever door it came', async () => {
    const made = collector((_, drafts) => made.recorded(drafts))
    const text = JSON.stringify(event(1))
    for (const [given, format] of [
      [`  ${text}\n`, 'json'],
      [`[ ${text} ]`, 'json'],
      [`${text}\n\n`, 'ndjson'],
    ] as const)
      await made.collector.collect(body(given), format, caller)
    const drafts = made.appended.flat()
    assert.equal(drafts.length, 3)
    assert.equal(new Set(drafts.map(({ id }) => id)).size, 1)
    assert.deepEqual(new Set(drafts.map(({ content }) => Buffer.from(content).toString())), new Set([text]))
    assert.deepEqual(drafts[0]!.refs, { event: 'job' })
    assert.equal(drafts[0]!.time, parseTime('2026-03-20T10:00:00Z'))
    assert.equal(drafts[0]!.subject, undefined)
  })

  test('hands on what it read, once; of too much, the latest', async () => {
    const made = collector((_, drafts) => made.recorded(drafts))
    const large = (n: number): object => event(n, { my_x: 'y'.repeat(6 << 20) })
    await made.collector.collect(body(Array.from({ length: 6 }, (_, n) => large(n))), 'json', caller)
    const [first, second] = made.appended.flat()
    assert.equal(made.recent.take(first!.id), undefined)
    const read = readAccepted(second!.content, now)
    assert.deepEqual(made.recent.take(second!.id), read)
    assert.equal(made.recent.take(second!.id), undefined)
  })

  test('of one event gives the receipt, or the fault it is refused with', async () => {
    const made = collector((_, drafts) => made.recorded(drafts))
    const only = async (value: unknown, who = caller) => (await made.collector.collect(body(value), 'json', who)).only
    assert.ok(!((await only(event(1))) instanceof Fault))
    assert.equal(((await only({})) as Fault).code, 'invalid')
    const large = event(1, { job: { namespace: 'n', name: 'x', facets: { my_x: 'y'.repeat(9 << 20) } } })
    assert.equal(((await only(large)) as Fault).code, 'too_large')
    const strict = { ...caller, strict: true }
    assert.ok(!((await only(event(1), strict)) instanceof Fault))
    assert.equal(((await only(event(1, { producer: 'me' }), strict)) as Fault).code, 'invalid')
    assert.equal(await only([event(1)]), undefined)
  })

  test('counts lines that are too long as refused events', async () => {
    const made = collector((_, drafts) => made.recorded(drafts))
    const lines = [JSON.stringify(event(1)), 'x'.repeat((8 << 20) + 5), JSON.stringify(event(2))].join('\n')
    const { batch } = await made.collector.collect(body(lines), 'ndjson', caller)
    assert.deepEqual([batch.summary.successful, batch.summary.failed], [2, 1])
    assert.match(batch.failed_events[0]!.reason, /^event\.size/)
  })
})
