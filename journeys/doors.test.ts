// Who may do what: every endpoint of the SDK's list, with every key that must not open it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { createClient, endpoints, Scope } from '@whence/sdk'
import type { Endpoint, IssuedKey } from '@whence/sdk'
import { systemClock } from '../server/src/record/time.ts'
import { refused } from './answers.ts'
import { json, ndjson, send } from './request.ts'
import { follow, letters, modelName, stream } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const scopes = Scope.options

/** A request to an endpoint, about things that are there where that is simple. */
function requestTo({
  method,
  path,
  body,
}: Endpoint): Parameters<typeof send> extends [unknown, ...infer R] ? R : never {
  const there: Record<string, string> = { stream, name: 'reader', id: 'p-anna', seq: '0', version: modelName }
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => there[name] ?? 'x')
  if (body === undefined) return [method, address]
  return [
    method,
    address,
    { body: body === 'events' ? JSON.stringify(letters[0]) : '{}', headers: body === 'events' ? ndjson : json },
  ]
}

suite('the doors', () => {
  let site: Site
  let server: Running
  /** Microseconds that the clock of the server is ahead. */
  let ahead = 0
  let keys: Record<(typeof scopes)[number], IssuedKey>

  before(async () => {
    site = await Site.make()
    server = await site.start({ clock: { ...systemClock, now: () => systemClock.now() + ahead } })
    await follow(server.client)
    const issue = (scope: (typeof scopes)[number]) =>
      server.client.issueKey({ name: scope, scopes: [scope], source: `${scope}-source` })
    const issued: [string, IssuedKey][] = []
    for (const scope of scopes) issued.push([scope, await issue(scope)])
    keys = Object.fromEntries(issued) as typeof keys
  })
  after(() => site?.remove())

  const as = (token?: string) => (token === undefined ? { url: server.url } : { url: server.url, token })
  const pages = ['/openapi.json', '/health', '/ready', '/metrics', '/log/checkpoint', '/log/vkey']
  const all: [name: string, scope: string, request: ReturnType<typeof requestTo>][] = [
    ...Object.entries(endpoints).map(([name, endpoint]): [string, string, ReturnType<typeof requestTo>] => [
      name,
      endpoint.scope,
      requestTo(endpoint),
    ]),
    ...pages.map((page): [string, string, ReturnType<typeof requestTo>] => [page, 'read', ['GET', page]]),
  ]

  test('no endpoint opens without a key, with a wrong one, a revoked one, or one that is for something else', async () => {
    const revoked = await server.client.issueKey({ name: 'gone', scopes: ['admin'] })
    assert.equal((await send(as(revoked.secret), 'GET', '/v1/status')).status, 200)
    await server.client.revokeKey(revoked.id)
    const { url } = await server.client.link('p-anna')
    const token = new URL(url).searchParams.get('t')!
    const secret = keys.admin.secret
    const wrong = [
      undefined,
      'wk_wrong',
      revoked.secret,
      token,
      keys.admin.id,
      secret.slice(0, -1),
      `${secret}x`,
      secret.toUpperCase(),
    ]
    const { size } = await server.client.status()
    for (const [name, scope, [method, path, rest]] of all) {
      for (const key of wrong) {
        const answer = await send(as(key), method, path, rest)
        assert.deepEqual([answer.status, answer.code], [401, 'unauthorized'], `${name} with ${key}`)
      }
      for (const query of [`?t=${token}`, `?key=${secret}`, `?access_token=${secret}`])
        assert.equal((await send(as(), method, path + query, rest)).status, 401, name)
      const basic = Buffer.from(`admin:${secret}`).toString('base64')
      for (const authorization of [secret, `Basic ${basic}`, 'Bearer', 'Bearer  ', `Bearer ${secret} x`])
        assert.equal(
          (await send(as(), method, path, { ...rest, headers: { ...rest?.headers, authorization } })).status,
          401,
        )
      for (const other of scopes.filter((each) => each !== scope && each !== 'admin')) {
        const answer = await send(as(keys[other].secret), method, path, rest)
        assert.deepEqual([answer.status, answer.code], [403, 'forbidden'], `${name} with a key to ${other}`)
      }
    }
    assert.equal((await server.client.status()).size, size, 'nothing is recorded')
  })

  test('every endpoint does open with the key that is for it', async () => {
    for (const [name, scope, [method, path, rest]] of all) {
      const answer = await send(as(keys[scope as (typeof scopes)[number]].secret), method, path, rest)
      assert.ok(answer.status !== 401 && answer.status !== 403 && answer.status < 500, `${name}: ${answer.body}`)
    }
  })

  test('a key writes under its own source and under no other', async () => {
    const { client } = { client: createClient({ url: server.url, key: keys.ingest.secret }) }
    const letter = { ...letters[0]!, id: 'whose', n: 900 }
    for (const source of ['local', 'admin-source', 'ingest-sourc', 'INGEST-SOURCE', 'ingest-source '])
      await refused(client.ingest(stream, [letter], { source }), 'forbidden')
    const { first } = await client.ingest(stream, [letter], { source: 'ingest-source' })
    const sourceOf = async (from: number) => (await server.client.records({ from, limit: 1 })).records[0]!.entry.source
    assert.equal(await sourceOf(first!), 'ingest-source')
    // The same id from another source is another event.
    const other = await server.client.issueKey({ name: 'other', scopes: ['ingest'] })
    const second = await createClient({ url: server.url, key: other.secret }).ingest(stream, [letter])
    assert.equal(second.accounting.passed, 1)
    assert.equal(await sourceOf(second.first!), 'other')
    await refused(client.issueKey({ name: 'more', scopes: ['ingest'], source: 'other' }), 'forbidden')
  })

  test('a link opens its own explanation, until it expires, and nothing else', async () => {
    const open = async (path: string) => (await fetch(new URL(path, server.url))).status
    const { url } = await server.client.link('p-anna')
    const address = new URL(url)
    const token = address.searchParams.get('t')!
    assert.equal(await open(url), 200)
    const [expires, mac] = token.split('.') as [string, string]
    for (const t of [
      '',
      'x',
      mac,
      expires,
      `${expires}.`,
      `0${token}`,
      `${BigInt(expires) + 1n}.${mac}`,
      `${expires}.${mac.slice(0, -1)}${mac.endsWith('A') ? 'B' : 'A'}`,
      `${token}x`,
      `${token}=`,
      token.slice(0, -1),
      keys.admin.secret,
      '😀'.repeat(15),
      'x'.repeat(4000),
    ])
      assert.equal(await open(`/explain/p-anna?t=${encodeURIComponent(t)}`), 403, t)
    assert.equal(await open('/explain/p-anna'), 403)
    for (const id of ['p-bela', 'p-ann', 'P-ANNA', 'p-anna ', 'seq:1', 'nobody', '%00'])
      assert.equal(await open(`/explain/${id}?t=${token}`), 403, id)
    for (const path of ['/explain/', '/explain', '/explain/p-anna/proof'])
      assert.equal(await open(`${path}?t=${token}`), 404, path)
    for (const [name, , [method, path, rest]] of all)
      assert.equal((await send(as(token), method, path, rest)).status, 401, name)
    const second = await server.client.link('p-anna')
    ahead += 3_600_000_001
    try {
      assert.equal(await open(url), 403, 'an hour later it opens nothing')
      assert.equal(await open(second.url), 403)
      assert.equal(await open((await server.client.link('p-anna')).url), 200)
    } finally {
      const again = (await server.client.link('p-anna')).url
      await server.stop()
      ahead = 0
      server = await site.start({ clock: { ...systemClock, now: () => systemClock.now() + 3_700_000_000 } })
      const moved = new URL(again)
      assert.equal(await open(moved.pathname + moved.search), 403, 'nor after the server was stopped')
    }
  })
})
