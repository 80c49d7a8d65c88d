// Rollbacks where something fails: a system that says yes and does nothing, the process killed between two steps, two at once.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, suite, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client, RollbackRequest } from '@whence/sdk'
import { farEnd } from '../../server/src/path/actions/connectors/testing.ts'
import type { FarEnd } from '../../server/src/path/actions/connectors/testing.ts'
import { readLock } from '../../server/src/store/lock.ts'
import { refused } from '../answers.ts'
import { message, purposes } from '../messages.ts'
import { main, Site } from '../site.ts'
import type { Running } from '../site.ts'

/** A campaign with three sent, three queued, and a price that it changed; gives what would take it back. */
async function campaign(client: Client, far: FarEnd, name: string): Promise<RollbackRequest> {
  await client.apply({
    files: [
      purposes,
      {
        path: 'shop.yaml',
        text: `kind: Connector\nname: shop\ntype: http\nurl: ${far.url}\nowns: { campaigns: ['*'], prices: ['*'] }\nretries: 0\ntimeout: 2s\nconfirmWithin: 1s\n`,
      },
      {
        path: 'playbook.yaml',
        text: `kind: Playbook\nname: tells\ntell: [{ who: legal, url: '${far.url}/objects/flag/told' }]\n`,
      },
    ],
  })
  const priced = (id: string, price: number) => ({
    id: `${name}-${id}`,
    type: 'bid' as const,
    actor: { type: 'service' as const, id: 'pricer' },
    campaign: name,
    purpose: 'service',
    output: { value: { price } },
  })
  const { receipt } = await client.propose(priced('old-price', 10))
  const sale = (i: number) =>
    message(`${name}-${i}`, `${name}-person-${i}`, {
      campaign: name,
      address: `p${i}@example.com`,
      output: { copy: [{ part: 'subject', text: 'Half the price' }] },
    })
  await client.proposeAll(Array.from({ length: 6 }, (_, i) => sale(i)))
  await client.propose(priced('new-price', 5))
  const { claims } = await client.claim({ campaign: name, types: ['send'], limit: 3 })
  await client.acknowledge(claims.map(({ claim }) => ({ claim, status: 'sent' as const })))
  far.campaigns.set(name, { status: 'running', sent: 3, toSend: 6 })
  far.objects.set(`price/${name}`, 5)
  return requestFor(name, receipt.seq + 1)
}

const requestFor = (name: string, to: number): RollbackRequest => ({
  kind: 'campaign',
  name,
  reason: 'a wrong price',
  degrees: ['pause', 'revert', 'compensate'],
  revert: { to, objects: [{ kind: 'price', id: name }] },
  compensate: { copy: [{ part: 'subject', text: 'A correction' }] },
  playbook: 'tells',
})

/** What must be true in the end, however it came to that. */
async function undone(client: Client, far: FarEnd, name: string, id: string): Promise<void> {
  const { state, steps } = await client.rollback(id)
  assert.equal(state, 'done', JSON.stringify(steps))
  assert.deepEqual(
    steps.map((step) => [step.do, step.state]),
    ['pause', 'pause in system', 'take back', 'write', 'compensate', 'tell'].map((one) => [one, 'done']),
  )
  assert.equal(far.campaigns.get(name)!.status, 'paused')
  assert.equal(far.objects.get(`price/${name}`), 10)
  const scope = await client.scope({ kind: 'campaign', name })
  assert.deepEqual(
    scope.groups.map((one) => [one.state, one.actions]),
    [
      // The prices, which no sender asked for.
      ['recalled', 5],
      ['sent', 3],
    ],
  )
  const corrections = await client.actions({ campaign: `rollback-${id.slice(0, 12)}`, limit: 100 })
  assert.equal(corrections.actions.length, 3)
  assert.deepEqual((await client.verify()).problems, [])
}

suite('a rollback in which something fails', () => {
  let site: Site
  let server: Running
  let far: FarEnd

  before(async () => {
    far = await farEnd()
    site = await Site.make()
    server = await site.start()
  })
  after(async () => {
    await site.remove()
    await far.close()
  })

  test('stops there, does the rest, and goes on without doing anything twice', async () => {
    const { client } = server
    const request = await campaign(client, far, 'lies')
    const { id, cannot } = await client.planRollback(request)
    assert.ok(!cannot.some((one) => one.includes('price')), cannot.join())
    far.obeys = () => false
    const stopped = await client.applyRollback({ ...request, plan: id })
    assert.equal(stopped.state, 'stopped')
    assert.deepEqual(
      stopped.steps.filter(({ state }) => state === 'failed').map((step) => step.do),
      ['pause in system', 'write'],
    )
    assert.match(stopped.steps.find((step) => step.do === 'write')!.says, /unconfirmed/)
    // Another of the same scope waits for this one.
    const other = { kind: 'campaign' as const, name: 'lies', reason: 'again', degrees: ['pause' as const] }
    const second = await client.planRollback(other)
    await refused(client.applyRollback({ ...other, plan: second.id }), 'conflict')
    far.obeys = () => true
    far.misbehave = (_, response) => (response.writeHead(503).end(), true)
    assert.equal((await client.resumeRollback(id.slice(0, 12))).state, 'stopped')
    far.misbehave = () => false
    const before = far.requests.filter((line) => line.startsWith('POST')).length
    await client.resumeRollback(id)
    assert.equal(far.requests.filter((line) => line.startsWith('POST')).length, before, 'nobody is told twice')
    await undone(client, far, 'lies', id)
    const report = await client.rollbackReport(id)
    assert.deepEqual(
      report.remains.filter((line) => line.includes('is not done')),
      [],
    )
  })

  test('refuses a plan whose price has been changed by somebody else meanwhile', async () => {
    const { client } = server
    const request = await campaign(client, far, 'moved')
    const { id } = await client.planRollback(request)
    far.objects.set('price/moved', 7)
    await refused(client.applyRollback({ ...request, plan: id }), 'conflict')
    assert.equal(far.objects.get('price/moved'), 7)
    assert.equal(far.campaigns.get('moved')!.status, 'running')
  })
})

test('a rollback whose process is killed between two steps is finished by the next start, each step once', async (t) => {
  const far = await farEnd()
  t.after(() => far.close())
  // Each question to the far end stands between two records: killed at every one of them, in runs of their own.
  const site = await Site.make()
  t.after(() => site.remove())
  for (let at = 1; ; at++) {
    const name = `killed-${at}`
    const first = await site.start()
    const request = await campaign(first.client, far, name)
    const { id } = await first.client.planRollback(request)
    await first.stop()

    const child = site.spawn([main, 'up', '--port', '0', '--json'])
    const ended = once(child, 'close')
    await once(child.stdout!, 'data')
    const { url, token } = readLock(site.data)!
    let [asked, killed] = [0, false]
    // The plan is worked out again first, which asks for the price: that is no step.
    far.misbehave = () => {
      if (++asked !== at + 1) return false
      killed = true
      child.kill('SIGKILL')
      return true
    }
    const cut = createClient({ url: url!, key: token! })
      .applyRollback({ ...request, plan: id })
      .then(
        () => 'answered',
        () => 'cut off',
      )
    await Promise.race([ended, cut])
    const how = killed ? 'cut off' : 'answered'
    if (!killed) child.kill('SIGTERM')
    await ended
    assert.equal(await cut, how)
    far.misbehave = () => false

    const second = await site.start()
    if (killed)
      for (let waited = 0; (await second.client.rollback(id)).state === 'running'; waited++) {
        assert.ok(waited < 600, 'it goes on by itself')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    await undone(second.client, far, name, id)
    await second.stop()
    if (!killed) {
      assert.ok(at > 5, `it was killed at ${at - 1} places`)
      return
    }
  }
})
