// Predictions in batches are predictions: whom they are about is counted and listed, an impact reaches them, and what was
// made from them is found, and stopped, by their model.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { rename, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { collect, refused } from './answers.ts'
import { message, purposes } from './messages.ts'
import { customers, follow, prediction } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const offer = (id: string, entity: string, predictions: string[], campaign = 'scored') =>
  message(id, entity, { campaign, inputs: { predictions } })

const idsOf = (all: readonly { id?: string | undefined }[]): string[] => all.map(({ id }) => id ?? '?').toSorted()

const scored = (id: string, entity: string, day: number, campaign?: string) => ({
  id,
  entity,
  score: 0.25,
  time: `2026-03-0${day}T06:00:00Z`,
  ...(campaign === undefined ? {} : { about: { campaign, creative: 'A' } }),
})

suite('predictions in batches', () => {
  let site: Site
  let server: Running
  let client: Client
  /** The position before any batch. */
  let without: number
  let night: number

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    await client.apply({ files: [purposes] })
    for (const metrics of [{ auc: 0.5 }, { auc: 0.6 }])
      await client.registerModel({ name: 'offers', predicts: 'a purchase', metrics })
    await client.predict({
      model: 'offers@1',
      predictions: [scored('s-1', 'p-1', 1, 'spring'), scored('s-2', 'p-2', 1, 'spring'), scored('s-3', 'p-2', 2)],
    })
    without = (await client.status()).size
    const told = await client.predictBatch({ batch: 'night', model: 'offers@1' }, [
      scored('n-1', 'p-2', 2, 'spring'),
      scored('n-2', 'p-3', 3, 'summer'),
      scored('n-3', 'p-3', 4),
      scored('both', 'p-5', 4),
    ])
    night = told.seq!
    await client.predictBatch({ batch: 'day', model: 'offers@2' }, [
      scored('d-1', 'p-3', 5),
      scored('d-2', 'p-4', 5, 'summer'),
      scored('both', 'p-5', 5),
    ])
  })
  after(() => site.remove())

  const scope = async (name: string, more: { since?: string; until?: string } = {}) => {
    const { predictions } = await client.scope({ kind: 'model', name, ...more })
    return [predictions.predictions, predictions.inBatches, predictions.people, predictions.erased]
  }

  test('are counted with their people, of one version and of all', async () => {
    assert.deepEqual(await scope('offers@1'), [7, 4, 4, 0])
    assert.deepEqual(await scope('offers@2'), [3, 3, 3, 0])
    assert.deepEqual(await scope('offers'), [10, 7, 5, 0])
    assert.deepEqual((await client.scope({ kind: 'model', name: 'offers' })).predictions.models, [
      { model: 'offers@1', predictions: 7 },
      { model: 'offers@2', predictions: 3 },
    ])
    const told = await site.whence('rollback', 'scope', 'model:offers@1')
    assert.match(told.stdout, /7 predictions about 4 people by offers@1, 4 of them in batches\./)
  })

  test('are bounded by time, row by row', async () => {
    assert.deepEqual(await scope('offers@1', { since: '2026-03-03T00:00:00Z' }), [3, 3, 2, 0])
    assert.deepEqual(
      await scope('offers@1', { since: '2026-03-02T00:00:00Z', until: '2026-03-03T00:00:00Z' }),
      [2, 1, 1, 0],
    )
    assert.deepEqual(await scope('offers', { since: '2026-04-01T00:00:00Z' }), [0, 0, 0, 0])
  })

  test('are listed, each with its place', async () => {
    const all = await collect(client.scopePredictions({ kind: 'model', name: 'offers' }))
    assert.deepEqual(idsOf(all), ['both', 'both', 'd-1', 'd-2', 'n-1', 'n-2', 'n-3', 's-1', 's-2', 's-3'])
    for (const { seq, row, id, entity } of all) {
      const explained = await client.explain(row === undefined ? `seq:${seq}` : `seq:${seq}/${row}`)
      assert.deepEqual([explained.id, entity?.slice(0, 2)], [id, 'p-'])
    }
    const bounded = { kind: 'model' as const, name: 'offers@1', since: '2026-03-03T00:00:00Z' }
    assert.deepEqual(idsOf(await collect(client.scopePredictions(bounded))), ['both', 'n-2', 'n-3'])
    const ran = await site.whence('rollback', 'scope', 'model:offers@2', '--predictions')
    assert.equal(ran.stdout.trim().split('\n').length, 3)
    assert.deepEqual(await collect(client.scopePredictions({ kind: 'campaign', name: 'scored' })), [])
  })

  test('are reached by an impact, as of the position that is asked about', async () => {
    const now = await client.lineageImpact({ node: 'model:offers@1' })
    assert.deepEqual(
      [now.counts.predictions, now.counts.predictionsInBatches, now.counts.people, now.counts.deployedModels],
      [7, 4, 4, 1],
    )
    assert.deepEqual(now.models, [
      {
        model: 'offers@1',
        predictions: 7,
        people: 4,
        first: '2026-03-01T06:00:00.000000Z',
        last: '2026-03-04T06:00:00.000000Z',
      },
    ])
    assert.deepEqual(now.campaigns, [
      { name: 'spring', predictions: 3 },
      { name: 'summer', predictions: 1 },
    ])
    assert.equal(now.counts.creatives, 1)
    const then = await client.lineageImpact({ node: 'model:offers@1', asOf: without })
    assert.deepEqual([then.counts.predictions, then.counts.predictionsInBatches, then.counts.people], [3, 0, 2])
    const between = await client.lineageImpact({ node: 'model:offers@1', asOf: night + 1 })
    assert.deepEqual([between.counts.predictions, between.counts.people], [7, 4])
    const of2 = await client.lineageImpact({ node: 'model:offers@2', asOf: night + 1 })
    assert.deepEqual([of2.counts.predictions, of2.counts.deployedModels], [0, 0])
  })

  test('lead to what was made from them, whoever told of them, by id and by address', async () => {
    const { secret } = await client.issueKey({ name: 'mailer', scopes: ['propose'] })
    const other = createClient({ url: server.url, key: secret })
    const { released } = await other.proposeAll([
      offer('a-night', 'p-3', ['n-2']),
      offer('a-day', 'p-4', ['d-2']),
      offer('a-address', 'p-2', [`seq:${night}/0`]),
      offer('a-single', 'p-1', ['s-1']),
      offer('a-either', 'p-5', ['both']),
      offer('a-two', 'p-6', ['n-3', 'd-1']),
      offer('a-none', 'p-7', ['nothing', `seq:${night}/99`, 'seq:0', 'seq:99999999', 'seq:x']),
    ])
    assert.equal(released, 7)
    const found = async (name: string) => idsOf(await collect(client.scopeActions({ kind: 'model', name })))
    assert.deepEqual(await found('offers@1'), ['a-address', 'a-either', 'a-night', 'a-single', 'a-two'])
    assert.deepEqual(await found('offers@2'), ['a-day', 'a-either', 'a-two'])
    assert.equal((await client.scope({ kind: 'model', name: 'offers' })).actions, 6)
  })

  test('hold what was made from them while their model is paused, and what is proposed then', async () => {
    const pause = { kind: 'model' as const, name: 'offers@1', reason: 'a look' }
    assert.equal((await client.pause(pause)).quarantined, 5)
    const told = await client.propose(offer('a-late', 'p-3', ['n-3']))
    assert.deepEqual([told.decision, told.verdicts.at(-1)!.findings[0]!.code], ['held', 'paused'])
    const { claims } = await client.claim({ campaign: 'scored' })
    assert.deepEqual(claims.map(({ action }) => action).toSorted(), ['a-day', 'a-none'])
    await client.acknowledge(claims.map(({ claim }) => ({ claim, status: 'returned' as const })))
    await client.resume(pause)
  })

  test('are counted no more where the person was erased, as of every position', async () => {
    await client.erase({ identifier: 'p-3', basis: 'request' })
    assert.deepEqual(await scope('offers@1'), [7, 4, 3, 2])
    assert.deepEqual(await scope('offers'), [10, 7, 4, 3])
    // Of an erased row no time is left: it counts among those of its batch, where that may hold the time.
    assert.deepEqual(await scope('offers@1', { since: '2026-03-04T00:00:00Z' }), [3, 3, 1, 2])
    assert.deepEqual(await scope('offers@1', { since: '2026-03-05T00:00:00Z' }), [0, 0, 0, 0])
    const then = await client.lineageImpact({ node: 'model:offers@1', asOf: night + 1 })
    assert.deepEqual([then.counts.predictions, then.counts.people, then.counts.erasedPredictions], [7, 3, 2])
    assert.deepEqual(then.campaigns, [{ name: 'spring', predictions: 3 }])
    const listed = await collect(client.scopePredictions({ kind: 'model', name: 'offers@1' }))
    assert.deepEqual(
      listed.filter(({ state }) => state === 'erased').map(({ seq, subject }) => [seq, subject]),
      [
        [night, undefined],
        [night, undefined],
      ],
    )
    const told = await site.whence('rollback', 'scope', 'model:offers@1')
    assert.match(
      told.stdout,
      /7 predictions about 3 people by offers@1, 4 of them in batches, 2 about people who were erased/,
    )
  })

  test('are the same when the tables are made again', async () => {
    const before = await client.scope({ kind: 'model', name: 'offers' })
    const impact = await client.lineageImpact({ node: 'model:offers@1', asOf: night + 1 })
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    client = server.client
    const again = await client.scope({ kind: 'model', name: 'offers' })
    assert.deepEqual({ ...again, asOf: 0, consent: 0 }, { ...before, asOf: 0, consent: 0 })
    assert.deepEqual(await client.lineageImpact({ node: 'model:offers@1', asOf: night + 1 }), impact)
  })

  test('in a file that is lost are said to be missing, and counted again when it is back', async () => {
    const name = join(site.data, 'predictions', hash('sha256', 'local\0night').slice(0, 32))
    const [rows, ids] = [`${name}.parquet`, `${name}.ids`]
    await rename(rows, `${rows}.away`)
    const { predictions } = await client.scope({ kind: 'model', name: 'offers' })
    assert.deepEqual([predictions.predictions, predictions.people, predictions.unread], [10, 4, 2])
    const impact = await client.lineageImpact({ node: 'model:offers@1' })
    assert.equal(impact.counts.unreadPredictions, 2)
    assert.ok(impact.notes.some((note) => note.includes('cannot be read')))
    await rename(`${rows}.away`, rows)
    assert.deepEqual(await scope('offers'), [10, 7, 4, 3])
    // Without its index nobody knows whether an action was made from it: it is not recorded without its model.
    await rename(ids, `${ids}.away`)
    const { results } = await client.proposeAll([
      offer('a-lost', 'p-2', ['n-1'], 'lost'),
      offer('a-well', 'p-2', ['s-2'], 'lost'),
    ])
    assert.deepEqual(
      results.map((one) => ('problem' in one ? one.problem.code : one.decision)),
      ['altered', 'released'],
    )
    await refused(client.propose(offer('a-lost', 'p-2', ['n-1'], 'lost')), 'altered')
    await rename(`${ids}.away`, ids)
    assert.equal((await client.propose(offer('a-lost', 'p-2', ['n-1'], 'lost'))).decision, 'released')
    await truncate(rows, 100)
    assert.equal((await client.scope({ kind: 'model', name: 'offers@1' })).predictions.unread, 2)
  })
})

suite('a batch that was made from a snapshot', () => {
  let site: Site
  let server: Running
  let thread: Thread

  before(async () => {
    site = await Site.make()
    server = await site.start()
    thread = await follow(server.client)
  })
  after(() => site.remove())

  test('is reached from the view, by whatever model it was made', async () => {
    const { client } = server
    const [before, run] = [
      await client.lineageImpact({ node: 'view:reader@v1' }),
      await client.lineageImpact({ node: `version:view:reader@v1@${thread.snapshot.id}` }),
    ]
    await client.registerModel({ name: 'plain', predicts: 'a purchase', metrics: {} })
    await client.predictBatch({ batch: 'of the view', model: 'plain@1', snapshot: thread.snapshot.id }, [
      prediction(customers[0]!, 'v-1'),
      { ...prediction(customers[1]!, 'v-2') },
      { id: 'v-3', entity: 'somebody-else', score: 0.5 },
    ])
    await client.predictBatch({ batch: 'of nothing', model: 'plain@1' }, [
      { id: 'w-1', entity: 'a-stranger', score: 0.5 },
    ])
    const [after, ofRun] = [
      await client.lineageImpact({ node: 'view:reader@v1' }),
      await client.lineageImpact({ node: `version:view:reader@v1@${thread.snapshot.id}` }),
    ]
    assert.equal(after.counts.predictions, before.counts.predictions + 4)
    assert.equal(after.counts.people, before.counts.people + 2)
    assert.ok(after.models.some(({ model, people }) => model === 'plain@1' && people === 4))
    // Of a snapshot only what was made from it.
    assert.equal(ofRun.counts.predictions, run.counts.predictions + 3)
    assert.equal(ofRun.counts.predictionsInBatches, 3)
    assert.equal(ofRun.counts.people, run.counts.people + 1)
    const scope = await client.scope({ kind: 'view', name: 'reader@v1' })
    assert.deepEqual([scope.predictions.inBatches, scope.predictions.people], [4, after.counts.people])
    assert.ok(scope.scopes.some(({ name }) => name === 'plain@1'))
  })
})
