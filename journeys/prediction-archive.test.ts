// The archive of predictions: an Iceberg table that holds each prediction once, whatever it was recorded as.
import assert from 'node:assert/strict'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { openColumns } from '../server/src/store/columns.ts'
import { customers, follow, modelName, prediction } from './shop.ts'
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

interface Archived {
  prediction_id: string
  seq: bigint
  row: bigint | null
  score: number
  model: string
  feature_snapshot_id: bigint
  campaign: string
  subject: string
}

/** The rows of the table's data files, once it has a commit for this position. */
async function archived(seq: number): Promise<Archived[]> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-archive-'))
  const columns = await openColumns({ folder })
  try {
    for (;;) {
      await rm(join(folder, 'data'), { recursive: true, force: true })
      await cp(join(site.data, 'tables/predictions/archive/data'), join(folder, 'data'), { recursive: true }).catch(
        () => {},
      )
      const rows = await columns
        .rows<Archived>(
          `SELECT * REPLACE (lower(hex(subject)) AS subject) FROM read_parquet('${folder}/data/*.parquet') ORDER BY seq, "row"`,
        )
        .catch(() => [])
      if (rows.some((row) => row.seq === BigInt(seq))) return rows
      await wait(200)
    }
  } finally {
    await columns.close()
    await rm(folder, { recursive: true })
  }
}

const rowsOf = (batch: string) =>
  customers.map((customer, c) => ({
    ...prediction(customer, `${batch}-${c}`),
    time: `2026-03-0${1 + (c % 3)}T06:00:00Z`,
  }))

test('a batch is archived with all that stands before it, each prediction once', { timeout: 120_000 }, async () => {
  const query = { batch: 'one', model: modelName, snapshot: thread.snapshot.id }
  const { seq } = await server.client.predictBatch(query, rowsOf('one'))
  const rows = await archived(seq!)
  assert.equal(rows.length, 20)
  assert.equal(rows.filter(({ row }) => row === null).length, 10)
  assert.deepEqual(
    rows.filter((row) => row.row !== null).map((row) => Number(row.row)),
    [...rows.keys()].slice(0, 10),
  )
  const single = rows[0]!
  const { entry } = (await server.client.records({ from: Number(single.seq), limit: 1 })).records[0]!
  assert.equal(single.prediction_id, entry['id'])
  assert.deepEqual(new Set(rows.map(({ subject }) => subject)), new Set(thread.subjects))
  assert.ok(rows.every((row) => row.model === modelName && Number(row.feature_snapshot_id) === thread.snapshot.id))
  const sum = rows.reduce((total, { score }) => total + score, 0)
  const told = (await server.client.find({ limit: 100 })).predictions.reduce((total, one) => total + one.score!, 0)
  assert.ok(Math.abs(sum - told) < 1e-9)
})

test('it goes on where it stopped, without a row twice', { timeout: 120_000 }, async () => {
  await server.client.predict({
    model: modelName,
    snapshot: thread.snapshot.id,
    predictions: [prediction(customers[0]!, 'later')],
  })
  await server.stop()
  server = await site.start()
  const query = { batch: 'two', model: modelName, snapshot: thread.snapshot.id }
  const { seq } = await server.client.predictBatch(query, rowsOf('two'))
  const rows = await archived(seq!)
  assert.equal(rows.length, 31)
  assert.equal(new Set(rows.map((row) => `${row.seq}/${row.row}`)).size, 31)
})

test('whoever is erased is in no file of it', { timeout: 120_000 }, async () => {
  const { seq } = await server.client.find({ limit: 1 }).then(({ predictions }) => predictions[0]!)
  const [gone] = thread.subjects
  assert.ok((await archived(seq)).some(({ subject }) => subject === gone))
  await server.client.erase({ identifier: customers[0]!, basis: 'asked' })
  assert.ok((await archived(seq)).every(({ subject }) => subject !== gone))
})
