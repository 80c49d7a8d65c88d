// Opting out: by the API, by a list, by one click. What is acknowledged is known to every check that comes after it.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { WhenceError } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const fails = (code: string) => (error: unknown) => error instanceof WhenceError && error.code === code

describe('opting out', () => {
  let site: Site
  let server: Running
  let client: Client
  let number = 0

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
  })
  after(() => site.remove())

  const allow = (identifier: string) =>
    client.recordConsents({
      consents: [{ id: `r-${++number}`, version: 1, identifier, state: 'given', purposes: [{ purpose: 'marketing' }] }],
    })
  const check = async (identifier: string, channel = 'email'): Promise<string> =>
    (await client.checkConsent({ identifier, purpose: 'marketing', channel })).code
  const form = (body: string, type = 'application/x-www-form-urlencoded') => ({
    method: 'POST',
    body,
    headers: { 'content-type': type },
  })
  const click = (url: string): Promise<Response> => fetch(url, form('List-Unsubscribe=One-Click'))
  const objections = async (): Promise<number> => (await client.status()).records.objection ?? 0

  test('by the API: each is an objection by its own time, and none keeps back another', async () => {
    await allow('o-1')
    await allow('o-2')
    const { recorded, refused, results } = await client.optOut({
      optOuts: [
        { identifier: 'o-1', time: '2026-03-01T10:00:00Z', id: 'hook-1' },
        { identifier: 'o-2', channel: 'sms' },
        { time: '2026-03-01T10:00:00Z' },
        { identifier: 'o-3', time: '2031-03-01T10:00:00Z' },
        { identifier: 'never seen before' },
      ],
    })
    assert.deepEqual([recorded, refused], [3, 2])
    const [first] = results
    assert.ok(first?.status === 'recorded' && first.time === '2026-03-01T10:00:00.000000Z')
    assert.deepEqual([first.effects?.suppressed, first.effects?.flagged], [0, 0])
    assert.deepEqual(
      [await check('o-1'), await check('o-2'), await check('o-2', 'sms')],
      ['objected', 'given', 'objected'],
    )
    assert.equal(await check('never seen before'), 'objected')
    const again = await client.optOut({ optOuts: [{ identifier: 'o-1', time: '2026-03-01T10:00:00Z', id: 'hook-1' }] })
    assert.equal(again.duplicate, 1)
    // Another channel under a known id: kept as a conflict, and denying all the same.
    const other = await client.optOut({ optOuts: [{ identifier: 'o-4', channel: 'email', id: 'hook-2' }] })
    assert.equal(other.recorded, 1)
    await allow('o-4')
    assert.equal(await check('o-4', 'push'), 'given')
    assert.equal((await client.optOut({ optOuts: [{ identifier: 'o-4', id: 'hook-2' }] })).conflict, 1)
    assert.equal(await check('o-4', 'push'), 'objected')
  })

  test('by one click: opening the link changes nothing, posting to it does, without a key', async () => {
    await allow('k-1')
    const { url, headers } = await client.optOutLink({ identifier: 'k-1', channel: 'email' })
    assert.equal(headers['List-Unsubscribe'], `<${url}>`)
    assert.equal(headers['List-Unsubscribe-Post'], 'List-Unsubscribe=One-Click')
    const opened = await fetch(url)
    assert.equal(opened.status, 200)
    assert.match(await opened.text(), /name="List-Unsubscribe" value="One-Click"/)
    assert.match(opened.headers.get('content-security-policy')!, /form-action 'self'/)
    assert.equal((await fetch(url, { method: 'HEAD' })).status, 200)
    assert.equal(await check('k-1'), 'given')
    const before = await objections()
    assert.equal((await click(url)).status, 200)
    assert.deepEqual([await check('k-1'), await check('k-1', 'sms')], ['objected', 'given'])
    // The same click again is one.
    await Promise.all([click(url), click(url), click(url)])
    assert.equal(await objections(), before + 1)
    // Allowed again, an old link opts out again.
    await allow('k-1')
    assert.equal(await check('k-1'), 'given')
    await click(url)
    assert.equal(await check('k-1'), 'objected')
    assert.equal(await objections(), before + 2)
    await server.stop()
    server = await site.start()
    client = server.client
    await allow('k-1')
    const moved = `${server.url}${new URL(url).pathname}`
    const parts = new FormData()
    parts.set('List-Unsubscribe', 'One-Click')
    assert.equal((await fetch(moved, { method: 'POST', body: parts })).status, 200)
    assert.equal(await check('k-1'), 'objected')
  })

  test('by one click: what is altered, cut off, too large or no click is refused', async () => {
    await allow('k-2')
    const { url } = await client.optOutLink({ identifier: 'k-2' })
    const other = await client.optOutLink({ identifier: 'k-1' })
    const swapped = url.slice(0, -8) + other.url.slice(-8)
    const flipped = url.replace(/opt-out\/(.)/, (_, first: string) => `opt-out/${first === 'A' ? 'B' : 'A'}`)
    for (const wrong of [url.slice(0, -1), `${url}A`, swapped, flipped, url.replace(/opt-out\/.*/, 'opt-out/x')]) {
      assert.equal((await click(wrong)).status, 403, wrong)
      assert.equal((await fetch(wrong)).status, 403)
    }
    assert.equal((await fetch(url, form(''))).status, 400)
    assert.equal((await fetch(url, form('List-Unsubscribe=Maybe'))).status, 400)
    assert.equal((await fetch(url, form('{"List-Unsubscribe":"One-Click"}', 'application/json'))).status, 400)
    assert.equal((await fetch(url, form(`x=${'a'.repeat(5000)}&List-Unsubscribe=One-Click`))).status, 413)
    assert.equal(await check('k-2'), 'given')
    await assert.rejects(client.optOutLink({ identifier: 'nobody at all' }), fails('not_found'))
    await client.erase({ identifier: 'k-2', basis: 'request of the person' })
    const before = await objections()
    assert.equal((await click(url)).status, 200)
    assert.equal(await objections(), before)
  })

  test('by a list: every line is accounted for', async () => {
    for (const who of ['l-1', 'l-2', 'l-3']) await allow(who)
    const list = join(site.folder, 'list.csv')
    await writeFile(
      list,
      [
        'email,channel,time',
        'l-1,,2026-03-01T10:00:00Z',
        'l-2,sms,2026-03-01T10:00:00Z',
        ',email,2026-03-01T10:00:00Z',
        'l-3,e mail,2026-03-01T10:00:00Z',
        'l-3,"email,2026-03-01T10:00:00Z',
        'l-3,email,yesterday',
        'l-4,email,2026-03-01T10:00:00Z',
        '',
      ].join('\n'),
    )
    const run = async (...args: string[]) => {
      const { code, stdout } = await site.whence(
        'opt-out',
        ...args,
        '--json',
        '--url',
        server.url,
        '--key',
        server.token,
      )
      return {
        code,
        ...(JSON.parse(stdout) as {
          recorded: number
          duplicate: number
          refused: number
          problems: { line: number }[]
        }),
      }
    }
    const first = await run(list)
    assert.deepEqual([first.code, first.recorded, first.refused], [1, 3, 4])
    assert.deepEqual(
      first.problems.map(({ line }) => line),
      [4, 5, 6, 7],
    )
    // Said before these people allowed it, and counting from their records too.
    assert.deepEqual(
      [await check('l-1'), await check('l-2', 'sms'), await check('l-3')],
      ['objected', 'objected', 'given'],
    )
    const again = await run(list)
    assert.deepEqual([again.recorded, again.duplicate], [0, 3])
    const one = await run('--who', 'l-3', '--channel', 'email')
    assert.deepEqual([one.code, one.recorded, await check('l-3')], [0, 1, 'objected'])
    const checked = await site.whence(
      'consents',
      'check',
      'l-3',
      '--purpose',
      'marketing',
      '--channel',
      'email',
      '--url',
      server.url,
      '--key',
      server.token,
    )
    assert.equal(checked.code, 1)
    assert.match(checked.stdout, /not allowed \(objected\)/)
    const shown = await site.whence('consents', 'show', 'l-3', '--url', server.url, '--key', server.token)
    assert.match(shown.stdout, /marketing: given/)
  })
})
