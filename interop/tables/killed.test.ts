// Tables that were committed to while their server was killed, read by engines that know nothing of that.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Site } from '../../journeys/site.ts'
import { killAtTables } from '../../journeys/table-kill.ts'
import { lacking, readTables } from './engines.ts'

test('the engines read every snapshot of a server that was killed at its commits', { skip: lacking() }, async () => {
  const site = await Site.make()
  try {
    const { problems, there } = await killAtTables(site, 3, 29)
    assert.deepEqual(problems, [])
    assert.ok(there > 0)
    const server = await site.start()
    const read = await readTables(server, site.data)
    const { tables } = await server.client.tables()
    assert.deepEqual(Object.keys(read.pyiceberg).toSorted(), tables.map(({ name }) => name).toSorted())
    let compared = 0
    for (const { name } of tables) {
      const { history } = await server.client.table(name)
      for (const engine of [read.pyiceberg, read.duckdb, read.chdb])
        assert.deepEqual(
          Object.fromEntries(Object.entries(engine[name]!.snapshots).map(([id, { rows }]) => [id, rows])),
          Object.fromEntries(history.map(({ id, rows }) => [id, rows])),
          name,
        )
      for (const [id, { columns }] of Object.entries(read.pyiceberg[name]!.snapshots)) {
        for (const engine of [read.duckdb, read.chdb])
          assert.deepEqual(engine[name]!.snapshots[id]!.columns, columns, `${name} at ${id}`)
        compared++
      }
    }
    assert.ok(compared > there, `${compared} snapshots`)
  } finally {
    await site.remove()
  }
})
