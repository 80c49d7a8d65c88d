// The Iceberg REST catalog as its clients ask it: names, metadata, and errors in the shapes that they know.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { follow } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

suite('the catalog of tables', () => {
  let site: Site
  let server: Running
  let thread: Thread
  let key: string

  before(async () => {
    site = await Site.make()
    server = await site.start()
    thread = await follow(server.client)
    key = (await server.client.issueKey({ name: 'engine', scopes: ['read'], source: 'engine' })).secret
  })
  after(() => site?.remove())

  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${server.url}/iceberg/v1${path}`, { headers: { authorization: `Bearer ${key}` }, ...init })
  const told = async (path: string, init?: RequestInit): Promise<{ status: number; type: string; message: string }> => {
    const answer = await ask(path, init)
    const { error } = (await answer.json()) as { error: { type: string; message: string; code: number } }
    assert.equal(error.code, answer.status)
    return { status: answer.status, type: error.type, message: error.message }
  }

  test('lists namespaces and tables, and gives a table with the metadata of its file', async () => {
    const { namespaces } = (await (await ask('/namespaces')).json()) as { namespaces: string[][] }
    assert.ok(namespaces.some(([name]) => name === 'features'))
    const { identifiers } = (await (await ask('/namespaces/features/tables')).json()) as { identifiers: unknown[] }
    assert.deepEqual(identifiers, [{ namespace: ['features'], name: 'reader_v1' }])
    const text = await (await ask('/namespaces/features/tables/reader_v1')).text()
    assert.match(text, new RegExp(`"current-snapshot-id":\\s*${thread.snapshot.id}\\b`))
    assert.equal((await ask('/namespaces/features/tables/reader_v1', { method: 'HEAD' })).status, 204)
    assert.equal((await ask('/namespaces/features/tables/nobody', { method: 'HEAD' })).status, 404)
  })

  test('a table that is not there is no such table, in a namespace that is not there either', async () => {
    assert.equal((await told('/namespaces/features/tables/nobody')).type, 'NoSuchTableException')
    // So Spark asks for the metadata tables of a table before it looks for the table itself.
    const nested = await told(`/namespaces/${encodeURIComponent('features\u001freader_v1')}/tables/snapshots`)
    assert.deepEqual([nested.status, nested.type], [404, 'NoSuchTableException'])
    assert.match(nested.message, /features\.reader_v1\.snapshots/)
    assert.equal((await told('/namespaces/nowhere/tables')).type, 'NoSuchNamespaceException')
    assert.equal((await told(`/namespaces/${encodeURIComponent('..\u001f..')}/tables/passwd`)).status, 404)
  })

  test('lets nobody in without a key, exchanges one, and writes nothing', async () => {
    const headers = {}
    assert.equal((await told('/namespaces', { headers })).type, 'NotAuthorizedException')
    assert.equal((await told('/namespaces/features/tables/reader_v1', { headers })).status, 401)
    const exchange = (secret: string): Promise<Response> =>
      ask('/oauth/tokens', {
        method: 'POST',
        headers,
        body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'engine', client_secret: secret }),
      })
    const { access_token: token } = (await (await exchange(key)).json()) as { access_token: string }
    assert.equal((await ask('/namespaces', { headers: { authorization: `Bearer ${token}` } })).status, 200)
    assert.equal((await exchange('wk_wrong')).status, 401)
    for (const method of ['POST', 'DELETE'])
      assert.equal(
        (await told('/namespaces/features/tables/reader_v1', { method })).type,
        'UnsupportedOperationException',
      )
  })
})
