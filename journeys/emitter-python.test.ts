// The Python emitter against a real server, with the promises of the one in TypeScript.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createEmitter } from '@whence/sdk/emitter'
import type { EmitterStats } from '@whence/sdk/emitter'
import { Site } from './site.ts'
import type { Running } from './site.ts'
import { mountSmallDisk, noSmallDisk } from './small-disk.ts'
import { contract, countOf, emissionAddsUp, stream, visiting } from './visits.ts'
import { wayTo } from './way.ts'
import type { Way } from './way.ts'

const client = fileURLToPath(new URL('../clients/python', import.meta.url))
const environment = { PYTHONPATH: client, PYTHONDONTWRITEBYTECODE: '1' }

function noPython(): string | false {
  if (process.env.CI === 'true') return false
  const { status } = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'])
  return status === 0 ? false : 'Python 3.9 or newer is not installed'
}

/** A program in Python that does as it is told. */
class Program {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  readonly #waiting: ((line: string) => void)[] = []
  stderr = ''

  constructor(options: object) {
    this.process = spawn('python3', [join(import.meta.dirname, 'emitter-child.py'), JSON.stringify(options)], {
      env: { ...process.env, ...environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    this.process.stderr!.on('data', (text: Buffer) => (this.stderr += text.toString()))
    this.process.stdin!.on('error', () => {})
    createInterface({ input: this.process.stdout! }).on('line', (line) => this.#waiting.shift()?.(line))
    this.ended = new Promise((resolve) => this.process.once('close', resolve))
  }

  async do<Answer>(...command: unknown[]): Promise<Answer> {
    const answer = new Promise<string>((resolve, reject) => {
      this.#waiting.push(resolve)
      void this.ended.then(() => reject(new Error(`the program ended: ${this.stderr}`)))
    })
    this.process.stdin!.write(`${JSON.stringify(command)}\n`)
    return JSON.parse(await answer) as Answer
  }

  /** Closes the emitter, and ends the program. */
  async close(seconds = 20): Promise<EmitterStats> {
    const stats = await this.do<EmitterStats>('close', seconds)
    this.process.stdin!.end()
    await this.ended
    return stats
  }
}

describe('the Python emitter', { skip: noPython() }, () => {
  let site: Site
  let server: Running
  let way: Way
  let key: string
  let spools = 0

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await server.client.apply({ files: [{ path: 'visits.yaml', text: contract }] })
    key = (await server.client.issueKey({ name: 'shop', scopes: ['ingest'], source: 'shop' })).secret
    way = await wayTo(server.url)
  })
  after(async () => {
    await way?.close()
    await site?.remove()
  })

  const program = (options: object = {}) => new Program({ url: way.url, key, ...options })
  const spool = () => join(site.folder, `spool-${spools++}`)
  const visit = visiting()
  const visits = (count: number) => Array.from({ length: count }, () => visit())
  const counted = () => countOf(server.client)
  const addsUp = (stats: EmitterStats, name?: string) => emissionAddsUp(server.client, stats, name)

  test('what is emitted is recorded, compressed, and numbered', async () => {
    const first = await counted()
    const one = program({ spool: spool() })
    assert.deepEqual(new Set(await one.do<boolean[]>('emit', stream, visits(1200))), new Set([true]))
    const stats = await one.close()
    assert.equal(stats.streams[stream]!.recorded, 1200)
    assert.equal((await counted()) - first, 1200)
    await addsUp(stats)
    assert.ok(
      way.asked.some(({ path, encoding }) => path.includes(`emitter=${stats.emitter}&n=1-`) && encoding === 'gzip'),
    )
    assert.equal(one.stderr, '')
  })

  for (const mishap of ['lost', 'torn'] as const) {
    test(`an answer is ${mishap}: the batch is sent again, and nothing is there twice`, async () => {
      const first = await counted()
      const one = program({ spool: spool() })
      way.mishaps.push(mishap)
      await one.do('emit', stream, visits(10))
      const stats = await one.close()
      assert.deepEqual([stats.streams[stream]!.recorded, stats.streams[stream]!.duplicate], [0, 10])
      assert.equal((await counted()) - first, 10)
      await addsUp(stats)
    })
  }

  test('503 with Retry-After: the emitter waits as long as it is asked to', async () => {
    const one = program()
    way.mishaps.push({ status: 503, headers: { 'retry-after': '1' } })
    const from = performance.now()
    await one.do('emit', stream, [visit()])
    const stats = await one.close()
    assert.ok(performance.now() - from >= 1000)
    assert.equal(stats.streams[stream]!.recorded, 1)
  })

  test('what a broken server answers is no acknowledgement', async () => {
    const one = program()
    const answers = ['{}', '[]', 'null', '<html>', '{"accounting":{"passed":7},"results":[]}', '']
    way.mishaps.push(...answers.map((body) => ({ status: 200, body })), { status: 502 }, { status: 302 })
    await one.do('emit', stream, [visit()])
    const stats = await one.close()
    assert.equal(stats.streams[stream]!.recorded, 1)
    await addsUp(stats)
  })

  test('refusals are not tried for ever, and what is no record is dropped with its reason', async () => {
    const one = program()
    const known = visit()
    await one.do('emit', stream, [known, known, { ...known, page: 'another' }, { id: 'v-nobody', time: known.time }])
    await one.do('emit', 'nowhere', [{ id: 1 }])
    await one.do('emit', { model: 'nobody@1' }, [{ entity: 'c-1', score: 0.5 }])
    assert.deepEqual(await one.do('emit', stream, [[], null, 'text', 7]), [false, false, false, false])
    assert.deepEqual(await one.do('emit', {}, [{}]), [false])
    const stats = await one.close()
    const { recorded, quarantined, duplicate, conflict, dropped, reasons } = stats.streams[stream]!
    assert.deepEqual([recorded, quarantined, duplicate, conflict, dropped], [2, 1, 1, 1, 4])
    assert.deepEqual(reasons, { no_json: 4 })
    assert.deepEqual(stats.streams['whence.predictions']!.reasons, { not_found: 1 })
    await addsUp(stats)
    await addsUp(stats, 'nowhere')
  })

  test('a wrong key: nothing more is sent, it is said once, and the spool waits for a good one', async () => {
    const folder = spool()
    const wrong = program({ key: 'wk_wrong', spool: folder })
    await wrong.do('emit', stream, visits(1))
    await wrong.do('flush')
    const { length } = way.asked
    await wrong.do('emit', stream, visits(5))
    assert.deepEqual(await wrong.do('problems'), ['unauthorized'])
    const stats = await wrong.close()
    assert.equal(way.asked.length, length)
    assert.equal(stats.streams[stream]!.waiting, 6)
    const good = await program({ spool: folder }).close()
    assert.equal(good.emitter, stats.emitter)
    assert.equal(good.streams[stream]!.recorded, 6)
    await addsUp(good)
  })

  test('the server dies and returns: what was emitted meanwhile comes', async () => {
    const first = await counted()
    const one = program({ spool: spool() })
    await one.do('emit', stream, visits(1))
    await one.do('flush')
    await server.stop()
    way.target = undefined
    await one.do('emit', stream, visits(50))
    assert.equal((await one.do<EmitterStats>('flush', 0.2)).streams[stream]!.waiting, 50)
    server = await site.start()
    way.target = server.url
    const stats = await one.close()
    assert.equal(stats.streams[stream]!.recorded, 51)
    assert.equal((await counted()) - first, 51)
    await addsUp(stats)
  })

  test('a spool that is full drops the newest, and says so; what it holds arrives', async () => {
    way.target = undefined
    const one = program({ spool: spool(), spool_bytes: 4000 })
    await one.do('emit', stream, visits(100))
    const before = (await one.do<EmitterStats>('flush', 0.2)).streams[stream]!
    assert.ok(before.dropped > 50 && before.waiting > 10 && before.dropped + before.waiting === 100)
    way.target = server.url
    const stats = await one.close()
    assert.equal(stats.streams[stream]!.recorded, before.waiting)
    assert.deepEqual(stats.streams[stream]!.reasons, { spool_full: before.dropped })
    await addsUp(stats)
  })

  test('the disk of the spool is full: records wait in memory, and arrive', { skip: noSmallDisk() }, async () => {
    const folder = spool()
    mkdirSync(folder)
    mountSmallDisk(folder)
    try {
      way.target = undefined
      const one = program({ spool: folder })
      const page = 'x'.repeat(1000)
      const all = visits(5000).map((each) => ({ ...each, page }))
      await one.do('emit', stream, all)
      assert.equal((await one.do<EmitterStats>('flush', 0.5)).streams[stream]!.waiting, 5000)
      assert.ok((await one.do<string[]>('problems')).includes('spool'))
      way.target = server.url
      const stats = await one.close(60)
      assert.equal(stats.streams[stream]!.recorded, 5000)
      await addsUp(stats)
    } finally {
      spawnSync('umount', ['-l', folder])
      way.target = server.url
    }
  })

  test('without a spool, what is unsent at the end is told as lost', async () => {
    way.target = undefined
    const one = program()
    await one.do('emit', stream, visits(5))
    const stats = await one.close(0.1)
    way.target = server.url
    assert.deepEqual([stats.streams[stream]!.dropped, stats.streams[stream]!.reasons], [5, { unsent: 5 }])
  })

  test('killed: the next one delivers its spool, and tells which numbers may be lost; either emitter takes it up', async () => {
    for (const taker of ['python', 'typescript']) {
      const first = await counted()
      way.target = undefined
      const folder = spool()
      const one = program({ spool: folder })
      await one.do('burst', taker, 300)
      await one.do('flush', 0.1)
      one.process.kill('SIGKILL')
      await one.ended
      way.target = server.url
      const stats =
        taker === 'python'
          ? await program({ spool: folder }).close()
          : await createEmitter({ url: way.url, key, spool: folder }).close()
      const { recorded, unknown, waiting } = stats.streams[stream]!
      assert.deepEqual([recorded, waiting], [300, 0])
      assert.ok(unknown > 0)
      assert.equal((await counted()) - first, 300)
      await addsUp(stats)
    }
  })

  for (const end of ['exit', 'throw']) {
    test(`a program that ends by ${end} right after emitting loses nothing`, async () => {
      const first = await counted()
      const folder = spool()
      const one = program({ spool: folder })
      await one.do('burst', end, 1500)
      one.process.stdin!.write(`${JSON.stringify([end])}\n`)
      await one.ended
      const stats = await program({ spool: folder }).close()
      const { recorded, duplicate, unknown, waiting } = stats.streams[stream]!
      assert.deepEqual([recorded + duplicate, unknown, waiting], [1500, 0, 0])
      assert.equal((await counted()) - first, 1500)
      await addsUp(stats)
    })
  }

  test('after a fork the child has an emitter of its own in the same spool', async () => {
    const first = await counted()
    const folder = spool()
    const one = program({ spool: folder })
    await one.do('burst', 'parent', 200)
    assert.equal(await one.do('fork', 'child', 100), 0)
    const stats = await one.close()
    assert.equal(stats.streams[stream]!.recorded, 200)
    assert.equal((await counted()) - first, 300)
    assert.equal(readdirSync(folder).length, 2)
    await addsUp(stats)
  })

  test('two programs with one spool folder: each has a lane of its own', async () => {
    const first = await counted()
    const folder = spool()
    const both = [program({ spool: folder }), program({ spool: folder })]
    await Promise.all(both.map((one, i) => one.do('burst', `side${i}`, 300)))
    for (const stats of await Promise.all(both.map((one) => one.close()))) await addsUp(stats)
    assert.equal((await counted()) - first, 600)
  })

  test('a torn tail is cut, and a damaged line is told', async () => {
    way.target = undefined
    const folder = spool()
    const one = program({ spool: folder })
    await one.do('burst', 'torn', 20)
    await one.do('flush', 0.1)
    one.process.kill('SIGKILL')
    await one.ended
    const lane = join(folder, readdirSync(folder)[0]!)
    const file = join(
      lane,
      readdirSync(lane).find((name) => name.endsWith('.spool'))!,
    )
    const lines = readFileSync(file, 'utf8').split('\n')
    lines[3] = lines[3]!.replace('torn-3', 'torn-X')
    writeFileSync(file, lines.join('\n').slice(0, -30))
    way.target = server.url
    const other = program({ spool: folder })
    await other.do('flush')
    assert.deepEqual(await other.do('problems'), ['damaged'])
    const stats = await other.close()
    assert.equal(stats.streams[stream]!.recorded, 18)
    await addsUp(stats)
  })

  test('a script tells what it did to its rows, and the lineage graph has it', async () => {
    const one = program({ spool: spool() })
    const { id, steps } = await one.do<{ id: string; steps: { sentence: string }[] }>('run')
    assert.equal(steps[0]!.sentence, 'dropped 15 rows where age < 0')
    const stats = await one.close()
    assert.equal(stats.streams['whence.lineage']!.recorded, 2)
    const { events } = await server.client.collected({ limit: 100 })
    assert.deepEqual(
      events.flatMap(({ violations }) => violations),
      [],
    )
    const run = await server.client.lineageRun({ run: id })
    assert.equal(run.state, 'COMPLETE')
    const { nodes } = await server.client.lineageExplain({ node: 'dataset:scripts:crm.adults' })
    assert.ok(JSON.stringify(nodes).includes('crm.people'))
  })

  test('100,000 records in a burst', async () => {
    const first = await counted()
    const one = program({ spool: spool(), memory_bytes: 64 * 1024 * 1024, records: 1000 })
    assert.equal(await one.do('burst', 'burst', 100_000), 100_000)
    const stats = await one.close(300)
    assert.equal(stats.streams[stream]!.recorded, 100_000)
    assert.equal((await counted()) - first, 100_000)
    await addsUp(stats)
  })
})
