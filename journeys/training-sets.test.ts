// Training sets: spines from everywhere, both clocks, who is left out, and the set made again.
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client, TrainingSet } from '@whence/sdk'
import { openColumns } from '../server/src/store/columns.ts'
import { collect, refused } from './answers.ts'
import { customers, follow, letters, reader, stream } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const [anna, bela, cleo, dora] = customers as [string, string, string, string]

suite('training sets', () => {
  let site: Site
  let server: Running
  let whence: Client
  let thread: Thread

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    thread = await follow(whence)
  })
  after(() => site?.remove())

  const times = ['2026-01-31T00:00:00Z', '2026-02-15T00:00:00Z']
  const spine = customers.flatMap((entity, i) => times.map((at, j) => ({ entity, at, label: (i + j) % 2 })))
  const csv = (rows: readonly { entity: string; at: string; label: number }[], delimiter = ','): string =>
    [['entity', 'at', 'label'], ...rows.map(({ entity, at, label }) => [entity, at, label])]
      .map((cells) => cells.join(delimiter))
      .join('\n')
  const make = (id: string, more: object): Promise<TrainingSet> =>
    whence.createTrainingSet({ id, view: 'reader', label: 'opened', ...more })
  const waiting = (): string[] => {
    const folder = join(site.data, 'tmp/spines')
    return existsSync(folder) ? readdirSync(folder) : []
  }

  test('the same spine as rows, CSV and Parquet gives the same content', async () => {
    const rows = await make('as rows', { spine })
    const { upload } = await whence.uploadSpine(csv(spine, ';'), 'csv')
    assert.equal(waiting().length, 1)
    const fromCsv = await make('as csv', { from: { upload } })
    assert.deepEqual(waiting(), [])
    assert.deepEqual([fromCsv.rows, fromCsv.contentDigest], [rows.rows, rows.contentDigest])
    assert.equal(fromCsv.spine.kind, 'csv')

    const folder = join(site.data, 'tmp/test')
    const columns = await openColumns({ folder })
    try {
      const path = join(folder, 'spine.parquet')
      await writeFile(join(folder, 'spine.csv'), csv(spine))
      await columns.run(
        `COPY (SELECT entity AS who, "at"::TIMESTAMPTZ AS "when", label::DOUBLE AS y FROM read_csv('${folder}/spine.csv', header = true))
         TO '${path}' (FORMAT parquet)`,
      )
      const { upload: parquet } = await whence.uploadSpine(await readFile(path), 'parquet')
      const fromParquet = await make('as parquet', {
        from: { upload: parquet, columns: { entity: 'who', at: 'when', label: 'y' } },
      })
      assert.equal(fromParquet.contentDigest, rows.contentDigest)
    } finally {
      await columns.close()
    }
    await refused(make('again', { from: { upload } }), 'not_found')
  })

  test('what a CSV file has wrong is said with its line, and nothing of a cell', async () => {
    const text = `entity,at,label\n${anna},2026-02-15T00:00:00Z,1\n${bela},yesterday,1\n${cleo},2026-02-15T00:00:00Z,high\n,2026-02-15T00:00:00Z,1\n${dora},2026-02-15T00:00:00Z\n`
    const { upload } = await whence.uploadSpine(text, 'csv')
    const said = await refused(make('wrong', { from: { upload } }), 'invalid')
    for (const line of [3, 4, 5, 6]) assert.match(said, new RegExp(`line ${line}: `))
    for (const secret of [anna, bela, cleo, dora, 'yesterday', 'high']) assert.ok(!said.includes(secret), said)
    assert.deepEqual(waiting(), [])
  })

  test('whoever objects is left out and counted, also when it was heard late; existing sets stay', async () => {
    const before = await make('before', { spine })
    await whence.object({ identifier: bela, purpose: 'marketing', time: '2026-01-01T00:00:00Z', note: 'by telephone' })
    await whence.object({ identifier: cleo, purpose: 'profiling' })
    await whence.object({ identifier: dora, purpose: 'profiling', time: '2026-01-01T00:00:00Z' })
    await whence.object({ identifier: dora, purpose: 'profiling', withdrawn: true, time: '2026-01-02T00:00:00Z' })
    await whence.object({ identifier: 'somebody new', purpose: 'profiling' })
    const state = await whence.objections({ identifier: bela })
    assert.deepEqual(state.objects, { profiling: true, marketing: true })
    assert.deepEqual((await whence.objections({ identifier: cleo })).objects, { profiling: true, marketing: false })
    assert.deepEqual((await whence.objections({ identifier: dora })).objects, { profiling: false, marketing: false })
    assert.deepEqual(
      (await whence.objections({ identifier: dora, at: '2026-01-01T12:00:00Z' })).objects.profiling,
      true,
    )
    assert.deepEqual((await whence.objections({ identifier: bela, asOf: before.seq })).objects.profiling, false)
    assert.equal((await whence.objections({ identifier: 'somebody new' })).objects.profiling, true)
    assert.equal((await whence.objections({ identifier: 'nobody' })).known, false)

    const after = await make('after', { spine })
    assert.deepEqual({ objected: after.leftOut.objected, rows: after.rows }, { objected: 4, rows: spine.length - 4 })
    // Also a set that knows the events only up to an earlier position hears who objects by now.
    const earlier = await make('earlier', { spine, asOf: before.asOf })
    assert.equal(earlier.leftOut.objected, 4)
    const verified = await whence.verifyTrainingSet('before')
    assert.deepEqual(
      { equal: verified.equal, since: verified.objectedSince, rows: verified.rows.equal },
      { equal: true, since: 2, rows: spine.length },
    )
    const compared = await whence.compareTrainingSets('before', 'after')
    assert.deepEqual(compared.rows, { a: 20, b: 16, equal: 16, differing: 0, onlyA: 4, onlyB: 0 })
    assert.deepEqual(
      compared.differences.map(({ why, rows }) => [why, rows]),
      [['objected', 4]],
    )
    for (const identifier of [bela, cleo, 'somebody new'])
      for (const purpose of ['marketing', 'profiling'] as const)
        await whence.object({ identifier, purpose, withdrawn: true })
    assert.equal((await make('once more', { spine })).rows, spine.length)
  })

  test('the events of a stream are a spine, judged by the SQL of features', async () => {
    const from = {
      stream,
      where: `event = 'sent'`,
      at: 'time - interval 1 microsecond',
      label: `creative = 'A'`,
    }
    const set = await make('of the stream', { from })
    const sent = letters.filter(({ event }) => event === 'sent')
    assert.equal(set.rows, sent.length)
    for (const row of await collect(whence.trainingRows('of the stream'))) {
      const i = thread.subjects.indexOf(row.subject)
      const own = sent.find(
        ({ customer, time }) => customer === customers[i] && Date.parse(time) - 1 === Date.parse(row.at),
      )
      assert.equal(row.label, own!.creative === 'A')
      assert.deepEqual(row.values, { ...reader(customers[i]!, new Date(Date.parse(own!.time) - 1).toISOString()) })
    }
    assert.equal((await whence.verifyTrainingSet('of the stream')).spine, 'from the ledger')
    for (const [field, text] of Object.entries({
      label: 'random()',
      where: 'time > now()',
      at: 'event',
    }))
      await refused(make('refused', { from: { ...from, [field]: text } }), 'invalid')
    await refused(make('refused', { from: { ...from, label: 'customer' } }), 'invalid')
    await refused(make('refused', { from: { ...from, where: '(select true)' } }), 'invalid')
    await refused(make('refused', { from: { ...from, stream: 'nothing' } }), 'not_found')
  })
})
