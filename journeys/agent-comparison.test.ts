// An agent in shadow proposes beside the one whose place it would take: nothing of it goes out, and the two are compared.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { purposes } from './messages.ts'
import type { Given } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const agent = (name: string, more = '') =>
  `kind: Agent\nname: ${name}\nowner: mail\n${more}configurations:\n  usual: { channels: [email, push] }\n`
const gates = `
kind: GateChain
name: mail
gates:
  - { name: pii, kind: pii }
  - { name: length, kind: brand, lengths: { text: { most: 20 } }, shadow: true }
`

let site: Site
let server: Running
let client: Client

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  await client.apply({
    files: [
      purposes,
      { path: 'older.yaml', text: agent('older') },
      { path: 'newer.yaml', text: agent('newer', 'mode: shadow\nbeside: older\n') },
      { path: 'gates.yaml', text: gates },
    ],
  })
})
after(() => site.remove())

const by = (name: string, n: number | string, text: string, more: Given = {}) => ({
  id: `${name}-${n}`,
  type: 'send' as const,
  actor: { type: 'agent' as const, id: name, configuration: 'usual' },
  entity: `person-${n}`,
  channel: 'email',
  campaign: 'spring',
  purpose: 'service',
  time: '2026-03-06T10:00:00Z',
  output: { copy: [{ part: 'text', text }] },
  ...more,
})

test('pairs, agreement, verdicts side by side, and what became of what the incumbent sent', async () => {
  await client.proposeAll([
    by('older', 1, 'hello', { creative: 'a' }),
    by('older', 2, 'hello'),
    by('older', 3, 'write to b@example.net'),
    by('older', 4, 'hello', { inputs: { predictions: ['p-4'] } }),
    by('older', 5, 'alone'),
    by('older', 6, 'hello'),
  ])
  const told = await client.proposeAll([
    by('newer', 1, 'hello', { creative: 'a' }),
    by('newer', 2, 'a much longer way to say hello, and c@example.net'),
    by('newer', 3, 'hello'),
    by('newer', 4, 'hello', { inputs: { predictions: ['p-4'] }, time: '2026-03-09T10:00:00Z', creative: 'b' }),
    by('newer', 6, 'hello', { campaign: 'summer' }),
    by('newer', 7, 'hello'),
  ])
  assert.ok(told.results.every((one) => 'decision' in one && one.shadow === true))
  const { claims } = await client.claim({ limit: 3 })
  assert.deepEqual(claims.map(({ action }) => action).sort(), ['older-1', 'older-2', 'older-4'])
  await client.acknowledge(claims.map(({ claim }) => ({ claim, status: 'sent' as const, providerId: `m-${claim}` })))
  const compared = await client.agentComparison('newer')
  assert.equal(compared.incumbent, 'older')
  assert.deepEqual(compared.proposals, { shadow: 6, incumbent: 6 })
  assert.deepEqual([compared.pairs, compared.by], [4, { prediction: 1, day: 3 }])
  assert.deepEqual(compared.alone, { shadow: 2, incumbent: 2 })
  assert.deepEqual(compared.agreement, {
    decision: { same: 2, of: 4 },
    creative: { same: 1, of: 2 },
    value: { same: 0, of: 0 },
    copy: { same: 2, of: 4 },
  })
  assert.deepEqual(
    new Set(compared.decisions.map((one) => `${one.shadow}/${one.incumbent} ${one.pairs}`)),
    new Set(['released/released 2', 'held/released 1', 'released/held 1']),
  )
  const gate = (name: string) => compared.gates.find((one) => one.gate === name)!
  assert.deepEqual(gate('pii'), {
    gate: 'pii',
    policy: 'mail',
    shadow: { pass: 3, hold: 1, refuse: 0 },
    incumbent: { pass: 3, hold: 1, refuse: 0 },
    differ: 2,
  })
  assert.equal(gate('length').shadow.hold, 1)
  assert.deepEqual(gate('agent'), {
    gate: 'agent',
    policy: 'its own file',
    shadow: { pass: 4, hold: 0, refuse: 0 },
    incumbent: { pass: 4, hold: 0, refuse: 0 },
    differ: 0,
  })
  assert.deepEqual(
    compared.outcomes.map(({ shadow, released, sent }) => [shadow, released, sent]),
    [
      ['released', 2, 2],
      ['held', 1, 1],
      ['absent', 2, 0],
    ],
  )
  assert.deepEqual(
    compared.differing.map(({ shadow, differ }) => [shadow.id, differ.join()]),
    [
      ['newer-4', 'creative'],
      ['newer-3', 'decision,copy'],
      ['newer-2', 'decision,copy'],
    ],
  )
  assert.ok(!JSON.stringify(compared).includes('example.net'))
})

test('a window, a limit that takes both as far back, an incumbent by name, and nobody to compare with', async () => {
  const later = await client.agentComparison('newer', { since: '2026-03-08T00:00:00Z' })
  assert.deepEqual([later.proposals.shadow, later.proposals.incumbent, later.pairs], [1, 0, 0])
  const few = await client.agentComparison('newer', { incumbent: 'older', limit: 1 })
  assert.equal(few.more, true)
  assert.equal(few.since, '2026-03-09T10:00:00.000000Z')
  await assert.rejects(client.agentComparison('older'), { code: 'invalid' })
  await assert.rejects(client.agentComparison('newer', { incumbent: 'newer' }), { code: 'invalid' })
  assert.equal((await client.agentComparison('newer', { incumbent: 'nobody' })).pairs, 0)
})

test('what an agent proposed before it went into shadow is not of its shadow', async () => {
  const compared = await client.agentComparison('older', { incumbent: 'newer' })
  assert.deepEqual(compared.proposals, { shadow: 0, incumbent: 0 })
})

test('erased people are counted, not compared', async () => {
  await client.erase({ identifier: 'person-1', basis: 'request' })
  const compared = await client.agentComparison('newer')
  assert.deepEqual(compared.unread, { shadow: 1, incumbent: 1 })
  assert.equal(compared.pairs, 3)
})

test('what concerns nobody is paired too: a bid beside a bid', async () => {
  const bid = (name: string, cents: number) => {
    const { entity: _, ...rest } = by(name, `bid-${cents}`, '', { type: 'bid', campaign: 'auction' })
    return { ...rest, output: { value: { cents } } }
  }
  await client.proposeAll([bid('older', 10), bid('newer', 12)])
  const compared = await client.agentComparison('newer', { since: '2026-03-06T00:00:00Z' })
  assert.equal(compared.pairs, 4)
  assert.deepEqual(compared.agreement.value, { same: 0, of: 1 })
})

test('outcomes are those of the incumbent, apart by what the shadow would have done, each action once', async () => {
  const outcome = (action: string, type: 'delivered' | 'opened' | 'complained', n = 0) => ({
    id: `${action}-${type}-${n}`,
    type,
    action,
  })
  const told = await client.recordOutcomes([
    outcome('older-2', 'delivered'),
    outcome('older-2', 'opened'),
    outcome('older-2', 'opened', 1),
    outcome('older-2', 'complained'),
    outcome('older-4', 'delivered'),
    outcome('newer-4', 'opened'),
  ])
  assert.equal(told.results.length, 6)
  const { outcomes } = await client.agentComparison('newer')
  const of = (shadow: string) => {
    const one = outcomes.find((each) => each.shadow === shadow)!
    return [one.sent, one.rates.flatMap(({ type, actions }) => (actions > 0 ? [`${type} ${actions}`] : [])).join()]
  }
  assert.deepEqual(of('held'), [1, 'delivered 1,opened 1,complained 1'], 'what the shadow would have been kept from')
  assert.deepEqual(of('released'), [1, 'delivered 1'], 'of two, the person of one was erased')
  const rate = outcomes.find(({ shadow }) => shadow === 'held')!.rates.find(({ type }) => type === 'opened')!
  assert.deepEqual([rate.share, rate.high], [1, 1])
  assert.ok(rate.low > 0 && rate.low < 0.3, 'one of one is little to go by')
})

test('whence agents compare shows it', async () => {
  const here = ['--url', server.url, '--key', server.token]
  const ran = await site.whence('agents', 'compare', 'newer', 'older', ...here)
  assert.equal(ran.code, 0, ran.stderr)
  assert.match(ran.stdout, /newer would have been decided as older in \d of 4 pairs/)
  assert.match(ran.stdout, /what came of what older sent/)
  const none = await site.whence('agents', 'compare', 'newer', 'nobody', ...here)
  assert.equal(none.code, 1)
})
