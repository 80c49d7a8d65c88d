// Consent over the API: receipts, checks at any position, restarts, tables made again, erasure.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { createClient, WhenceError } from '@whence/sdk'
import type { Client, ConsentCheck, ConsentReceipt } from '@whence/sdk'
import { readLock } from '../server/src/store/lock.ts'
import { main, Site } from './site.ts'
import type { Running } from './site.ts'

const text = { first: 'We write to you about offers.', second: 'We write to you about offers, once a week at most.' }
const file = ({ counts = "['1', '2']" } = {}): { path: string; text: string } => ({
  path: 'policies/purposes.yaml',
  text: `
kind: Purposes
name: shop
notices:
  - { version: '1', language: en, text: '${text.first}' }
  - { version: '2', language: en, text: '${text.second}' }
purposes:
  - name: newsletter
    marketing: true
    channels: [email, sms]
    grounds: [{ basis: consent, notices: ${counts} }]
  - { name: invoices, grounds: [{ basis: contract }] }
`,
})

const fails = (code: string) => (error: unknown) => error instanceof WhenceError && error.code === code

let number = 0
const receipt = (identifier: string, more: Partial<ConsentReceipt> = {}): ConsentReceipt => ({
  id: `0197a000-0000-4000-8000-${String(++number).padStart(12, '0')}`,
  version: 1,
  identifier,
  state: 'given',
  time: '2026-03-01T10:00:00Z',
  purposes: [{ purpose: 'newsletter' }],
  notice: { version: '2' },
  language: 'en',
  method: 'form below the basket',
  jurisdiction: 'DE',
  controllers: [{ name: 'The Shop', contact: 'Privacy desk' }],
  thirdParties: ['Mailer Inc'],
  storage: ['DE'],
  retention: 'until withdrawn',
  withdrawal: 'link in every letter',
  ...more,
})

describe('consent', () => {
  let site: Site
  let server: Running
  let client: Client

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    await client.apply({ files: [file()] })
  })
  after(() => site.remove())

  const say = async (...receipts: ConsentReceipt[]) => (await client.recordConsents({ consents: receipts })).results
  const check = (identifier: string, more: object = {}): Promise<ConsentCheck> =>
    client.checkConsent({ identifier, purpose: 'newsletter', channel: 'email', ...more })

  test('is given by a receipt that quotes the notice on the log, and ends with a withdrawal', async () => {
    assert.deepEqual(
      [(await check('c-1')).allowed, (await check('c-1')).code, (await check('c-1')).subject],
      [false, 'unknown', undefined],
    )
    const given = receipt('c-1')
    const [placed] = await say(given)
    assert.ok(placed?.status === 'recorded')
    assert.equal(placed.notice?.sha256, hash('sha256', text.second, 'hex'))
    assert.equal(placed.notice.policy, 'shop@v1')
    const yes = await check('c-1')
    assert.deepEqual(
      [yes.allowed, yes.code, yes.policy, yes.receipt],
      [true, 'given', 'shop@v1', { id: given.id, version: '1', seq: placed.receipt.seq }],
    )
    assert.equal((await say(given))[0]!.status, 'duplicate')
    await say({ ...given, version: 2, state: 'withdrawn', time: '2026-03-05T10:00:00Z' })
    const no = await check('c-1')
    assert.deepEqual([no.allowed, no.code], [false, 'withdrawn'])
    // Before it, as it was then.
    assert.equal((await check('c-1', { at: '2026-03-04T00:00:00Z' })).allowed, true)
    assert.equal((await check('c-1', { asOf: no.because })).allowed, true)
  })

  test('shows what it rests on, and nothing of it in the log', async () => {
    const given = receipt('c-2', { id: 'receipt of somebody', time: '2026-03-01T10:00:00.5Z' })
    const [placed] = await say(given)
    assert.ok(placed?.status === 'recorded')
    const { consents, known } = await client.consents({ identifier: 'c-2' })
    assert.equal(known, true)
    const { identifier: _, time: __, ...fields } = given
    const { time, ...shown } = consents[0]!.receipt
    assert.deepEqual(shown, fields)
    assert.equal(time, '2026-03-01T10:00:00.500000Z')
    assert.equal((await check('c-2')).receipt?.id, 'receipt of somebody')
    const { records } = await client.records({ from: placed.receipt.seq, limit: 1 })
    const { entry } = records[0]!
    assert.deepEqual(entry.refs, { purpose: 'newsletter', state: 'given', channel: '*' })
    assert.doesNotMatch(JSON.stringify(entry), /somebody|c-2|basket|Mailer|10:00:00\.5/)
    assert.deepEqual(await client.consents({ identifier: 'nobody' }), {
      known: false,
      consents: [],
      asOf: (await client.status()).size,
    })
  })

  test('is not given by another content under a known receipt; a refusal under it counts all the same', async () => {
    const given = receipt('c-3', { state: 'requested' })
    await say(given)
    const [again] = await say({ ...given, state: 'given' })
    assert.equal(again!.status, 'conflict')
    assert.equal((await check('c-3')).code, 'requested')
    const other = receipt('c-4')
    await say(other)
    assert.equal((await check('c-4')).allowed, true)
    assert.equal((await say({ ...other, state: 'refused', time: '2026-03-02T10:00:00Z' }))[0]!.status, 'conflict')
    assert.equal((await check('c-4')).code, 'refused')
    assert.equal((await client.consents({ identifier: 'c-4' })).consents[0]!.conflict, true)
  })

  test('refuses what cannot be, each by itself', async () => {
    const results = await say(
      receipt('c-5', { time: '2031-01-01T00:00:00Z' }),
      receipt('c-5', { notice: { version: '2', text: 'Something else.' } }),
      receipt('c-5', { notice: { version: '2', sha256: '0'.repeat(64) } }),
      { ...receipt('c-5'), identifier: undefined },
      receipt('c-5', { time: '2026-02-30T00:00:00Z' }),
      receipt('c-5', { notice: { version: '77', text: 'Unknown here, and kept word for word.' } }),
      receipt('c-5', { notice: { version: '1', text: text.first } }),
    )
    assert.deepEqual(
      results.map(({ status }) => status),
      ['refused', 'refused', 'refused', 'refused', 'refused', 'recorded', 'recorded'],
    )
    const [, , , , , unknown] = results
    assert.ok(unknown?.status === 'recorded' && unknown.notice === undefined)
    await assert.rejects(client.checkConsent({ purpose: 'newsletter' }), fails('invalid'))
    await assert.rejects(
      client.checkConsent({ purpose: 'newsletter', identifier: 'c-1', asOf: 1_000_000 }),
      fails('invalid'),
    )
  })

  test('is judged again under the policies of a position', async () => {
    await say(receipt('c-6', { notice: { version: '1' } }))
    const { asOf } = await check('c-6')
    assert.equal((await check('c-6')).allowed, true)
    await client.apply({ files: [file({ counts: "['2']" })] })
    const now = await check('c-6')
    assert.deepEqual([now.code, now.policy], ['notice', 'shop@v2'])
    const then = await check('c-6', { asOf })
    assert.deepEqual([then.allowed, then.policy, then.asOf], [true, 'shop@v1', asOf])
    assert.equal((await check('c-6', { at: '2026-03-02T00:00:00Z' })).code, 'notice')
    assert.equal((await client.checkConsent({ identifier: 'c-6', purpose: 'invoices' })).code, 'basis')
    assert.equal((await client.checkConsent({ identifier: 'never seen', purpose: 'invoices' })).code, 'basis')
    // No policy at all: only marketing is known.
    await client.apply({ files: [], remove: true })
    assert.equal((await client.checkConsent({ identifier: 'c-6', purpose: 'invoices' })).code, 'purpose')
    assert.equal((await client.checkConsent({ identifier: 'c-6', purpose: 'marketing' })).code, 'unknown')
    await client.apply({ files: [file()] })
    assert.equal((await check('c-6')).allowed, true)
  })

  test('of many is asked at once', async () => {
    const checks = ['c-1', 'c-2', 'nobody'].map((identifier) => ({ identifier, purpose: 'newsletter' }))
    const { allowed, denied, results } = await client.checkConsents({ checks })
    assert.deepEqual([allowed, denied, results.map(({ code }) => code)], [1, 2, ['withdrawn', 'given', 'unknown']])
  })

  test('says the same from memory, from the tables, after a restart and when they were made again', async () => {
    const roll = (sides: number): number => Math.floor(Math.random() * sides)
    const people = Array.from({ length: 12 }, (_, i) => `r-${i}`)
    for (let round = 0; round < 10; round++) {
      const receipts = Array.from({ length: 12 }, () =>
        receipt(people[roll(12)]!, {
          state: (['given', 'renewed', 'withdrawn', 'requested', 'given'] as const)[roll(5)]!,
          time: `2026-04-0${1 + roll(9)}T10:00:00Z`,
          purposes: [
            { purpose: 'newsletter', ...(roll(2) ? { channels: [['email', 'sms'][roll(2)]!] } : {}) },
            ...(roll(3) ? [] : [{ purpose: 'invoices', state: 'refused' as const }]),
          ],
          ...(roll(3) ? {} : { expires: `2026-0${5 + roll(5)}-01T00:00:00Z` }),
        }),
      )
      await say(...receipts)
      const channel = roll(2) ? { channel: 'email' } : {}
      await client.object({
        identifier: people[roll(12)]!,
        purpose: 'marketing',
        time: `2026-04-0${1 + roll(9)}T12:00:00Z`,
        ...channel,
        ...(roll(3) ? {} : { withdrawn: true as const }),
      })
    }
    const checks = people.flatMap((identifier) =>
      [{}, { channel: 'email' }, { channel: 'sms' }].map((more) => ({ identifier, purpose: 'newsletter', ...more })),
    )
    const answers = async (more: object = {}): Promise<unknown[]> =>
      (await client.checkConsents({ checks: checks.map((each) => ({ ...each, ...more })) })).results.map(
        ({ at: _, ...verdict }) => verdict,
      )
    const live = await answers()
    assert.ok(new Set(live.map((each) => (each as ConsentCheck).code)).size >= 3, 'too little is tried')
    const at = new Date().toISOString()
    assert.deepEqual(await answers({ at }), live)
    await server.stop()
    server = await site.start()
    client = server.client
    const { size } = await client.status()
    const asOf = (verdicts: unknown[]): unknown[] => verdicts.map((each) => ({ ...(each as ConsentCheck), asOf: size }))
    assert.deepEqual(asOf(await answers()), asOf(live))
    await server.stop()
    server = await site.start({ rebuild: () => {} })
    client = server.client
    assert.deepEqual(asOf(await answers()), asOf(live))
    assert.deepEqual(asOf(await answers({ at })), asOf(live))
  })

  test('ends with an erasure, in memory and in the tables', async () => {
    await say(receipt('c-9'), receipt('c-9', { state: 'renewed' }))
    assert.equal((await check('c-9')).allowed, true)
    const { subject } = await check('c-9')
    const { rowsDeleted } = await client.erase({ identifier: 'c-9', basis: 'request of the person' })
    assert.equal(rowsDeleted.consent, 2)
    assert.equal((await check('c-9')).code, 'erased')
    assert.equal((await client.checkConsent({ subject: subject!, purpose: 'invoices' })).code, 'erased')
    assert.equal((await client.checkConsent({ identifier: 'c-9', purpose: 'invoices' })).code, 'erased')
    assert.equal((await say(receipt('c-9')))[0]!.status, 'refused')
    await assert.rejects(client.consents({ identifier: 'c-9' }), fails('not_found'))
  })

  test('an opt-out and a check at once: whatever is acknowledged is known', async () => {
    await Promise.all(
      Array.from({ length: 40 }, async (_, i) => {
        const identifier = `race-${i}`
        await say(receipt(identifier))
        assert.equal((await check(identifier)).allowed, true)
        await client.object({ identifier, purpose: 'marketing' })
        assert.equal((await check(identifier)).code, 'objected')
      }),
    )
  })

  test('a clock that is set back takes no opt-out away', async () => {
    const other = await Site.make()
    let behind = 0
    const clock = { now: () => Date.now() * 1000 - behind }
    try {
      const { client: there } = await other.start({ clock })
      const who = { identifier: 'c-1', purpose: 'marketing' }
      const { results } = await there.recordConsents({
        consents: [{ id: 'r', version: 1, identifier: 'c-1', state: 'given', purposes: [{ purpose: 'marketing' }] }],
      })
      assert.equal(results[0]!.status, 'recorded')
      assert.equal((await there.checkConsent(who)).allowed, true)
      await there.object({ identifier: 'c-1', purpose: 'marketing' })
      behind = 200_000_000
      assert.equal((await there.checkConsent(who)).allowed, false)
      // By a sender whose clock is ahead, it counts from its record.
      behind = 0
      const ahead = new Date(Date.now() + 200_000).toISOString()
      await there.optOut({ optOuts: [{ identifier: 'c-2', time: ahead }] })
      assert.equal((await there.checkConsent({ ...who, identifier: 'c-2' })).code, 'objected')
    } finally {
      await other.remove()
    }
  })

  test('what was acknowledged before the process was killed is known after it', async () => {
    const other = await Site.make()
    try {
      const child = other.spawn([main, 'up', '--port', '0'])
      const token = await new Promise<{ url: string; token: string }>((resolve) => {
        const look = setInterval(() => {
          const lock = readLock(other.data)
          if (!lock?.url || !lock.token) return
          clearInterval(look)
          resolve({ url: lock.url, token: lock.token })
        }, 50)
      })
      const there = createClient({ url: token.url, key: token.token })
      for (let i = 0; i < 20; i++) {
        const identifier = `k-${i}`
        await there.recordConsents({
          consents: [{ id: `r-${i}`, version: 1, identifier, state: 'given', purposes: [{ purpose: 'marketing' }] }],
        })
        if (i % 2 === 0) await there.optOut({ optOuts: [{ identifier }] })
      }
      const gone = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGKILL')
      await gone
      const { client: after } = await other.start()
      const checks = Array.from({ length: 20 }, (_, i) => ({ identifier: `k-${i}`, purpose: 'marketing' }))
      const { results } = await after.checkConsents({ checks })
      assert.deepEqual(
        results.map(({ code }) => code),
        checks.map((_, i) => (i % 2 === 0 ? 'objected' : 'given')),
      )
    } finally {
      await other.remove()
    }
  })
})
