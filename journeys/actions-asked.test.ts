// Actions asked about: listed by what one knows of them, explained with the spans that name them, and what an opt-out found.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { decide, traced } from './agent.ts'
import { purposes } from './messages.ts'
import type { Given } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let client: Client
let here: string[]

before(async () => {
  site = await Site.make()
  server = await site.start()
  client = server.client
  here = ['--url', server.url, '--key', server.token]
  await client.apply({ files: [purposes] })
})
after(() => site.remove())

const message = (id: string, entity: string, more: Given = {}) => ({
  id,
  type: 'send' as const,
  actor: { type: 'service' as const, id: 'mailer' },
  entity,
  channel: 'email',
  purpose: 'newsletter',
  campaign: 'spring-sale',
  output: { copy: [{ part: 'subject', text: 'Your spring offer, Anna' }] },
  ...more,
})

test('an explanation tells what spans say of the action, and where they say something else', async () => {
  await client.propose(
    message('send-42', 'user-42', {
      model: { name: 'gpt-4o', version: 'gpt-4o-2024-08-06', provider: 'openai' },
      prompt: { template: 'subject-line', version: '7', text: 'Write to Anna about boots.' },
    }),
  )
  await client.propose(
    message('send-43', 'user-43', { output: { copy: [{ part: 'subject', text: 'Something else' }] } }),
  )
  assert.deepEqual((await client.action('send-42')).traces, [], 'before any span came')
  const { provider, flush } = traced(server, 'json')
  const trace = decide(provider)
  const other = decide(provider, { action: 'send-43', agent: { 'whence.entity': 'user-43' } })
  await flush()
  await provider.shutdown()
  const [told] = (await client.action('send-42')).traces
  assert.equal(told!.trace, trace)
  assert.equal(told!.spans, 3)
  assert.equal(told!.said.tools[0]!.name, 'look_up')
  const held = Object.fromEntries(told!.held.map(({ what, agrees }) => [what, agrees]))
  for (const what of ['campaign', 'channel', 'prompt template', 'prompt version', 'prompt', 'copy subject'])
    assert.equal(held[what], true, `${what}: ${JSON.stringify(told!.held)}`)
  const differs = await client.action('send-43')
  assert.equal(differs.traces[0]!.trace, other)
  assert.ok(differs.traces[0]!.held.some(({ what, agrees }) => what === 'copy subject' && !agrees))
  assert.ok(differs.alerts.includes(`The trace ${other} says another copy subject than the proposal.`))
  assert.ok(!JSON.stringify(differs.traces).includes('Anna'), 'spans hold digests, not words')
  const shown = await site.whence('explain', 'send-42', ...here)
  assert.match(shown.stdout, new RegExp(`traced\\n +${trace}`))
  assert.match(shown.stdout, /as in the proposal: .*copy subject/)
})

test('an opt-out says what was suppressed, and what a sender has already', async () => {
  await client.proposeAll([
    message('held-1', 'leaving', { campaign: 'first' }),
    message('held-2', 'leaving', { campaign: 'second' }),
    message('held-3', 'leaving', { campaign: 'third' }),
  ])
  const { claims } = await client.claim({ campaign: 'first' })
  const { claims: done } = await client.claim({ campaign: 'third' })
  await client.acknowledge([{ claim: done[0]!.claim, status: 'sent', providerId: 'mail-3' }])
  const optOut = async (note: string) => {
    const [result] = (await client.optOut({ optOuts: [{ identifier: 'leaving', note }] })).results
    assert.ok(result?.status === 'recorded')
    return result.effects!
  }
  const { suppressed, withSenders } = await optOut('first')
  assert.deepEqual([suppressed, withSenders], [1, 1])
  const back = await client.acknowledge([{ claim: claims[0]!.claim, status: 'returned' }])
  assert.ok('receipt' in back.results[0]!)
  const again = await optOut('again')
  assert.deepEqual([again.suppressed, again.withSenders], [0, 0])
  await client.propose(message('held-4', 'leaving-2'))
  await client.claim()
  const ran = await site.whence('opt-out', '--who', 'leaving-2', ...here)
  assert.match(ran.stdout, /0 queued sends suppressed · 1 already with a sender/)
})

test('whence actions list finds by person, message, campaign, agent, state and time, page by page', async () => {
  await client.proposeAll(
    Array.from({ length: 7 }, (_, i) =>
      message(`page-${i}`, `page-${i}`, { campaign: 'pages', time: `2026-02-0${i + 1}T00:00:00Z` }),
    ),
  )
  const list = async (...args: string[]) => {
    const ran = await site.whence('actions', 'list', '--json', ...args, ...here)
    const told = JSON.parse(ran.stdout) as { actions: { id?: string }[]; next?: number }
    return { code: ran.code, ids: told.actions.map(({ id }) => id), next: told.next }
  }
  assert.deepEqual((await list('--message', 'mail-3')).ids, ['held-3'])
  assert.deepEqual((await list('--subject-identifier', 'leaving', '--state', 'suppressed')).ids, ['held-2', 'held-1'])
  const first = await list('--campaign', 'pages', '--agent', 'mailer', '--limit', '3')
  assert.deepEqual(first.ids, ['page-6', 'page-5', 'page-4'])
  const next = await list('--campaign', 'pages', '--limit', '5', '--before', String(first.next))
  assert.deepEqual([next.ids, next.next], [['page-3', 'page-2', 'page-1', 'page-0'], undefined])
  const between = await list('--campaign', 'pages', '--since', '2026-02-02', '--until', '2026-02-04')
  assert.deepEqual(between.ids, ['page-2', 'page-1'])
  assert.deepEqual(await list('--agent', 'nobody'), { code: 1, ids: [], next: undefined })
  assert.equal((await site.whence('actions', 'list', '--state', 'lost', ...here)).code, 2)
  const shown = await site.whence('actions', 'list', '--campaign', 'pages', '--limit', '2', ...here)
  assert.match(shown.stdout, /page-6.*service:mailer/)
  assert.match(shown.stdout, /there are more: raise --limit, or add --before \d+/)
})
