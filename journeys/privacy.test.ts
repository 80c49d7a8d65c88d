// Nobody who opens the files of a server without its keys learns who its customers are.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { DuckDBInstance } from '@duckdb/node-api'
import { openDatabase } from '../server/src/store/database.ts'
import { walk } from '../server/src/store/files.ts'
import { forms, found } from './leaks.ts'
import { customers, follow, stream } from './shop.ts'
import { Site } from './site.ts'

/** What may not be found: the identifiers, and the ids of predictions that are derived from them. */
const secrets = customers.flatMap((customer) => [customer, `p-${customer.split('-')[1]}`])
const broken = 'cust-zora-7719'

suite('the files of a server', () => {
  let site: Site
  let said = ''

  before(async () => {
    site = await Site.make()
    const log = console.error
    console.error = (...parts: unknown[]) => void (said += parts.map(String).join(' '))
    const server = await site.start()
    await follow(server.client)
    // A line whose person cannot be read, one that breaks its contract, a conflict, and a person who is erased.
    await server.client.ingest(stream, `{"id":"x1","customer":"${broken}`, { file: 'cut.ndjson', line: 1 })
    await server.client.ingest(stream, [
      { id: 'x2', customer: broken, event: 'no such event', time: '2026-02-01T00:00:00Z' },
    ])
    await server.client.explain('p-anna')
    await server.client.erase({ identifier: customers[9]!, basis: 'request of the person' })
    await server.client.find({ identifier: customers[0]! })
    await server.stop()
    console.error = log
  })
  after(() => site?.remove())

  test('hold no identifier in any form, outside sealed payloads', async () => {
    const files = await walk(site.data)
    assert.ok(files.some((path) => path.startsWith('columns/')) && files.some((path) => path.startsWith('payloads/')))
    for (const path of files) {
      assert.deepEqual(found(await readFile(join(site.data, path)), [...secrets, broken]), [], path)
    }
  })

  test('hold none in the rows of their Parquet files, decoded', async () => {
    const duckdb = await DuckDBInstance.create(':memory:')
    const connection = await duckdb.connect()
    const parquet = (await walk(site.data)).filter((path) => path.endsWith('.parquet'))
    assert.ok(parquet.length >= 3, 'columns, snapshot and training set')
    for (const path of parquet) {
      const rows = await connection.runAndReadAll(`select * from read_parquet('${join(site.data, path)}')`)
      assert.ok(rows.currentRowCount > 0, path)
      assert.deepEqual(found(Buffer.from(JSON.stringify(rows.getRowsJson())), [...secrets, broken]), [], path)
    }
    connection.closeSync()
    duckdb.closeSync()
  })

  test('hold none in their tables, read as rows', async () => {
    const { databaseUrl, schema, data } = site.config
    const database = await openDatabase({ url: databaseUrl, schema, folder: join(data, 'database') })
    try {
      const tables = await database.query<{ name: string }>(
        'select table_name as name from information_schema.tables where table_schema = current_schema()',
      )
      assert.ok(tables.length > 10)
      let rows = 0
      for (const { name } of tables) {
        const all = await database.query<{ row: string }>(`select row_to_json(t)::text as row from "${name}" t`)
        rows += all.length
        assert.deepEqual(found(Buffer.from(all.map(({ row }) => row).join('\n')), [...secrets, broken]), [], name)
      }
      assert.ok(rows > 20)
    } finally {
      await database.close()
    }
  })

  test('and what the server said names nobody', () => {
    assert.deepEqual(found(Buffer.from(said), [...secrets, broken]), [])
  })

  test('while the search itself finds what is there', () => {
    for (const form of forms(customers[0]!))
      assert.deepEqual(found(Buffer.concat([Buffer.from('..'), form, Buffer.from('..')]), [customers[0]!]), [
        customers[0],
      ])
  })
})
