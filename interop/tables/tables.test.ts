// Engines that others wrote, held against our tables: pyiceberg through the REST catalog, ClickHouse (chdb) from the
// folder. Every snapshot of every table, by its id, must give both of them what it gives us.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { contract, customers, follow, letters, stream, view } from '../../journeys/shop.ts'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { openColumns } from '../../server/src/store/columns.ts'

const folder = process.env['WHENCE_ENGINES']
const python = join(folder ?? '', 'bin', 'python')

/** Why this cannot run here: WHENCE_ENGINES names no Python that has what requirements.txt names. In CI it fails instead. */
function lacking(): string | false {
  if (process.env['CI'] === 'true') return false
  if (folder === undefined) return 'WHENCE_ENGINES names no Python environment: see interop/README.md'
  const { status } = spawnSync(python, ['-c', 'import pyiceberg, chdb'])
  return status === 0 ? false : 'the Python of WHENCE_ENGINES lacks pyiceberg or chdb'
}

interface At {
  rows: number
  columns: Record<string, string[]>
}
interface Read {
  pyiceberg: Record<
    string,
    { current: string | null; snapshots: Record<string, At & { schema: Record<string, string> }> }
  >
  chdb: Record<string, { schema: Record<string, string>; snapshots: Record<string, At> }>
}

describe('tables, read by engines that others wrote', { skip: lacking() }, () => {
  let site: Site
  let server: Running
  let key: string
  let read: Read

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
    await follow(client)
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
    await client.erase({ identifier: customers[3]!, basis: 'asked for it' })
    await client.materialize({ view: 'reader', at: '2026-03-03T00:00:00Z' })
    key = (await client.issueKey({ name: 'engine', scopes: ['read'], source: 'engine' })).secret
    read = await run()
  })
  after(() => site?.remove())

  async function run(): Promise<Read> {
    const child = spawn(python, [join(import.meta.dirname, 'read.py')], {
      env: { ...process.env, WHENCE_URL: server.url, WHENCE_KEY: key, WHENCE_DATA: site.data },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    assert.equal(code, 0, stderr.slice(-4000))
    return JSON.parse(stdout) as Read
  }

  test('both see every table and every snapshot that we list, with our counts of rows', async () => {
    const { tables } = await server.client.tables()
    assert.ok(tables.length >= 2)
    assert.deepEqual(Object.keys(read.pyiceberg).toSorted(), tables.map(({ name }) => name).toSorted())
    for (const { name } of tables) {
      const { history, snapshot } = await server.client.table(name)
      assert.ok(history.length > 0, `${name} has a snapshot`)
      const ours = Object.fromEntries(history.map(({ id, rows }) => [id, rows]))
      const rowsOf = (snapshots: Record<string, At>) =>
        Object.fromEntries(Object.entries(snapshots).map(([id, { rows }]) => [id, rows]))
      assert.deepEqual(rowsOf(read.pyiceberg[name]!.snapshots), ours, name)
      assert.deepEqual(rowsOf(read.chdb[name]!.snapshots), ours, name)
      assert.equal(read.pyiceberg[name]!.current, snapshot)
    }
  })

  test('they read the same values, column by column, in every snapshot', () => {
    let compared = 0
    for (const [name, { snapshots }] of Object.entries(read.pyiceberg))
      for (const [id, { columns }] of Object.entries(snapshots)) {
        assert.deepEqual(read.chdb[name]!.snapshots[id]!.columns, columns, `${name} at ${id}`)
        compared++
      }
    assert.ok(compared >= 6, `${compared} snapshots`)
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

  test('a third engine, DuckDB, gives the same for the files of an event table', async () => {
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
