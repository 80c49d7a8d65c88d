// Requests that nobody means well with: each is answered with a clear refusal or kept for what it is, in bounded memory,
// and the server goes on as if nothing had been.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { after, afterEach, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Client } from '@whence/sdk'
import { addsUp } from './answers.ts'
import { ingested, json, ndjson, send } from './request.ts'
import { customers, follow, letters, modelName, stream } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const events = `/v1/streams/${stream}/events`

let made = 0
const letter = (over: object = {}) => {
  made++
  return { ...letters[0]!, id: `hostile-${made}`, n: 20_000 + made, ...over }
}

suite('hostile requests', () => {
  let site: Site
  let server: Running
  let client: Client
  let size: number

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    await follow(client)
  })
  after(() => site?.remove())

  afterEach(async () => {
    assert.equal((await client.ingest(stream, [letter()])).accounting.passed, 1, 'the next good one is taken')
    const status = await client.status()
    assert.equal(status.follower.lag, 0)
    assert.ok(!status.warnings.some((warning) => warning.includes('follow')), status.warnings.join())
    addsUp((await client.stream(stream)).sinceStart)
    size = status.size
  })

  /** Refused with this status and code, and nothing is recorded. */
  const refuses = async (
    status: number,
    code: string | undefined,
    ...request: Parameters<typeof send> extends [unknown, ...infer R] ? R : never
  ) => {
    const before = (await client.status()).size
    const answer = await send(server, ...request)
    assert.equal(answer.status, status, `${request[1].slice(0, 200)}: ${answer.body.slice(0, 300)}`)
    assert.equal(answer.code, code)
    assert.equal((await client.status()).size, before, 'nothing is recorded')
  }

  test('a body that is not what it says it is', async () => {
    const good = JSON.stringify(letter())
    for (const [body, headers, code = 'invalid', status = 400] of [
      ['hello', json],
      ['', json],
      [' \n ', json],
      ['{"a":1', json],
      [`[${good},`, json],
      [`[${good}] and more`, json],
      [Buffer.from(`\ufeff${good}`, 'utf16le'), json],
      [good, { 'content-type': 'text/csv' }],
      [good, { 'content-type': 'multipart/form-data; boundary=x' }],
      [good, { ...json, 'content-encoding': 'br' }],
      [good, { ...json, 'content-encoding': 'gzip' }],
      ['', { ...ndjson, 'content-encoding': 'gzip' }],
      [gzipSync(good), json],
      [gzipSync(good).subarray(0, 30), { ...json, 'content-encoding': 'gzip' }],
      [gzipSync(`${good}\n`.repeat(99)).subarray(0, 60), { ...ndjson, 'content-encoding': 'gzip' }],
      [Buffer.concat([gzipSync(good), Buffer.from(good)]), { ...json, 'content-encoding': 'gzip' }],
    ] as [string | Uint8Array, Record<string, string>, string?, number?][])
      await refuses(status, code, 'POST', events, { body, headers })
    for (const body of ['', 'null', '[]', '{"files":1}', '{"files":[],"files":[]}', '{"files":[{"path":"a"}]}'])
      await refuses(400, 'invalid', 'POST', '/v1/declarations', { body, headers: json })
    await refuses(400, 'invalid', 'POST', '/v1/declarations', { body: '{"files":[]}', headers: ndjson })
    assert.deepEqual(ingested(await send(server, 'POST', events, { body: '', headers: ndjson })).accounting.received, 0)
  })

  test('an array with one bad event: each has its own result', async () => {
    const [one, two] = [letter(), letter()]
    const body = `[${JSON.stringify(one)}, {"id":"odd"}, ${JSON.stringify({ ...one, creative: 'B' })}, nope, ${JSON.stringify(two)}]`
    const { accounting, results } = ingested(
      await send(server, 'POST', `${events}?results=all`, { body, headers: json }),
    )
    assert.deepEqual(
      results.map((each) => [each.line, each.status === 'recorded' ? each.outcome : each.status]),
      [
        [1, 'passed'],
        [2, 'quarantined'],
        [3, 'conflict'],
        [4, 'quarantined'],
        [5, 'passed'],
      ],
    )
    assert.equal(accounting.received, 5)
  })

  test('JSON nested 100,000 deep is kept as an event, and refused everywhere else', async () => {
    const deep = '{"a":'.repeat(100_000) + '1' + '}'.repeat(100_000)
    for (const body of [deep, `[{"b":${deep}}]`, `[${'['.repeat(100_000)}${']'.repeat(100_000)}]`]) {
      const { results } = ingested(await send(server, 'POST', events, { body, headers: json }))
      const [result] = results
      assert.ok(result!.status === 'recorded' && result!.outcome === 'quarantined')
      assert.equal(result!.violations![0]!.rule, 'json.depth')
    }
    const nested = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
    const model = (levels: number) => `{"name":"deep","predicts":"x","run":{"id":"r","parameters":${nested(levels)}}}`
    assert.equal((await send(server, 'POST', '/v1/models', { body: model(200), headers: json })).status, 200)
    for (const body of [deep, model(300), model(505), model(100_000)])
      await refuses(400, 'invalid', 'POST', '/v1/models', { body, headers: json })
    const yaml = (text: string) =>
      JSON.stringify({ files: [{ path: 'deep.yaml', text: `kind: DataContract\na: ${text}` }] })
    const aliases = `&a0 [x]\n${Array.from({ length: 12 }, (_, i) => `b${i}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`).join('\n')}`
    for (const text of ['['.repeat(100_000), aliases])
      await refuses(400, 'invalid', 'POST', '/v1/declarations', { body: yaml(text), headers: json })
  })

  test('keys called __proto__ or constructor change nothing, and none is lost without a word', async () => {
    const plain = JSON.stringify(letter())
    const body = plain.replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},')
    const { accounting, results } = ingested(await send(server, 'POST', events, { body, headers: json }))
    assert.equal(accounting.flagged, 1)
    const [result] = results
    assert.deepEqual(result!.status === 'recorded' && result!.violations!.map(({ path }) => path).sort(), [
      '/__proto__',
      '/constructor',
    ])
    assert.equal(({} as { polluted?: number }).polluted, undefined)
    await refuses(400, 'invalid', 'POST', '/v1/models', {
      body: '{"name":"p","predicts":"x","metrics":{"__proto__":1}}',
      headers: json,
    })
    const odd = await client.registerModel({
      name: 'constructor',
      predicts: 'x',
      metrics: { constructor: 1, toString: 2 },
    })
    assert.deepEqual((await client.model('constructor@1')).metrics, odd.metrics)
    for (const name of ['__proto__', 'constructor', 'toString']) {
      for (const path of ['streams', 'contracts', 'views', 'training-sets'])
        await refuses(404, 'not_found', 'GET', `/v1/${path}/${name}`)
      await refuses(404, 'not_found', 'POST', `/v1/streams/${name}/events`, { body: '{}', headers: json })
    }
    assert.equal((await send(server, 'GET', '/v1/records?__proto__=1&constructor=2')).status, 200)
  })

  test('what no table can hold is refused before it is a record, wherever it stands', async () => {
    for (const text of ['a\\u0000b', 'a\\ud800b']) {
      const spine = '[{"entity":"e","at":"2026-02-01T00:00:00Z","label":1}]'
      for (const [path, body] of [
        ['/v1/models', `{"name":"n","predicts":"${text}"}`],
        ['/v1/models', `{"name":"n","predicts":"x","run":{"id":"r","parameters":{"a":[{"${text}":1}]}}}`],
        ['/v1/predictions', `{"model":"${modelName}","predictions":[{"id":"${text}","entity":"e","score":1}]}`],
        ['/v1/predictions', `{"model":"${modelName}","predictions":[{"id":"i","entity":"${text}","score":1}]}`],
        [
          '/v1/predictions',
          `{"model":"${modelName}","predictions":[{"id":"i","entity":"e","score":1,"about":{"campaign":"${text}"}}]}`,
        ],
        ['/v1/training-sets', `{"id":"${text}","view":"reader","label":"l","spine":${spine}}`],
        ['/v1/training-sets', `{"id":"i","view":"reader","label":"${text}","spine":${spine}}`],
        ['/v1/keys', `{"name":"k","scopes":["read"],"source":"${text}"}`],
        ['/v1/erasures', `{"identifier":"${customers[0]}","basis":"${text}"}`],
        ['/v1/anchors', `{"to":"file","path":"${text}"}`],
        ['/v1/subjects', `{"identifiers":["${text}"]}`],
        ['/v1/releases', `{"stream":"${text}"}`],
      ] as const)
        await refuses(400, 'invalid', 'POST', path, { body, headers: json })
    }
    await refuses(400, 'invalid', 'POST', '/v1/anchors', {
      body: '{"to":"witness","url":"http://127.0.0.1:9","vkey":"no key"}',
      headers: json,
    })
    for (const path of [
      'streams/%00',
      'views/a%00@v1',
      'training-sets/%00',
      'models/a%00@1',
      'predictions/%00/explanation',
    ])
      await refuses(400, 'invalid', 'GET', `/v1/${path}`)
    for (const query of ['predictions?campaign=%00', 'predictions?model=%00', 'quarantine?stream=%00'])
      await refuses(400, 'invalid', 'GET', `/v1/${query}`)
    await refuses(400, 'invalid', 'POST', `${events}?source=%00`, { body: JSON.stringify(letter()), headers: json })
  })

  test('ids of any other kind are held, found and shown as they are', async () => {
    const ids = [
      '../../etc/passwd',
      'a\nb',
      '\u202Egnp.exe',
      '😀'.repeat(60),
      '__proto__',
      "'; drop table prediction; --",
      '<script>alert(1)</script>',
      '%2e%2e',
      'seq:0x1',
      'a?b#c',
      ' ',
    ]
    const { recorded } = await client.predict({
      model: modelName,
      predictions: ids.map((id) => ({ id, entity: id, score: 0.5, about: { campaign: id } })),
    })
    assert.equal(recorded, ids.length)
    for (const id of ids) {
      assert.equal((await client.explain(id)).id, id)
      const { predictions } = await client.find({ campaign: id })
      assert.deepEqual(
        predictions.map((each) => each.id),
        [id],
      )
      assert.equal((await client.find({ identifier: id })).predictions.length, 1)
      const { url } = await client.link(id)
      const page = await (await fetch(url)).text()
      assert.doesNotMatch(page, /<script/i)
    }
    await refuses(400, 'invalid', 'POST', '/v1/predictions', {
      body: JSON.stringify({ model: modelName, predictions: [{ id: 'x'.repeat(4000), entity: 'e', score: 1 }] }),
      headers: json,
    })
    // An address would take these for steps between folders.
    for (const id of ['.', '..'])
      await refuses(400, 'invalid', 'POST', '/v1/predictions', {
        body: JSON.stringify({ model: modelName, predictions: [{ id, entity: 'e', score: 1 }] }),
        headers: json,
      })
    for (const id of ['x'.repeat(4000), '%zz', '%c3%28', '%0a', encodeURIComponent('😀'), '%e2%80%ae']) {
      for (const path of ['streams', 'contracts', 'views', 'training-sets'])
        await refuses(404, 'not_found', 'GET', `/v1/${path}/${id}`)
      await refuses(400, 'invalid', 'GET', `/v1/models/${id}`)
      await refuses(400, 'invalid', 'GET', `/v1/snapshots/${id}`)
      await refuses(400, 'invalid', 'GET', `/v1/records/${id}/proof`)
      await refuses(404, 'not_found', 'GET', `/v1/predictions/${id}/explanation`)
      await refuses(404, 'not_found', 'DELETE', `/v1/keys/${id}`)
    }
  })

  test('/log/ serves the log and nothing beside it', async () => {
    for (const path of [
      '../origin',
      '%2e%2e/origin',
      '%2e%2e%2forigin',
      '..%2f..%2f..%2f..%2fetc%2fpasswd',
      '..%5corigin',
      '/etc/passwd',
      '%2fetc%2fpasswd',
      'tile/../../keys/kek',
      'tile/..%2f..%2fkeys%2fkek',
      'tile/0/%2e%2e/%2e%2e/%2e%2e/keys/log.key',
      'checkpoint%00',
      'checkpoint/',
      'checkpoint/../../keys/kek',
      'tile/0/000.p/1%00',
      'tile/0/-1',
      'tile/99999/000',
      'tile',
      '',
    ])
      await refuses(404, 'not_found', 'GET', `/log/${path}`)
    await refuses(400, undefined, 'GET', '/log/..\\origin')
    const whole = await send(server, 'GET', '/log/checkpoint')
    assert.equal(whole.status, 200)
    assert.ok(whole.body.startsWith(server.origin))
  })

  test('query parameters that are no number, negative, huge, empty or given twice', async () => {
    for (const bad of [
      'NaN',
      '-1',
      '1e99',
      'Infinity',
      '1.5',
      '',
      '99999999999999999999',
      'a',
      '1&{}=2',
      '%F0%9F%98%80',
    ]) {
      for (const query of [
        'records?limit=',
        'records?from=',
        'quarantine?line=',
        'quarantine?before=',
        'predictions?limit=',
        'predictions?before=',
      ])
        await refuses(
          400,
          'invalid',
          'GET',
          `/v1/${query}${bad.replace('{}', query.slice(query.indexOf('?') + 1, -1))}`,
        )
    }
    for (const bad of ['2026-13-45T00:00:00Z', '9999-12-31T00:00:00Z', '2026-01-01', '2026-01-01T00:00:00', '%00'])
      for (const name of ['from', 'to']) await refuses(400, 'invalid', 'GET', `/v1/predictions?${name}=${bad}`)
    const body = JSON.stringify(letter())
    for (const query of [
      'line=0',
      'line=x',
      'file=',
      `file=${'x'.repeat(256)}`,
      'source=',
      'results=some',
      'source=a&source=b',
    ])
      await refuses(400, 'invalid', 'POST', `${events}?${query}`, { body, headers: json })
    for (const position of ['-1', '1e3', '999999999', '0x1', '999999999999999999999'])
      assert.match((await send(server, 'GET', `/v1/records/${position}/proof`)).code!, /invalid|not_found/)
    await refuses(404, 'not_found', 'GET', '/v1/snapshots/999999999')
    await refuses(404, 'not_found', 'GET', '/v1/models/opens@99999999999999999999')
  })

  test('methods and paths that are not there', async () => {
    for (const method of ['OPTIONS', 'PUT', 'PATCH', 'PROPFIND', 'DELETE'])
      await refuses(404, 'not_found', method, '/v1/status')
    for (const path of ['/', '/v1', '/v1/', '/v2/status', '/V1/status', '/v1//status', '/favicon.ico', '/.env', '/log'])
      await refuses(404, 'not_found', 'GET', path)
    const head = await send(server, 'HEAD', '/v1/status')
    assert.deepEqual([head.status, head.body], [200, ''])
    assert.equal((await send({ ...server, token: 'wk_wrong' }, 'HEAD', '/v1/status')).status, 401)
    for (const method of ['TRACE', 'CONNECT', 'FOO']) {
      const answer = await raw(
        `${method} /v1/status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nConnection: close\r\n\r\n`,
      )
      assert.doesNotMatch(answer, /^HTTP\/1\.1 (2|5)/, method)
    }
  })

  test('floods of headers, no HTTP at all, and callers who hang up', async () => {
    const flood = Array.from({ length: 3000 }, (_, i) => `x-${i}: ${'y'.repeat(100)}\r\n`).join('')
    assert.match(await raw(`GET /v1/status HTTP/1.1\r\nHost: x\r\n${flood}\r\n`), /^HTTP\/1\.1 431/)
    assert.match(await raw(`GET /${'x'.repeat(300_000)} HTTP/1.1\r\nHost: x\r\n\r\n`), /^HTTP\/1\.1 431/)
    const long = await raw(`GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`)
    assert.match(long, /^HTTP\/1\.1 404/)
    assert.ok(long.length < 1000, 'what was asked for is not sent back whole')
    assert.match(await raw('\x16\x03\x01\x02\x00\x01\x00\x01'), /^HTTP\/1\.1 400/)
    assert.match(await raw('GET /v1/status HTTP/1.1\r\n\r\n'), /^HTTP\/1\.1 400/)
    assert.match(await raw('GET /v1/status HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 4/)
    assert.match(
      await raw(
        'POST /v1/keys HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
      /^HTTP\/1\.1 400/,
    )
    const { hostname, port } = new URL(server.url)
    const head = `POST ${events} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${server.token}\r\nContent-Type: application/x-ndjson\r\n`
    for (const rest of [
      `Content-Length: 100000\r\n\r\n${JSON.stringify(letter())}`,
      `Transfer-Encoding: chunked\r\n\r\nffff\r\n{"id"`,
      `Content-Encoding: gzip\r\nContent-Length: 100000\r\n\r\n\x1f\x8b`,
    ]) {
      const socket = connect(Number(port), hostname)
      await once(socket, 'connect')
      await new Promise((resolve) => socket.write(head + rest, resolve))
      socket.destroy()
    }
    assert.ok((await client.status()).size >= size)
  })

  test('after all of it the log verifies, and the tables are those of the log', async () => {
    assert.deepEqual((await client.verify()).problems, [])
    const before = await client.status()
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    client = server.client
    const { records } = await client.status()
    assert.deepEqual(records, before.records)
  })

  /** Sends bytes, and gives what comes back until the server hangs up. */
  async function raw(bytes: string): Promise<string> {
    const { hostname, port } = new URL(server.url)
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(bytes, 'latin1')
    let heard = ''
    socket.setEncoding('latin1').on('data', (text: string) => (heard += text))
    // What was refused may end in a reset; what was said before it counts.
    await new Promise((resolve) => socket.once('close', resolve))
    return heard
  }
})
