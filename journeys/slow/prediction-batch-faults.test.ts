// Batches of predictions under attack: files altered, two at once, a full disk, erasure in the middle, death between steps.
import assert from 'node:assert/strict'
import { cp, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openColumns } from '../../server/src/store/columns.ts'
import { customers, follow, modelName, prediction } from '../shop.ts'
import type { Thread } from '../shop.ts'
import { main, Site } from '../site.ts'
import type { Running } from '../site.ts'

let site: Site
let server: Running
let thread: Thread
let folder: string

before(async () => {
  site = await Site.make()
  server = await site.start()
  thread = await follow(server.client)
  folder = join(site.data, 'predictions')
})
after(() => site.remove())

const query = (batch: string) => ({ batch, model: modelName, snapshot: thread.snapshot.id })
const rowsOf = (batch: string) =>
  customers.flatMap((customer, c) => [0, 1].map((n) => prediction(customer, `${batch}-${c}-${n}`)))

/** Runs SQL on files in a folder of its own. */
async function withFiles<T>(work: (run: (sql: string) => Promise<void>, path: string) => Promise<T>): Promise<T> {
  const path = await mkdtemp(join(tmpdir(), 'whence-parquet-'))
  const columns = await openColumns({ folder: path })
  try {
    return await work((sql) => columns.run(sql), path)
  } finally {
    await columns.close()
    await rm(path, { recursive: true })
  }
}

test('an altered value is named by file and row, by verify and by explain; the other rows stand', async () => {
  const { seq } = await server.client.predictBatch(query('altered'), rowsOf('altered'))
  const found = await server.client.find({ identifier: customers[2]!, limit: 10 })
  const row = found.predictions.find((one) => one.seq === seq)!.row!
  const name = (await readdir(folder)).find((file) => file.endsWith('.parquet'))!
  const original = await readFile(join(folder, name))
  await withFiles(async (run, path) => {
    await writeFile(join(path, 'a.parquet'), original)
    await run(
      `COPY (SELECT * REPLACE (CASE WHEN leaf = ${row} THEN 0.001 ELSE score END AS score)
       FROM read_parquet('${path}/a.parquet') ORDER BY leaf) TO '${path}/b.parquet' (FORMAT parquet)`,
    )
    await cp(join(path, 'b.parquet'), join(folder, `${name}.new`))
    await rename(join(folder, `${name}.new`), join(folder, name))
  })
  const report = await server.client.verify()
  assert.ok(!report.ok)
  assert.ok(
    report.problems.some(
      ({ path, message }) => path === `predictions/${name}` && message.includes(`row ${row + 1} of`),
    ),
    JSON.stringify(report.problems),
  )
  assert.equal(report.problems.filter(({ message }) => /^row \d+ of/.test(message)).length, 1)
  const explained = await server.client.explain(`seq:${seq}/${row}`)
  assert.ok(explained.alerts.some(({ text }) => text.includes(`row ${row + 1} of predictions/${name}`)))
  assert.equal(explained.records.find((one) => one.seq === seq)?.integrity, 'altered')
  const other = await server.client.explain(`seq:${seq}/${row === 0 ? 1 : row - 1}`)
  assert.equal(other.score.truth, 'recomputed')
  const replay = await server.client.replay({ model: modelName })
  assert.equal(replay.causes['record altered'], 1)
  await assert.rejects(server.client.erase({ identifier: customers[9]!, basis: 'asked' }), { code: 'altered' })
  await writeFile(join(folder, `${name}.new`), original)
  await rename(join(folder, `${name}.new`), join(folder, name))
  await server.stop()
  // The erasure that was cut off is finished now.
  server = await site.start()
  assert.deepEqual((await server.client.verify()).problems, [])
})

test('an altered tree or index, and a file that is gone, are named', async () => {
  const names = (await readdir(folder)).filter((file) => file.includes('.'))
  for (const ending of ['tree', 'ids', 'parquet']) {
    const path = join(
      folder,
      names.find((name) => name.endsWith(`.${ending}`))!,
    )
    const bytes = await readFile(path)
    if (ending !== 'parquet') {
      const changed = Buffer.from(bytes)
      changed[changed.length - 3]! ^= 1
      await writeFile(path, changed)
      const { problems } = await server.client.verify()
      assert.ok(problems.some((problem) => problem.path.endsWith(`.${ending}`) && problem.code === 'altered'))
    }
    await rename(path, `${path}.away`)
    const { problems } = await server.client.verify()
    assert.ok(
      problems.some((problem) => problem.path.endsWith(`.${ending}`) && problem.code === 'missing'),
      ending,
    )
    await rename(`${path}.away`, path)
    await writeFile(path, bytes)
  }
})

test('the same batch twice at once is recorded once; two others do not mind each other', async () => {
  const before = (await server.client.status()).records['predictions'] ?? 0
  const both = await Promise.all([1, 2].map(() => server.client.predictBatch(query('twice'), rowsOf('twice'))))
  assert.deepEqual(new Set(both.map(({ receipt }) => receipt?.status)), new Set(['duplicate', 'recorded']))
  const four = await Promise.all(
    ['w', 'x', 'y', 'z'].map((batch) => server.client.predictBatch(query(batch), rowsOf(batch))),
  )
  assert.ok(four.every(({ receipt }) => receipt?.status === 'recorded'))
  assert.equal((await server.client.status()).records['predictions'], before + 5)
})

test('whoever is erased while a batch comes in is not in it', async () => {
  const lines = rowsOf('during').map((row) => `${JSON.stringify(row)}\n`)
  let go: () => void = () => {}
  const erased = new Promise<void>((resolve) => (go = resolve))
  let sent: () => void = () => {}
  const half = new Promise<void>((resolve) => (sent = resolve))
  const stream = () =>
    new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(Buffer.from(lines.slice(0, 10).join('')))
        sent()
        await erased
        controller.enqueue(Buffer.from(lines.slice(10).join('')))
        controller.close()
      },
    })
  const coming = server.client.predictBatch(query('during'), stream)
  await half
  await new Promise((resolve) => setTimeout(resolve, 300))
  await server.client.erase({ identifier: customers[1]!, basis: 'asked' })
  go()
  const { accounting, refused } = await coming
  // The one erased before by another test, and this one.
  assert.deepEqual([accounting.recorded, accounting.refused, refused], [16, 4, { erased: 4 }])
  assert.deepEqual((await server.client.verify()).problems, [])
})

test('Parquet is taken as NDJSON is, and what is no column of ours is refused', async () => {
  const rows = rowsOf('parquet').slice(4, 12)
  await withFiles(async (run, path) => {
    await writeFile(join(path, 'rows.ndjson'), rows.map((row) => JSON.stringify(row)).join('\n'))
    const write = (select: string, name: string) =>
      run(`COPY (SELECT ${select} FROM read_json('${path}/rows.ndjson')) TO '${path}/${name}' (FORMAT parquet)`)
    await write('id, entity, score, time::TIMESTAMP AS time, inputs, reasons, about', 'struct.parquet')
    await write(
      'id, entity, score, time::TIMESTAMPTZ AS time, to_json(inputs)::VARCHAR AS inputs, reasons, about.campaign AS campaign, about.creative AS creative',
      'text.parquet',
    )
    await write('id, entity, score, 1 AS surprise', 'strange.parquet')
    const send = async (batch: string, name: string) =>
      server.client.predictBatch(query(batch), await readFile(join(path, name)), { format: 'parquet' })
    const first = await send('p', 'struct.parquet')
    assert.deepEqual(first.accounting, { received: 8, recorded: 8, duplicate: 0, refused: 0 })
    assert.equal((await send('p', 'text.parquet')).receipt?.status, 'duplicate')
    const strange = await send('p2', 'strange.parquet')
    assert.deepEqual(strange.refused, { invalid: 8 })
    assert.match(strange.examples[0]!.message, /surprise/)
    assert.deepEqual(await readdir(join(folder, 'incoming')), [])
    const explained = await server.client.explain(rows[1]!.id)
    assert.equal(explained.score.truth, 'recomputed')
    await writeFile(join(path, 'cut.parquet'), (await readFile(join(path, 'struct.parquet'))).subarray(0, -40))
    await assert.rejects(send('p3', 'cut.parquet'), { code: 'invalid' })
  })
})

test('a full disk is said before anything is recorded, and leaves nothing', async () => {
  await server.stop()
  const full = await site.copy({ WHENCE_DISK_RESERVE: String(2 ** 52) })
  try {
    const other = await full.start()
    const named = async () => (await readdir(join(full.data, 'predictions'))).filter((name) => name.includes('.'))
    const files = await named()
    await assert.rejects(other.client.predictBatch(query('full'), rowsOf('full')), { code: 'disk_full' })
    assert.deepEqual(await named(), files)
    assert.deepEqual(await readdir(join(full.data, 'predictions', 'incoming')), [])
  } finally {
    await full.remove()
  }
  server = await site.start()
})

test('killed between any two steps, a batch is there whole or not at all', async () => {
  await server.stop()
  const path = join(site.folder, 'k.ndjson')
  const rows = rowsOf('killed')
  await writeFile(path, rows.map((row) => JSON.stringify(row)).join('\n'))
  const report = join(site.folder, 'changes')
  const predict = async (at?: number) => {
    const place = await site.copy()
    const child = place.spawn(
      [
        '--import',
        fileURLToPath(new URL('../mortal.ts', import.meta.url)),
        main,
        'predict',
        path,
        '--model',
        modelName,
        '--snapshot',
        String(thread.snapshot.id),
      ],
      {
        MORTAL_FROM: 'predictions/incoming',
        MORTAL_REPORT: report,
        ...(at === undefined ? {} : { MORTAL_AT: String(at) }),
      },
    )
    child.stdout!.resume()
    child.stderr!.resume()
    await new Promise((resolve) => child.once('close', resolve))
    return place
  }
  await (await predict()).remove()
  const changes = (await readFile(report, 'utf8')).split('\n')
  const recorded = changes.findIndex((change) => change.includes('journal'))
  assert.ok(recorded > 8, changes.join('\n'))
  // Each costs a server's two starts: all of them only where more is asked for.
  const few = [recorded - 1, recorded + 1]
  for (const at of process.env.JOURNEYS === 'long' ? changes.keys() : few) {
    const place = await predict(at)
    try {
      const again = await place.start()
      const there = (await again.client.status()).records['predictions'] ?? 0
      const parquet = (await readdir(join(place.data, 'predictions'))).filter((name) => name.endsWith('.parquet'))
      assert.equal(parquet.length, there, `killed at ${at}: ${changes[at]}`)
      assert.deepEqual((await again.client.verify()).problems, [], `killed at ${at}: ${changes[at]}`)
      const answer = await again.client.predictBatch({ ...query('k.ndjson') }, rows)
      assert.equal(answer.accounting.recorded + answer.accounting.duplicate, 16)
      assert.equal((await again.client.status()).records['predictions'], 9, `killed at ${at}: ${changes[at]}`)
    } finally {
      await place.remove()
    }
  }
  server = await site.start()
})
