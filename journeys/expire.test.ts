// Old snapshots of tables are let go, but for those that something needs; and what an explanation says once its snapshot
// has expired.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Client, Snapshot, TablesExpired } from '@whence/sdk'
import { run as runCommand } from '../server/src/cli/testing.ts'
import { refused } from './answers.ts'
import { json, send } from './request.ts'
import { customers, follow, modelName, prediction, reader, scored } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const TABLE = 'features.reader_v1'
const before2100 = '2100-01-01T00:00:00Z'

let site: Site
let server: Running
let whence: Client
let thread: Thread
/** Snapshots of the view: from the first, single predictions were made; from the second a batch; from the others none. */
let used: Snapshot, batched: Snapshot, idle: Snapshot, second: Snapshot, current: Snapshot

before(async () => {
  site = await Site.make()
  server = await site.start()
  whence = server.client
  thread = await follow(whence)
  used = thread.snapshot
  const more = ['02', '03', '04', '05'].map((day) => ({ view: 'reader', at: `2026-03-${day}T00:00:00Z` }))
  const made: Snapshot[] = []
  for (const request of more) made.push(await whence.materialize(request))
  ;[batched, idle, second, current] = made as [Snapshot, Snapshot, Snapshot, Snapshot]
  const rows = customers.slice(0, 4).map((customer, i) => prediction(customer, `row-${i}`))
  await whence.predictBatch({ batch: 'nightly', model: modelName, snapshot: batched.id }, rows)
})
after(() => site?.remove())

const ask = (more: object = {}): Promise<TablesExpired> =>
  whence.expireTables({ tables: [TABLE], before: before2100, dryRun: true, ...more })
const ids = (answer: TablesExpired): number[] => answer.expired.map(({ snapshot }) => Number(snapshot))
const history = async (): Promise<number[]> => (await whence.table(TABLE)).history.map(({ id }) => Number(id))

test('over HTTP it takes an admin, a time, and tables that are there', async () => {
  const body = JSON.stringify({ before: before2100 })
  const post = (token?: string, text = body) =>
    send({ url: server.url, ...(token === undefined ? {} : { token }) }, 'POST', '/v1/tables/expirations', {
      headers: json,
      body: text,
    })
  const { secret } = await whence.issueKey({ name: 'engine', scopes: ['read'], source: 'engine' })
  assert.deepEqual([(await post()).status, (await post(secret)).status], [401, 403])
  assert.equal((await post(server.token, '{}')).status, 400)
  assert.equal((await post(server.token, JSON.stringify({ before: 'yesterday' }))).code, 'invalid')
  await refused(ask({ tables: ['features.nothing_v1'] }), 'not_found')
  await refused(ask({ keep: 0 }), 'invalid')
  const answer = await post(server.token, JSON.stringify({ before: '2020-01-01T00:00:00Z' }))
  assert.deepEqual(JSON.parse(answer.body), { expired: [], kept: [], dryRun: false })
})

test('what predictions were made from stays, singly or in batches, and the answer says why', async () => {
  const answer = await ask()
  assert.deepEqual(ids(answer), [idle.id, second.id])
  assert.deepEqual(
    answer.kept.map(({ snapshot, why }) => [Number(snapshot), why]),
    [
      [used.id, ['10 predictions were made from it']],
      [batched.id, ['4 predictions were made from it']],
    ],
  )
  assert.deepEqual(ids(await ask({ keep: 3 })), [])
  assert.deepEqual(ids(await ask({ keep: 2 })), [idle.id])
  assert.equal((await history()).length, 5, 'nothing has happened')
})

test('what a live model takes its inputs from stays, until its alias is gone', async () => {
  const alias = (version: number | null) => whence.setAlias('opens', 'champion', { version })
  await alias(1)
  const answer = await ask()
  assert.deepEqual(ids(answer), [])
  assert.ok(
    answer.kept.every(({ why }) => why.some((each) => each.includes('opens@1 is live (champion in production)'))),
  )
  await alias(null)
  assert.deepEqual(ids(await ask()), [idle.id, second.id])
})

test('the command says what would go and what is needed, and how it is called', async () => {
  const run = (...args: string[]) => runCommand(['expire', ...args], whence)
  const dry = await run(TABLE, '--before', '2100-01-01', '--dry-run')
  assert.equal(dry.code, 0, dry.stderr)
  assert.deepEqual(dry.stdout.trim().split('\n'), [
    `- ${TABLE}   ${idle.id}`,
    `- ${TABLE}   ${second.id}`,
    `= ${TABLE}   ${used.id}   10 predictions were made from it`,
    `= ${TABLE}   ${batched.id}   4 predictions were made from it`,
    '2 snapshots would go, 2 kept because they are needed',
  ])
  const young = await run('--before', '30d', '--json')
  assert.deepEqual(JSON.parse(young.stdout), { expired: [], kept: [], dryRun: false })
  for (const args of [
    [],
    ['--before', 'soon'],
    ['--before', '2100-01-01', '--keep', '0'],
    ['--before', '2100-01-01', '--kep', '2'],
  ])
    assert.equal((await run(...args)).code, 2, args.join(' '))
  assert.equal((await run('features.nothing_v1', '--before', '2100-01-01')).code, 1)
  assert.match((await run('--help')).stdout, /--before T/)
  assert.equal((await history()).length, 5)

  const one = await run(TABLE, '--before', '2100-01-01', '--keep', '2', '--json')
  assert.deepEqual(ids(JSON.parse(one.stdout) as TablesExpired), [idle.id])
  assert.deepEqual(await history(), [used.id, batched.id, second.id, current.id])
})

test('two at once let each snapshot go once; it is gone from the disk, and asking for it says so', async () => {
  const both = await Promise.all([ask({ dryRun: false }), ask({ dryRun: false })])
  assert.deepEqual(both.flatMap(ids), [second.id])
  assert.deepEqual(ids(await ask({ dryRun: false })), [])
  assert.deepEqual(await history(), [used.id, batched.id, current.id])
  for (const { files } of [idle, second])
    for (const { path } of files) assert.equal(existsSync(join(site.data, path)), false, path)
  const answer = await send(server, 'GET', `/v1/snapshots/${idle.id}/rows`)
  assert.deepEqual([answer.status, answer.code], [404, 'not_found'])
  assert.match(answer.body, /has expired: its rows were let go by record \d+/)
  assert.deepEqual((await whence.verify()).problems, [])
})

test('an explanation after expiry says so first, and recomputes what was served from the events', async () => {
  const inputs = { ...reader(customers[1]!, '2026-03-03T00:00:00Z') }
  const given = { entity: customers[1]!, time: '2026-03-03T06:00:00Z', ...scored(inputs) }
  await whence.predict({
    model: modelName,
    snapshot: idle.id,
    predictions: [
      { ...given, id: 'late', inputs },
      { ...given, id: 'odd', inputs: { ...inputs, opens_90d: 17 } },
    ],
  })
  for (const again of [false, true]) {
    if (again) {
      // Not of this run's memory: the record says it.
      await server.stop()
      await site.forgetTables()
      server = await site.start()
      whence = server.client
    }
    const late = await whence.explain('late')
    assert.ok(late.alerts.some(({ truth, text }) => truth === 'missing' && /has expired.*let go by record/.test(text)))
    const claim = late.claims.find(({ subject }) => subject === 'snapshot')!
    assert.deepEqual([claim.truth, claim.integrity], ['missing', 'intact'])
    assert.match(claim.note!, /snapshot expired/)
    assert.ok(late.inputs.length === 4 && late.inputs.every(({ truth }) => truth === 'recomputed'))
    for (const { name, served, recomputed, stored } of late.inputs)
      assert.deepEqual([served, recomputed, stored], [inputs[name as keyof typeof inputs], served, undefined], name)
    assert.equal(late.score.truth, 'recomputed')
    assert.equal(late.counts.contradicted, 0)
    const odd = await whence.explain('odd')
    assert.ok(odd.alerts.some(({ text }) => /opens_90d was served as 17/.test(text)))
    assert.equal(odd.inputs.find(({ name }) => name === 'opens_90d')!.truth, 'contradicted')
  }
  const text = await site.whence('explain', 'late')
  assert.match(text.stdout.replace(/\s+/g, ' '), /missing: Snapshot \d+ has expired/)
  const { url } = await whence.link('late')
  assert.match(await (await fetch(url)).text(), /has expired: its rows were let go by record/)
})
