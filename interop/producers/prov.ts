// What producers told us, exported as W3C PROV, and read by the Python package `prov`.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { Site } from '../../journeys/site.ts'
import { run } from './environment.ts'

const check = join(import.meta.dirname, '../prov/check.py')

/** Exports the runs of a place, and asserts that the package reads them whole, with at least so many of each. */
export async function readAsProv(site: Site, least: { entities: number; activities: number }): Promise<void> {
  const exported = await site.whence('lineage', 'export', '--format', 'prov')
  assert.equal(exported.code, 0, exported.stderr)
  const { entities, activities } = least
  const args = [check, '--entities', String(entities), '--activities', String(activities)]
  const { code, stdout, stderr } = await run('python', args, { input: exported.stdout })
  assert.equal(code, 0, stdout + stderr)
}
