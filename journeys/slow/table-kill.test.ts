// The tables of a server that is killed while it commits to them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Site } from '../site.ts'
import { killAtTables } from '../table-kill.ts'

test('a server that is killed while it materialises leaves tables whole, and no file that is not swept', async () => {
  const site = await Site.make()
  try {
    const { acknowledged, there, expired, problems } = await killAtTables(site, 6, 11)
    assert.deepEqual(problems, [])
    assert.ok(acknowledged.size >= 6, `${acknowledged.size} snapshots were acknowledged`)
    assert.ok(there > 0 && expired > 0, `${there} are there, ${expired} expired`)
  } finally {
    await site.remove()
  }
})
