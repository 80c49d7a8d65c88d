// Predictions in number: a batch is one leaf, and each of its rows is found, explained, replayed, proved and erased by itself.
import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { formatRowProof, fromUtf8, parseRowProof, verifyRowProof } from '@whence/ledger'
import { campaigns, customers, follow, modelName, prediction, reader, scored } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
let thread: Thread

before(async () => {
  site = await Site.make()
  server = await site.start()
  thread = await follow(server.client)
})
after(() => site.remove())

/** Rows of one batch: three of each customer. */
const rowsOf = (batch: string) =>
  customers.flatMap((customer, c) =>
    [0, 1, 2].map((n) => ({
      ...prediction(customer, `${batch}-${c}-${n}`),
      time: `2026-03-0${n + 1}T06:00:00Z`,
      about: { campaign: campaigns[n]!, creative: 'A' },
    })),
  )

const batches = async () => (await server.client.status()).records['predictions'] ?? 0

const query = (batch: string) => ({ batch, model: modelName, snapshot: thread.snapshot.id })

test('a batch is one record, whatever its order, and the same again is a duplicate', async () => {
  const rows = rowsOf('b1')
  const count = await batches()
  const first = await server.client.predictBatch(query('b1'), rows)
  assert.deepEqual(first.accounting, { received: 30, recorded: 30, duplicate: 0, refused: 0 })
  assert.equal(await batches(), count + 1)
  const again = await server.client.predictBatch(query('b1'), [...rows].reverse())
  assert.deepEqual(again.accounting, { received: 30, recorded: 0, duplicate: 30, refused: 0 })
  assert.deepEqual([again.seq, again.root, again.receipt?.status], [first.seq, first.root, 'duplicate'])
  const zipped = await server.client.predictBatch(
    query('b1'),
    () => new Blob([gzipSync(rows.map((row) => JSON.stringify(row)).join('\n'))]).stream(),
    { gzip: true },
  )
  assert.equal(zipped.receipt?.status, 'duplicate')
  assert.equal(await batches(), count + 1)
})

test('other content under the name of a batch is a conflict, and nothing of it is kept', async () => {
  const rows = rowsOf('b1')
  const count = await batches()
  const named = async () => (await readdir(join(site.data, 'predictions'))).filter((name) => name.includes('.'))
  const files = await named()
  for (const other of [
    rows.slice(1),
    [...rows, { ...rows[0]!, id: 'one more' }],
    rows.map((row, i) => (i === 7 ? { ...row, score: 0.5 } : row)),
  ])
    await assert.rejects(server.client.predictBatch(query('b1'), other), { code: 'conflict' })
  await assert.rejects(server.client.predictBatch({ ...query('b1'), snapshot: 0 }, rows), { code: 'conflict' })
  assert.equal(await batches(), count)
  assert.deepEqual(await named(), files)
})

test('every row is accounted for: what repeats, contradicts, or is no row', async () => {
  const [one, two, three] = rowsOf('b2')
  const lines = [
    JSON.stringify(one),
    '{"id":"cut off',
    JSON.stringify(one),
    JSON.stringify(two),
    JSON.stringify({ ...two, score: 0.25 }),
    '',
    JSON.stringify({ ...three, surprise: 1 }),
    '{"id":"twice","id":"told","entity":"x","score":1}',
    JSON.stringify({ ...three, id: 'huge', decision: 'x', inputs: { a: 'y'.repeat(70_000) } }),
    JSON.stringify({ id: 'nobody', score: 1 }),
    JSON.stringify({ id: 'stranger', subject: 'f'.repeat(32), score: 1 }),
    JSON.stringify({ id: 'infinite', entity: 'x' }).replace('}', ',"score":1e999}'),
    JSON.stringify({ id: '..', entity: 'x', score: 1 }),
    '[]',
  ]
  const answer = await server.client.predictBatch(query('b2'), lines.join('\r\n'))
  assert.deepEqual(answer.accounting, { received: 13, recorded: 1, duplicate: 1, refused: 11 })
  assert.deepEqual(answer.refused, { invalid: 7, too_large: 1, not_found: 1, conflict: 2 })
  assert.deepEqual(
    answer.examples.map(({ line, code }) => `${line} ${code}`).toSorted(),
    [
      '2 invalid',
      '7 invalid',
      '8 invalid',
      '9 too_large',
      '10 invalid',
      '11 not_found',
      '12 invalid',
      '13 invalid',
      '14 invalid',
      '5 conflict',
    ].toSorted(),
  )
  assert.equal(
    (await server.client.predictBatch(query('b2'), lines.toReversed().join('\n'))).receipt?.status,
    'duplicate',
  )
  await assert.rejects(server.client.explain('b2-0-1'), { code: 'not_found' })
})

test('a batch of which no row can be recorded leaves nothing', async () => {
  const count = await batches()
  const answer = await server.client.predictBatch(query('none'), '{}\n{}\n')
  assert.deepEqual(answer.accounting, { received: 2, recorded: 0, duplicate: 0, refused: 2 })
  assert.equal(answer.receipt, undefined)
  assert.equal(await batches(), count)
})

test('a body that is cut off is refused as a whole', async () => {
  const rows = rowsOf('cut').map((row) => JSON.stringify(row))
  const count = await batches()
  await assert.rejects(server.client.predictBatch({ ...query('cut'), rows: 30 }, rows.slice(0, 29).join('\n')), {
    code: 'invalid',
  })
  const zipped = gzipSync(rows.join('\n'))
  await assert.rejects(
    server.client.predictBatch(query('cut'), () => new Blob([zipped.subarray(0, -20)]).stream(), { gzip: true }),
    { code: 'invalid' },
  )
  await assert.rejects(server.client.predictBatch(query('cut'), Buffer.from('PAR1 no'), { format: 'parquet' }), {
    code: 'invalid',
  })
  assert.equal(await batches(), count)
  assert.deepEqual(await readdir(join(site.data, 'predictions', 'incoming')), [])
})

test('a row is found, explained and located as a prediction by itself', async () => {
  const found = await server.client.find({ identifier: customers[3]!, campaign: campaigns[1]!, limit: 10 })
  assert.deepEqual(
    found.predictions.map(({ id }) => id),
    ['b1-3-1'],
  )
  const explained = await server.client.explain('b1-3-1')
  assert.equal(explained.seq, found.predictions[0]!.seq)
  assert.equal(explained.row, found.predictions[0]!.row)
  assert.equal(explained.entity, customers[3])
  assert.equal(explained.score.truth, 'recomputed')
  assert.equal(explained.score.stored, scored({ ...reader(customers[3]!) }).score)
  assert.deepEqual(
    explained.alerts.filter(({ truth }) => truth === 'contradicted'),
    [],
  )
  const direct = await server.client.explain(`seq:${explained.seq}/${explained.row}`)
  assert.equal(direct.id, 'b1-3-1')
})

test('pages of what is found go on within a batch, and lose nothing', async () => {
  const seen: string[] = []
  for (let page: { before?: number; beforeRow?: number } = {}; ;) {
    const { predictions, next, nextRow } = await server.client.find({ limit: 7, ...page })
    seen.push(...predictions.map(({ id }) => id!))
    if (next === undefined) break
    page = { before: next, ...(nextRow === undefined ? {} : { beforeRow: nextRow }) }
  }
  assert.equal(seen.length, 41)
  assert.equal(new Set(seen).size, 41)
})

test('a row is proved offline, through both trees; no byte of the proof may be changed', async () => {
  const proofs = await server.client.explanationProof('b1-4-2')
  const path = join(site.folder, 'b1.proof')
  await writeFile(path, proofs)
  const ran = await site.whence('verify', path, '--vkey', server.vkey)
  assert.equal(ran.code, 0, ran.stderr + ran.stdout)
  const own = proofs
    .slice(0, proofs.indexOf('c2sp.org/tlog-proof@v1', proofs.indexOf('c2sp.org/tlog-proof@v1') + 1))
    .replace(/\n+$/, '\n')
  const verdict = await verifyRowProof(own, server.vkey)
  assert.ok(verdict.ok)
  const row = JSON.parse(fromUtf8(verdict.row)) as { score: number; campaign: string; salt: string }
  assert.deepEqual([row.score, row.campaign], [scored({ ...reader(customers[4]!) }).score, campaigns[2]])
  const parsed = parseRowProof(own)
  const other = Buffer.from(fromUtf8(parsed.row).replace(campaigns[2]!, campaigns[1]!))
  for (const wrong of [
    { ...parsed, row: other },
    { ...parsed, index: parsed.index ^ 1 },
    { ...parsed, hashes: parsed.hashes.slice(1) },
  ])
    assert.equal((await verifyRowProof(formatRowProof(wrong), server.vkey)).ok, false)
  await writeFile(path, proofs.replace(own, formatRowProof({ ...parsed, row: other })))
  assert.equal((await site.whence('verify', path, '--vkey', server.vkey)).code, 1)
})

test('rows are replayed among other predictions', async () => {
  const replay = await server.client.replay({ model: modelName })
  assert.deepEqual([replay.population, replay.exact, replay.misses.length], [41, 41, 0])
  const some = await server.client.replay({
    model: modelName,
    from: '2026-03-02T00:00:00Z',
    to: '2026-03-03T00:00:00Z',
  })
  assert.deepEqual([some.population, some.exact], [10, 10])
})

test('nothing of a person stands in the files of a batch', async () => {
  for (const name of await readdir(join(site.data, 'predictions'))) {
    if (!name.includes('.')) continue
    const bytes = await readFile(join(site.data, 'predictions', name), 'latin1')
    for (const text of [...customers, 'b1-0-0']) assert.ok(!bytes.includes(text), `${name} holds ${text}`)
  }
})

test('the data folder verifies, and the tables are made again alike', async () => {
  const report = await server.client.verify()
  assert.deepEqual(report.problems, [])
  assert.equal(report.checked['predictionBatches'], 2)
  assert.equal(report.checked['predictionRows'], 31)
  await server.stop()
  await site.forgetTables()
  server = await site.start()
  assert.equal((await server.client.explain('b1-3-1')).score.truth, 'recomputed')
})

test('a backup has the rows of batches: what is restored explains and verifies', async () => {
  const [to, keys, data] = ['backup', 'backup-keys', 'restored'].map((name) => join(site.folder, name)) as [
    string,
    string,
    string,
  ]
  const made = await site.whence('backup', to, '--keys', keys)
  assert.equal(made.code, 0, made.stderr)
  const other = await Site.make()
  try {
    const restored = await other.whence('restore', to, '--keys', keys, '--data', data)
    assert.equal(restored.code, 0, restored.stderr)
    const verified = await other.whence('verify', data)
    assert.equal(verified.code, 0, verified.stdout + verified.stderr)
    const explained = await other.whence('explain', 'b1-3-1', '--data', data, '--json')
    assert.equal(explained.code, 0, explained.stderr)
    assert.equal((JSON.parse(explained.stdout) as { score: { truth: string } }).score.truth, 'recomputed')
  } finally {
    await other.remove()
  }
})

test('erasing a person takes their rows out, and the others still prove', async () => {
  const gone = (await server.client.find({ identifier: customers[6]!, limit: 10 })).predictions.find(
    ({ row }) => row !== undefined,
  )!
  const erasure = await server.client.erase({ identifier: customers[6]!, basis: 'asked for it' })
  assert.equal(erasure.rowsDeleted['prediction in a batch'], 3)
  assert.ok(erasure.filesRewritten.some(({ path, removed }) => path.startsWith('predictions/') && removed === 3))
  const explained = await server.client.explain(`seq:${gone.seq}/${gone.row}`)
  assert.equal(explained.score.truth, 'erased')
  assert.equal((await server.client.explain('b1-5-0')).score.truth, 'recomputed')
  await assert.rejects(server.client.explanationProof(`seq:${gone.seq}/${gone.row}`), { code: 'not_found' })
  for (const id of ['b1-5-0', 'b1-7-2']) {
    const proofs = await server.client.explanationProof(id)
    await writeFile(join(site.folder, 'x.proof'), proofs)
    assert.equal((await site.whence('verify', join(site.folder, 'x.proof'), '--vkey', server.vkey)).code, 0)
  }
  const again = await server.client.predictBatch(query('b1'), rowsOf('b1'))
  assert.deepEqual(again.accounting, { received: 30, recorded: 0, duplicate: 27, refused: 3 })
  assert.deepEqual(again.refused, { erased: 3 })
  assert.deepEqual((await server.client.verify()).problems, [])
})
