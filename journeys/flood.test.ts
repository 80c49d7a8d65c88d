// Bodies far larger than they look, against a server of its own whose memory is measured.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { Readable } from 'node:stream'
import { after, before, suite, test } from 'node:test'
import { createGzip, gzipSync } from 'node:zlib'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { readLock } from '../server/src/store/lock.ts'
import { collect } from './answers.ts'
import { ingested, json, ndjson, send } from './request.ts'
import { files, letters, stream } from './shop.ts'
import { main, Site } from './site.ts'

const events = `/v1/streams/${stream}/events`

suite('bodies beyond all measure', () => {
  let site: Site
  let child: ChildProcess
  let server: { url: string; token: string }
  let client: Client
  let said = ''

  before(async () => {
    site = await Site.make()
    const report = `process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS))`
    const hook = `data:text/javascript,${encodeURIComponent(report)}`
    child = site.spawn(['--import', hook, main, 'up', '--port', '0', '--json'])
    child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text))
    await once(child.stdout!, 'data')
    const { url, token } = readLock(site.data)!
    server = { url: url!, token: token! }
    client = createClient({ url: url!, key: token! })
    await client.apply({ files })
  })
  after(() => site?.remove())

  /** So many MiB of one byte, as they come. */
  const plenty = (mebibytes: number, byte: number): Readable => {
    const piece = Buffer.alloc(1 << 20, byte)
    return Readable.from(
      (function* () {
        for (let i = 0; i < mebibytes; i++) yield piece
      })(),
      { objectMode: false },
    )
  }
  /** More than is taken, and then a silence. */
  const endless = (): Readable =>
    Readable.from(
      (async function* () {
        for (let i = 0; i < 65; i++) yield Buffer.alloc(1 << 20, 0x20)
        await new Promise(() => {})
      })(),
      { objectMode: false },
    )
  const zipped = { 'content-encoding': 'gzip' }

  test('are refused or counted, in bounded memory, and the server goes on', async () => {
    const sixteenth = gzipSync(Buffer.alloc(64 << 20))
    // A gzip file may consist of many: this one holds 1 GiB of zeros.
    const bomb = Buffer.concat(Array.from({ length: 16 }, () => sixteenth))
    for (const path of [events, '/v1/predictions']) {
      const answer = await send(server, 'POST', path, { body: bomb, headers: { ...json, ...zipped } })
      assert.deepEqual([answer.status, answer.code], [413, 'too_large'], path)
      // Whether it has sent all or not, the caller hears why it is refused.
      for (const body of [plenty(66, 0x20), plenty(66, 0x20), plenty(66, 0x20), endless()]) {
        const chunked = await send(server, 'POST', path, { body, headers: json })
        assert.deepEqual([chunked.status, chunked.code], [413, 'too_large'], path)
      }
    }
    assert.equal((await client.ingest(stream, [letters[0]!])).accounting.passed, 1)

    const one = ingested(await send(server, 'POST', events, { body: bomb, headers: { ...ndjson, ...zipped } }))
    assert.equal(one.accounting.refused, 1)
    assert.equal(one.results[0]!.status === 'refused' && one.results[0]!.problem.code, 'too_large')

    const blank = Buffer.concat(await collect<Buffer>(plenty(8, 0x0a).pipe(createGzip())))
    const lines = ingested(await send(server, 'POST', events, { body: blank, headers: { ...ndjson, ...zipped } }))
    assert.equal(lines.accounting.received, 0)
    assert.equal(lines.blank.length + lines.omitted!, 8 << 20)

    const odd = ingested(
      await send(server, 'POST', events, {
        body: Array.from({ length: 10_500 }, (_, i) => i).join('\n'),
        headers: ndjson,
      }),
    )
    assert.equal(odd.accounting.quarantined, 10_500)
    assert.deepEqual([odd.results.length, odd.omitted], [10_000, 500])

    assert.equal((await client.ingest(stream, [letters[1]!])).accounting.passed, 1)
    assert.deepEqual((await client.verify()).problems, [])
    child.kill('SIGTERM')
    const [code] = await once(child, 'close')
    assert.equal(code, 0, said)
    const peak = Number(/peak (\d+)/.exec(said)![1])
    assert.ok(peak < 800_000, `its peak was ${peak} KiB`)
  })
})
