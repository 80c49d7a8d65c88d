// The emitter against a real server: what was emitted is recorded once, refused with a reason, or told as lost.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { createEmitter } from '@whence/sdk/emitter'
import type { EmitterOptions, EmitterStats, Emitter } from '@whence/sdk/emitter'
import { Site } from './site.ts'
import type { Running } from './site.ts'
import { mountSmallDisk, noSmallDisk } from './small-disk.ts'
import { contract, countOf, emissionAddsUp, stream, visiting } from './visits.ts'
import { wayTo } from './way.ts'
import type { Way } from './way.ts'

/** Events that have no id of their own. */
const nameless = contract
  .replaceAll('visits', 'pings')
  .replace(/ {6}- \{ name: id.*\n/, '')
  .replace('eventId: id, ', '')

let site: Site
let server: Running
let way: Way
let key: string
const folders: string[] = []

before(async () => {
  site = await Site.make()
  server = await site.start()
  await server.client.apply({
    files: [
      { path: 'visits.yaml', text: contract },
      { path: 'pings.yaml', text: nameless },
    ],
  })
  key = (await server.client.issueKey({ name: 'shop', scopes: ['ingest'], source: 'shop' })).secret
  way = await wayTo(server.url)
})
after(async () => {
  await way?.close()
  await site?.remove()
})

const visit = visiting()

function spool(): string {
  const folder = join(site.folder, `spool-${folders.length}`)
  folders.push(folder)
  return folder
}

const problems: [string, string][] = []

function emitter(options: Partial<EmitterOptions> = {}): Emitter {
  problems.length = 0
  return createEmitter({
    url: way.url,
    key,
    every: 20,
    keepEvery: 5,
    retry: { first: 10, longest: 50 },
    onProblem: (...problem) => problems.push(problem),
    ...options,
  })
}

const addsUp = (stats: EmitterStats, name?: string) => emissionAddsUp(server.client, stats, name)
const counted = (name?: string) => countOf(server.client, name)

test('what is emitted is recorded, in order, compressed, and numbered', async () => {
  const first = await counted()
  const one = emitter({ spool: spool() })
  for (let i = 0; i < 1200; i++) assert.equal(one.emit(stream, visit()), true)
  const stats = await one.close()
  assert.equal(stats.streams[stream]!.recorded, 1200)
  assert.equal((await counted()) - first, 1200)
  await addsUp(stats)
  assert.ok(
    way.asked.some(({ path, encoding }) => path.includes(`emitter=${stats.emitter}&n=1-`) && encoding === 'gzip'),
  )
  const { emitters } = await server.client.emitters({ stream })
  const { numbers, highest, missing, gaps } = emitters.find((each) => each.emitter === stats.emitter)!
  assert.deepEqual({ numbers, highest, missing, gaps }, { numbers: 1200, highest: 1200, missing: 0, gaps: [] })
  assert.deepEqual(problems, [])
})

test('a record may be changed after it was emitted', async () => {
  const one = emitter()
  const record = { ...visit(), page: 'before' }
  one.emit(stream, record)
  record.page = 'after'
  const stats = await one.close()
  assert.equal(stats.streams[stream]!.recorded, 1)
  const answer = await server.client.ingest(stream, [{ ...record, page: 'before' }], { source: 'shop' })
  assert.equal(answer.accounting.duplicate, 1)
})

test('events without an id are known by their number: a batch that is sent twice is recorded once', async () => {
  const first = await counted('pings')
  const one = emitter()
  way.mishaps.push('lost')
  for (let i = 0; i < 3; i++) one.emit('pings', { customer: 'c-1', time: '2026-03-01T10:00:00Z' })
  const stats = await one.close()
  assert.equal(stats.streams.pings!.duplicate, 3)
  assert.equal((await counted('pings')) - first, 3)
  assert.equal((await server.client.stream('pings')).recorded.quarantined, 0)
  await addsUp(stats, 'pings')
})

for (const mishap of ['lost', 'torn'] as const) {
  test(`an answer is ${mishap}: the batch is sent again, and nothing is there twice`, async () => {
    const first = await counted()
    const one = emitter({ spool: spool() })
    way.mishaps.push(mishap)
    for (let i = 0; i < 10; i++) one.emit(stream, visit())
    const stats = await one.close()
    assert.deepEqual([stats.streams[stream]!.recorded, stats.streams[stream]!.duplicate], [0, 10])
    assert.equal((await counted()) - first, 10)
    await addsUp(stats)
    assert.deepEqual(
      problems.map(([code]) => code),
      ['unreachable'],
    )
  })
}

test('503 with Retry-After: the emitter waits as long as it is asked to', async () => {
  const one = emitter()
  way.mishaps.push({ status: 503, headers: { 'retry-after': '1' } })
  const from = performance.now()
  one.emit(stream, visit())
  const stats = await one.close()
  assert.ok(performance.now() - from >= 1000)
  assert.equal(stats.streams[stream]!.recorded, 1)
  await addsUp(stats)
})

test('what a broken server answers is no acknowledgement', async () => {
  const one = emitter()
  const answers = ['{}', '[]', 'null', '<html>', '{"accounting":{"passed":7},"results":[]}', '']
  way.mishaps.push(...answers.map((body) => ({ status: 200, body })), { status: 502 }, { status: 302 })
  one.emit(stream, visit())
  one.emit(stream, visit())
  const stats = await one.close()
  assert.equal(stats.streams[stream]!.recorded, 2)
  await addsUp(stats)
})

test('refusals are not tried for ever: each is told, and its neighbours are recorded', async () => {
  const refusals: string[] = []
  const one = emitter({ onRefused: ({ stream: name, n, code }) => refusals.push(`${name} ${n} ${code}`) })
  const known = visit()
  one.emit(stream, known)
  one.emit(stream, known)
  one.emit(stream, { ...known, page: 'another' })
  one.emit(stream, { id: 'v-nobody', time: '2026-03-01T10:00:00Z' })
  one.emit('nowhere', { id: 1 })
  one.emit({ model: 'nobody@1' }, { entity: 'c-1', score: 0.5 })
  const stats = await one.close()
  const { recorded, quarantined, duplicate, conflict } = stats.streams[stream]!
  assert.deepEqual(
    { recorded, quarantined, duplicate, conflict },
    { recorded: 2, quarantined: 1, duplicate: 1, conflict: 1 },
  )
  assert.deepEqual(refusals.toSorted(), ['nowhere 1 not_found', 'whence.predictions 1 not_found'])
  await addsUp(stats)
  await addsUp(stats, 'nowhere')
})

test('what is no record is dropped with its reason, and nothing is thrown', async () => {
  const one = emitter()
  const loop: Record<string, unknown> = {}
  loop.loop = loop
  const hostile = {
    get id(): string {
      throw new Error('no')
    },
  }
  for (const record of [loop, hostile, 1n, undefined, null, [], 'text', { toJSON: () => undefined }])
    assert.equal(one.emit(stream, record as object), false)
  for (const target of ['', {}, null, undefined, 7, { stream: '' }]) assert.equal(one.emit(target as string, {}), false)
  one.emit(stream, visit())
  const stats = await one.close()
  assert.equal(one.emit(stream, visit()), false)
  const { emitted, recorded, dropped, reasons } = stats.streams[stream]!
  assert.deepEqual(
    { emitted, recorded, dropped, reasons },
    { emitted: 9, recorded: 1, dropped: 8, reasons: { no_json: 8 } },
  )
  await addsUp(stats)
})

test('predictions of several models in turn, training runs and lineage go their ways', async () => {
  for (const name of ['buys', 'leaves']) await server.client.registerModel({ name, predicts: name })
  const one = emitter({ spool: spool() })
  for (let i = 0; i < 30; i++)
    one.emit(
      { model: i % 2 ? 'buys@1' : 'leaves@1' },
      { entity: `c-${i}`, score: i / 30, time: '2026-03-01T10:00:00Z' },
    )
  // One with a fault refuses none of its neighbours.
  one.emit({ model: 'buys@1' }, { entity: 'c-1', score: 'high' })
  one.emit({ runs: true }, { id: 'run-1', status: 'finished', metrics: { accuracy: 0.9 } })
  one.emit(
    { lineage: true },
    { eventTime: '2026-03-01T10:00:00Z', producer: 'urn:x', job: { namespace: 'a', name: 'b' } },
  )
  way.mishaps.push('lost')
  const stats = await one.close()
  const predictions = stats.streams['whence.predictions']!
  assert.equal(predictions.recorded + predictions.duplicate, 30)
  assert.equal(predictions.refused, 1)
  assert.deepEqual(predictions.reasons, { invalid: 1 })
  await addsUp(stats, 'whence.predictions')
  assert.equal((await server.client.find({ model: 'buys@1' })).predictions.length, 15)
  assert.equal((await server.client.trainingRun('run-1')).metrics!.accuracy, 0.9)
  assert.deepEqual([stats.streams['whence.runs']!.recorded, stats.streams['whence.lineage']!.recorded], [1, 1])
  const { emitters } = await server.client.emitters({ stream: 'whence.predictions' })
  assert.equal(emitters.find((each) => each.emitter === stats.emitter)!.numbers, 30)
})

test('samples, and tells how much was left out', async () => {
  let turn = 0
  const one = emitter({ streams: { [stream]: { rate: 0.25 } }, random: () => (turn++ % 4) / 4 })
  for (let i = 0; i < 100; i++) one.emit(stream, visit())
  const stats = await one.close()
  assert.deepEqual([stats.streams[stream]!.recorded, stats.streams[stream]!.sampledOut], [25, 75])
  await addsUp(stats)
})

test('a wrong key: nothing more is sent, it is said once, and the spool waits for a good one', async () => {
  const folder = spool()
  const wrong = emitter({ key: 'wk_wrong', spool: folder })
  wrong.emit(stream, visit())
  await wrong.flush()
  const { length } = way.asked
  for (let i = 0; i < 5; i++) wrong.emit(stream, visit())
  const stats = await wrong.close()
  assert.equal(way.asked.length, length)
  assert.deepEqual(
    problems.map(([code]) => code),
    ['unauthorized'],
  )
  assert.ok(stats.stopped)
  assert.equal(stats.streams[stream]!.waiting, 6)
  const good = await emitter({ spool: folder }).close()
  assert.equal(good.emitter, stats.emitter)
  assert.equal(good.streams[stream]!.recorded, 6)
  await addsUp(good)
})

test('the server dies and returns: what was emitted meanwhile comes in order', async () => {
  const first = await counted()
  const one = emitter({ spool: spool() })
  one.emit(stream, visit())
  await one.flush()
  await server.stop()
  way.target = undefined
  for (let i = 0; i < 50; i++) one.emit(stream, visit())
  assert.equal((await one.flush(200)).streams[stream]!.waiting, 50)
  server = await site.start()
  way.target = server.url
  const stats = await one.close()
  assert.equal(stats.streams[stream]!.recorded, 51)
  assert.equal((await counted()) - first, 51)
  await addsUp(stats)
})

test('without a spool, what is unsent at the end is told as lost', async () => {
  way.target = undefined
  const one = emitter()
  for (let i = 0; i < 5; i++) one.emit(stream, visit())
  const stats = await one.close(100)
  way.target = server.url
  assert.deepEqual([stats.streams[stream]!.dropped, stats.streams[stream]!.reasons], [5, { unsent: 5 }])
  assert.ok(problems.some(([code]) => code === 'unsent'))
})

test('a spool that is full drops the newest, and says so; what it holds arrives', async () => {
  way.target = undefined
  const folder = spool()
  const one = emitter({ spool: folder, spoolBytes: 4000 })
  for (let i = 0; i < 100; i++) one.emit(stream, visit())
  const before = await one.flush(100)
  const { dropped, waiting } = before.streams[stream]!
  assert.ok(dropped > 50 && waiting > 10 && dropped + waiting === 100)
  assert.ok(before.spooled <= 4000)
  way.target = server.url
  const stats = await one.close()
  assert.equal(stats.streams[stream]!.recorded, waiting)
  assert.deepEqual(stats.streams[stream]!.reasons, { spool_full: dropped })
  await addsUp(stats)
})

test('a spool that cannot be used: records are kept in memory, and arrive', async () => {
  const folder = spool()
  writeFileSync(folder, 'a file')
  const one = emitter({ spool: folder })
  one.emit(stream, visit())
  const stats = await one.close()
  assert.deepEqual(
    problems.map(([code]) => code),
    ['spool'],
  )
  assert.equal(stats.streams[stream]!.recorded, 1)
})

test('the disk of the spool is full: records wait in memory, and arrive', { skip: noSmallDisk() }, async () => {
  const first = await counted()
  const folder = spool()
  mkdirSync(folder)
  mountSmallDisk(folder)
  try {
    way.target = undefined
    const one = emitter({ spool: folder })
    const page = 'x'.repeat(1000)
    for (let i = 0; i < 5000; i++) one.emit(stream, visit({ page }))
    const before = await one.flush(500)
    assert.equal(before.streams[stream]!.waiting, 5000)
    assert.ok(problems.some(([code]) => code === 'spool'))
    way.target = server.url
    const stats = await one.close(60_000)
    assert.equal(stats.streams[stream]!.recorded, 5000)
    assert.equal((await counted()) - first, 5000)
    await addsUp(stats)
  } finally {
    spawnSync('umount', ['-l', folder])
    way.target = server.url
  }
})

/** Emits in a process of its own; it is ready when everything stands in the spool. */
function run(folder: string, name: string, from: number, count: number, end = 'stay') {
  const process = site.spawn([
    join(import.meta.dirname, 'emitter-child.ts'),
    way.url,
    key,
    folder,
    name,
    String(from),
    String(count),
    end,
  ])
  const ended = new Promise<number | null>((resolve) => process.once('close', resolve))
  const lines = createInterface({ input: process.stdout! })
  const said = (what: string) => new Promise<void>((resolve) => lines.on('line', (line) => line === what && resolve()))
  return { process, ended, emitted: said('emitted'), ready: said('ready') }
}

for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
  test(`a process ended by ${signal}: the next one delivers its spool`, async () => {
    const first = await counted()
    way.target = undefined
    const folder = spool()
    const { process, ready, ended } = run(folder, signal, 0, 300)
    await ready
    process.kill(signal)
    await ended
    way.target = server.url
    const stats = await emitter({ spool: folder }).close()
    const { recorded, unknown, waiting } = stats.streams[stream]!
    assert.deepEqual([recorded, waiting], [300, 0])
    assert.equal((await counted()) - first, 300)
    assert.equal(unknown > 0, signal === 'SIGKILL', 'a killed run may have lost numbers that it set aside')
    await addsUp(stats)
  })
}

for (const end of ['exit', 'throw', 'return']) {
  test(`a process that ends by ${end} right after emitting loses nothing`, async () => {
    const first = await counted()
    const folder = spool()
    const { ended } = run(folder, end, 0, 1500, end)
    await ended
    const stats = await emitter({ spool: folder }).close()
    const { recorded, duplicate, unknown, waiting } = stats.streams[stream]!
    assert.deepEqual([recorded + duplicate, unknown, waiting], [1500, 0, 0])
    assert.equal((await counted()) - first, 1500)
    await addsUp(stats)
  })
}

test('killed again and again while it sends: each event that was spooled is there once', async () => {
  const first = await counted()
  const folder = spool()
  for (let round = 0; round < 6; round++) {
    const { process, emitted, ended } = run(folder, 'again', round * 200, 200)
    await emitted
    await new Promise((resolve) => setTimeout(resolve, round * 15))
    process.kill('SIGKILL')
    await ended
  }
  const stats = await emitter({ spool: folder }).close()
  const { emitted, recorded, duplicate, unknown, waiting } = stats.streams[stream] ?? assert.fail('nothing was emitted')
  assert.equal(emitted, recorded + duplicate + unknown)
  assert.equal(waiting, 0)
  const there = (await counted()) - first
  assert.ok(there >= recorded && there <= recorded + duplicate, `${there} of ${recorded} + ${duplicate}`)
  await addsUp(stats)
})

test('two processes with one spool folder: each has a lane of its own', async () => {
  const first = await counted()
  const folder = spool()
  const runs = [run(folder, 'left', 0, 500), run(folder, 'right', 0, 500)]
  await Promise.all(runs.map(({ ready }) => ready))
  assert.equal(new Set(readdirSync(folder).map((name) => name.slice(0, 16))).size, 2)
  for (const { process } of runs) process.kill('SIGTERM')
  await Promise.all(runs.map(({ ended }) => ended))
  const rest = [emitter({ spool: folder }), emitter({ spool: folder })]
  for (const each of await Promise.all(rest.map((one) => one.close()))) await addsUp(each)
  assert.equal((await counted()) - first, 1000)
})

test('a torn tail is cut, a damaged line is told, and what is whole arrives', async () => {
  way.target = undefined
  const folder = spool()
  const { process, ready, ended } = run(folder, 'torn', 0, 20)
  await ready
  process.kill('SIGKILL')
  await ended
  const lane = join(folder, readdirSync(folder)[0]!)
  const file = join(
    lane,
    readdirSync(lane).find((name) => name.endsWith('.spool'))!,
  )
  const lines = readFileSync(file, 'utf8').split('\n')
  assert.equal(lines.length, 21)
  lines[3] = lines[3]!.replace('torn-3', 'torn-X')
  writeFileSync(file, lines.join('\n').slice(0, -30))
  way.target = server.url
  const first = await counted()
  const stats = await emitter({ spool: folder }).close()
  assert.equal(stats.streams[stream]!.recorded, 18)
  assert.equal((await counted()) - first, 18)
  assert.deepEqual(
    problems.map(([code]) => code),
    ['damaged'],
  )
  await addsUp(stats)
})

test('the accounts of a spool are lost: no number is given twice', async () => {
  way.target = undefined
  const folder = spool()
  const { process, ready, ended } = run(folder, 'lost', 0, 20)
  await ready
  process.kill('SIGKILL')
  await ended
  const lane = join(folder, readdirSync(folder)[0]!)
  writeFileSync(join(lane, 'accounts.json'), '{')
  way.target = server.url
  const one = emitter({ spool: folder })
  one.emit(stream, visit())
  const stats = await one.close()
  assert.equal(stats.streams[stream]!.recorded, 21)
  assert.equal(stats.streams[stream]!.unknown, 10_000)
  await addsUp(stats)
})

test('a clock that jumps changes nothing', async (t) => {
  t.mock.method(Date, 'now', () => (Math.random() < 0.5 ? 0 : 9e14))
  const one = emitter({ spool: spool() })
  way.mishaps.push({ status: 503, headers: { 'retry-after': 'Sat, 01 Jan 2000 00:00:00 GMT' } })
  for (let i = 0; i < 20; i++) one.emit(stream, visit())
  const stats = await one.close()
  t.mock.restoreAll()
  assert.equal(stats.streams[stream]!.recorded, 20)
  await addsUp(stats)
})

test('100,000 records in a burst', async () => {
  const first = await counted()
  const one = emitter({ spool: spool(), memoryBytes: 64 * 1024 * 1024, records: 1000 })
  for (let i = 0; i < 100_000; i++) one.emit(stream, visit())
  const stats = await one.close(300_000)
  assert.equal(stats.streams[stream]!.recorded, 100_000)
  assert.equal((await counted()) - first, 100_000)
  await addsUp(stats)
  assert.equal(existsSync(folders.at(-1)!), true)
})
