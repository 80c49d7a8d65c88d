// Engines that others wrote, held against our tables: pyiceberg, DuckDB and Spark through the REST catalog, ClickHouse
// (chdb) from the folder. Every snapshot of every table, by its id, must give each of them what it gives us.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { TrainingSet } from '@whence/sdk'
import { collect } from '../../journeys/answers.ts'
import { contract, customers, follow, letters, modelName, prediction, stream, view } from '../../journeys/shop.ts'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { openColumns } from '../../server/src/store/columns.ts'
import { lackingSpark } from '../producers/environment.ts'
import { lacking, pythonSays, readTables, readWithSpark } from './engines.ts'
import type { At, Read } from './engines.ts'

const ARCHIVE = 'predictions.archive'

/** Values of every type that a training set may have, absent ones too. */
const mixed = `
kind: FeatureView
name: mixed
entity: customer
source: ${stream}
features:
  - { name: share, type: double, expr: "count(*) filter (where event = 'opened') / nullif(count(*) filter (where event = 'clicked'), 0)" }
  - { name: hours, type: double, expr: "date_diff('second', max(time), as_of) / 3600.0" }
  - { name: largest, type: decimal, expr: max(amount) }
  - { name: last, type: string, expr: 'arg_max(campaign, time)' }
`
const spine = customers.flatMap((entity, i) =>
  ['2026-01-05', '2026-01-31', '2026-02-20'].map((day) => ({
    entity,
    at: `${day}T00:00:00.000001Z`,
    label: i % 2 === 0,
  })),
)

describe('tables, read by engines that others wrote', { skip: lacking() }, () => {
  let site: Site
  let server: Running
  let read: Read
  let sets: TrainingSet[]

  /** Until the archive, which follows by itself, has so many rows. */
  async function archived(rows: number): Promise<void> {
    const archive = async () => (await server.client.tables()).tables.find(({ name }) => name === ARCHIVE)
    while ((await archive())?.rows !== rows) await wait(100)
  }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    const { client } = server
    await client.apply({
      files: [
        { path: 'letters.yaml', text: contract() },
        { path: 'reader.yaml', text: view },
      ],
    })
    await client.ingest(stream, letters.slice(0, 40))
    await client.materialize({ view: 'reader', at: '2026-02-01T00:00:00Z' })
    const thread = await follow(client)
    // Predictions of three days, with records of their own and in batches: the archive is divided by day.
    for (const batch of ['one', 'two']) {
      const rows = customers.map((customer, i) => ({
        ...prediction(customer, `${batch}-${i}`),
        time: `2026-03-0${1 + (i % 3)}T06:00:00Z`,
      }))
      await client.predictBatch({ batch, model: modelName, snapshot: thread.snapshot.id }, rows)
      await archived(batch === 'one' ? 20 : 30)
    }
    // A contract that brings a column, and events that have it.
    const wider = contract('1.1.0').replace(
      '      - { name: consent,',
      '      - { name: channel, logicalType: string }\n      - { name: consent,',
    )
    await client.apply({
      files: [
        { path: 'letters.yaml', text: wider },
        { path: 'reader.yaml', text: view },
      ],
    })
    const more = letters.slice(0, 12).map((letter, i) => ({
      ...letter,
      id: `later-${i}`,
      n: letters.length + i + 1,
      channel: i % 2 === 0 ? 'e-mail ✉' : undefined,
    }))
    await client.ingest(stream, more)
    await client.materialize({ view: 'reader', at: '2026-03-02T00:00:00Z' })
    await client.apply({ files: [{ path: 'mixed.yaml', text: mixed }] })
    sets = [
      await client.createTrainingSet({ id: 'two views', views: ['reader', 'mixed'], label: 'opened', spine }),
      await client.createTrainingSet({
        id: 'plain',
        view: 'reader',
        label: 'n',
        spine: spine.slice(7, 14).map((row, i) => ({ ...row, label: i })),
      }),
    ]
    await client.erase({ identifier: customers[3]!, basis: 'asked for it' })
    await client.materialize({ view: 'reader', at: '2026-03-03T00:00:00Z' })
    read = await readTables(server, site.data)
  })
  after(() => site?.remove())

  test('they see every table and every snapshot that we list, with our counts of rows', async () => {
    const { tables } = await server.client.tables()
    assert.ok(tables.length >= 2)
    assert.deepEqual(Object.keys(read.pyiceberg).toSorted(), tables.map(({ name }) => name).toSorted())
    for (const { name } of tables) {
      const { history, snapshot } = await server.client.table(name)
      assert.ok(history.length > 0, `${name} has a snapshot`)
      const ours = Object.fromEntries(history.map(({ id, rows }) => [id, rows]))
      const rowsOf = (snapshots: Record<string, At>) =>
        Object.fromEntries(Object.entries(snapshots).map(([id, { rows }]) => [id, rows]))
      for (const engine of [read.pyiceberg, read.duckdb, read.chdb])
        assert.deepEqual(rowsOf(engine[name]!.snapshots), ours, name)
      assert.equal(read.pyiceberg[name]!.current, snapshot)
    }
  })

  test('they read the same values, column by column, in every snapshot', () => {
    let compared = 0
    for (const [name, { snapshots }] of Object.entries(read.pyiceberg))
      for (const [id, { columns }] of Object.entries(snapshots)) {
        assert.deepEqual(read.chdb[name]!.snapshots[id]!.columns, columns, `${name} at ${id}`)
        assert.deepEqual(read.duckdb[name]!.snapshots[id]!.columns, columns, `${name} at ${id}`)
        compared++
      }
    assert.ok(compared >= 6, `${compared} snapshots`)
  })

  test('Spark lists the same tables and snapshots, and reads the same values', { skip: lackingSpark() }, async () => {
    const spark = await readWithSpark(server, site.folder, read.pyiceberg)
    assert.deepEqual(Object.keys(spark).toSorted(), Object.keys(read.pyiceberg).toSorted())
    for (const [name, { snapshots }] of Object.entries(read.pyiceberg)) {
      assert.deepEqual(spark[name]!.listed.toSorted(), Object.keys(snapshots).toSorted(), name)
      for (const [id, { rows, columns }] of Object.entries(snapshots))
        assert.deepEqual(spark[name]!.snapshots[id], { rows, columns }, `${name} at ${id}`)
    }
  })

  test('they see our columns, those of earlier snapshots as they were', async () => {
    for (const [name, { schema }] of Object.entries(read.chdb)) {
      const { columns, history } = await server.client.table(name)
      const ours = Object.fromEntries(
        columns.map((column) => [column.name, column.type === 'binary' ? 'string' : column.type]),
      )
      assert.deepEqual(schema, ours, name)
      const last = read.pyiceberg[name]!.snapshots[history.at(-1)!.id]!.schema
      assert.deepEqual(last, Object.fromEntries(columns.map((column) => [column.name, column.type])), name)
    }
    const events = Object.values(read.pyiceberg['events.letters']!.snapshots)
    assert.ok(events.some(({ schema }) => !('channel' in schema)) && events.some(({ schema }) => 'channel' in schema))
  })

  test('a feature snapshot is the snapshot of its table that has its id, and has its values', async () => {
    const { history } = await server.client.table('features.reader_v1')
    for (const { id } of history) {
      const rows: Record<string, number> = { letters_90d: 0, opens_90d: 0 }
      let count = 0
      for await (const row of server.client.snapshotRows(Number(id))) {
        count++
        for (const name of Object.keys(rows)) rows[name]! += Number(row.values[name])
      }
      const { columns } = read.pyiceberg['features.reader_v1']!.snapshots[id]!
      for (const [name, sum] of Object.entries(rows))
        assert.deepEqual(columns[name], [String(count), String(sum)], `${name} at ${id}`)
    }
  })

  test('the archive of predictions: every snapshot by its id, with our counts and the very scores', async () => {
    const { history, partition, columns } = await server.client.table(ARCHIVE)
    assert.deepEqual(partition, [{ column: 'at', transform: 'day' }])
    // Who was erased is in none of them any more.
    assert.deepEqual(
      history.filter(({ operation }) => operation === 'append').map(({ rows }) => rows),
      [9, 18, 27],
    )
    const found = (await server.client.find({ limit: 1000 })).predictions.filter(({ erased }) => !erased)
    for (const { id, rows } of history) {
      const scores = found.filter(({ seq }) => seq <= Number(id)).map(({ score }) => score!)
      const view = new DataView(new ArrayBuffer(8))
      const bits = scores.map((score) => (view.setFloat64(0, score), view.getBigUint64(0)))
      const sum = BigInt.asUintN(
        64,
        bits.reduce((total, each) => total + each, 0n),
      )
      const wanted = [String(rows), String(Math.min(...scores)), String(Math.max(...scores)), String(sum)]
      for (const engine of [read.pyiceberg, read.duckdb, read.chdb])
        assert.deepEqual(engine[ARCHIVE]!.snapshots[id]!.columns['score'], wanted, id)
      assert.equal(scores.length, rows)
    }
    assert.deepEqual(
      Object.keys(read.pyiceberg[ARCHIVE]!.snapshots[history.at(-1)!.id]!.schema),
      columns.map(({ name }) => name),
    )
  })

  test('the content digest of training sets, made in Python from the specification alone', async () => {
    const kinds = new Set<string>()
    for (const made of sets) {
      const { id, columns, contentDigest, files, rows } = await server.client.trainingSet(made.id)
      for (const { type } of columns) kinds.add(type.replace(/\(.*/, ''))
      const path = join(site.folder, `${made.seq}.parquet`)
      await writeFile(path, Buffer.concat(await collect(server.client.exportTrainingSet(id))))
      const list = join(site.data, files[0]!.path.replace(/\.parquet$/, '.rows'))
      const said = (await pythonSays('content.py', [JSON.stringify(columns), path, list])) as Record<string, unknown>
      assert.equal(said['example'], 'cf0fac8274eceab86ad16d4987195b4766dd59299b6b9c87286dcbdd10a629ca')
      // One of the people was erased since: their rows are gone, the list and its digest are as they were.
      assert.deepEqual([said['listed'], said['strange']], [contentDigest, 0], id)
      assert.ok((said['rows'] as number) < rows, id)
      assert.notEqual(said['digest'], contentDigest)
    }
    assert.deepEqual([...kinds].toSorted(), ['BIGINT', 'BOOLEAN', 'DECIMAL', 'DOUBLE', 'TIMESTAMP', 'VARCHAR'])
    const { id } = await server.client.createTrainingSet({
      id: 'after',
      views: ['reader', 'mixed'],
      label: 'opened',
      spine: spine.filter(({ entity }) => entity !== customers[3]),
    })
    const { columns, contentDigest, rows } = await server.client.trainingSet(id)
    const path = join(site.folder, 'after.parquet')
    await writeFile(path, Buffer.concat(await collect(server.client.exportTrainingSet(id))))
    const said = (await pythonSays('content.py', [JSON.stringify(columns), path])) as Record<string, unknown>
    assert.deepEqual([said['digest'], said['rows']], [contentDigest, rows])
  })

  test('DuckDB without the catalog gives the same for the files of an event table', async () => {
    const columns = await openColumns({ folder: site.data, threads: 1 })
    try {
      const { columns: said } = Object.values(read.pyiceberg['events.letters']!.snapshots).at(-1)!
      const { n, sum } = await columns.row<{ n: bigint; sum: string }>(
        `SELECT count(amount) AS n, sum(amount)::VARCHAR AS sum FROM read_parquet('${site.data}/columns/letters/*.parquet', union_by_name = true)`,
      )
      assert.deepEqual(said.amount, [String(n), sum.replace(/\.?0+$/, '')])
    } finally {
      await columns.close()
    }
  })

  test('verify finds them in order, and names an altered file of theirs', async () => {
    assert.deepEqual((await server.client.verify()).problems, [])
    const { metadata } = await server.client.table('features.reader_v1')
    await writeFile(join(site.data, metadata.path), '{}')
    const { problems } = await server.client.verify()
    assert.deepEqual(
      problems.map(({ path, code }) => [path, code]),
      [[metadata.path, 'altered']],
    )
  })
})
