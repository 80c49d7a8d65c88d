// Whoever objects is not scored: the doors for predictions ask the state that training sets and sends ask, and say whom
// they left out; explanations say what was on record.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { customers, follow, modelName, prediction } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const [anna, bela, cleo, dora, emil] = customers as [string, string, string, string, string]

describe('scoring somebody who objects', () => {
  let site: Site
  let server: Running
  let client: Client
  let thread: Thread

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    thread = await follow(client)
  })
  after(() => site.remove())

  const predict = async (...predictions: object[]) =>
    client.predict({ model: modelName, snapshot: thread.snapshot.id, predictions: predictions as never })
  const query = (batch: string) => ({ batch, model: modelName, snapshot: thread.snapshot.id })

  test('is refused one by one, from the time of the objection on', async () => {
    await client.object({ identifier: anna, purpose: 'marketing', time: '2026-03-01T12:00:00Z' })
    const late = { ...prediction(anna, 'a-late'), time: '2026-03-02T06:00:00Z' }
    const { time: _, ...now } = prediction(anna, 'a-now')
    const answer = await predict(prediction(anna, 'a-before'), late, now, prediction(bela, 'b-1'))
    assert.deepEqual(
      answer.results.map((each) => [each.id, each.status === 'refused' ? each.problem.code : each.status]),
      [
        ['a-before', 'recorded'],
        ['a-late', 'objected'],
        ['a-now', 'objected'],
        ['b-1', 'recorded'],
      ],
    )
    assert.equal(answer.refused, 2)
    await client.object({ identifier: anna, purpose: 'marketing', withdrawn: true })
    // Taken back today, it stood then.
    assert.deepEqual([(await predict(now)).recorded, (await predict(late)).refused], [1, 1])
  })

  test('on one channel does not end scoring', async () => {
    await client.object({ identifier: cleo, purpose: 'marketing', channel: 'sms', time: '2026-02-01T12:00:00Z' })
    assert.equal((await predict(prediction(cleo, 'c-1'))).recorded, 1)
    await assert.rejects(client.object({ identifier: cleo, purpose: 'profiling', channel: 'sms' }), { code: 'invalid' })
  })

  test('is left out of a batch and counted; the batch that comes again is still the same', async () => {
    await client.object({ identifier: dora, purpose: 'profiling', time: '2026-02-01T12:00:00Z' })
    const rows = customers.map((customer) => prediction(customer, `n-${customer}`))
    const first = await client.predictBatch(query('nightly'), rows)
    assert.deepEqual(first.accounting, { received: 10, recorded: 9, duplicate: 0, refused: 1 })
    assert.deepEqual(first.refused, { objected: 1 })
    assert.match(first.examples[0]!.message, /objects to profiling/)
    await client.object({ identifier: emil, purpose: 'profiling', time: '2026-02-01T12:00:00Z' })
    const again = await client.predictBatch(query('nightly'), rows)
    assert.deepEqual([again.receipt?.status, again.seq, again.refused], ['duplicate', first.seq, { objected: 1 }])
    const next = await client.predictBatch(
      query('next'),
      rows.map((row) => ({ ...row, id: `${row.id}-2` })),
    )
    assert.deepEqual(next.refused, { objected: 2 })
    await server.stop()
    server = await site.start()
    client = server.client
    const later = await client.predictBatch(query('nightly'), rows)
    assert.deepEqual([later.receipt?.status, later.refused], ['duplicate', { objected: 1 }])
  })

  test('a prediction that is on record stays a duplicate', async () => {
    const { time: _, ...untimed } = prediction(bela, 'b-untimed')
    assert.equal((await predict(untimed)).recorded, 1)
    await client.object({ identifier: bela, purpose: 'profiling' })
    assert.equal((await predict(untimed)).duplicate, 1)
    assert.equal((await predict({ ...untimed, id: 'b-other' })).refused, 1)
  })

  test('explanations say what was on record of profiling, then and since', async () => {
    const consent = async (id: string, asOf?: number) => {
      const { claims, alerts } = await client.explain(id, asOf === undefined ? {} : { asOf })
      return {
        claims: claims
          .filter(({ subject }) => subject === 'consent')
          .map(({ name, value, truth }) => [name, value, truth]),
        alerts: alerts.map(({ text }) => text),
      }
    }
    const nothing = await consent('p-hugo-x').catch(() => undefined)
    assert.equal(nothing, undefined)
    await predict(prediction(customers[7]!, 'h-1'))
    const unknown = await consent('h-1')
    assert.ok(
      unknown.claims.some(([, value, truth]) => value === 'no receipt for purpose "profiling"' && truth === 'missing'),
    )
    const { size: before } = await client.status()
    const receipt = {
      id: '0197b000-0000-4000-8000-000000000001',
      identifier: customers[7]!,
      state: 'given' as const,
      time: '2026-01-01T10:00:00Z',
      purposes: [{ purpose: 'profiling' }],
    }
    await client.recordConsents({ consents: [receipt] })
    const given = await consent('h-1')
    assert.deepEqual(given.claims[0], [
      'purpose profiling',
      `consent was given, receipt ${receipt.id} version 1`,
      'asserted',
    ])
    assert.ok(!given.alerts.some((text) => text.includes('onsent')))
    assert.deepEqual(await consent('h-1', before), unknown)
    await client.object({ identifier: customers[7]!, purpose: 'profiling', time: '2026-04-01T10:00:00Z' })
    const since = await consent('h-1')
    assert.ok(since.alerts.some((text) => text.includes('since this prediction')))
    assert.deepEqual(
      since.claims.find(([name]) => name === 'purpose profiling'),
      given.claims[0],
    )
    await client.object({ identifier: customers[7]!, purpose: 'marketing', time: '2026-02-01T10:00:00Z' })
    const earlier = await consent('h-1')
    assert.ok(earlier.alerts.some((text) => text.includes('had objected to marketing before this prediction')))
  })
})
