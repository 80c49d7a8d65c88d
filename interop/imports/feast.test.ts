// A repository made by real Feast, imported: data sources, feature views and services appear in the lineage graph.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { Environment } from './environment.ts'

const feast = new Environment('WHENCE_FEAST', 'feast')

describe('a Feast repository', { skip: feast.lacking }, () => {
  let site: Site
  let server: Running
  let repository: string
  let dump: string

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await feast.run(site.folder, 'feast', ['init', 'shop'])
    repository = join(site.folder, 'shop', 'feature_repo')
    await feast.run(repository, 'feast', ['apply'])
    dump = join(site.folder, 'registry.json')
    const printed = await feast.run(repository, 'feast', ['registry-dump'])
    await writeFile(dump, printed.slice(printed.indexOf('{')))
  })
  after(async () => {
    await site?.remove()
  })

  const imported = async (path: string) => {
    const { code, stdout, stderr } = await site.whence('import', 'feast', path, '--json')
    assert.equal(code, 0, stderr || stdout)
    return JSON.parse(stdout) as { views: number; services: number; sources: number; lineage: object; notes: string[] }
  }

  test('a service is traced to its views and their sources, by field where that is plain', async () => {
    const { views, services, sources, lineage, notes } = await imported(join(site.folder, 'shop'))
    assert.deepEqual({ views, services, sources, notes }, { views: 5, services: 3, sources: 3, notes: [] })
    assert.deepEqual(lineage, { added: 8, known: 0 })
    const names = async (node: string) =>
      (await server.client.lineageExplain({ node })).nodes.map(({ id }) => id.replaceAll('%3A', ':'))
    const all = await names('dataset:feast:shop:service/driver_activity_v2')
    for (const name of ['view/driver_hourly_stats', 'view/transformed_conv_rate', 'source/vals_to_add'])
      assert.ok(all.includes(`dataset:feast:shop:${name}`), name)
    assert.ok(all.includes('dataset:file:data/driver_stats.parquet'))
    assert.deepEqual((await names('dataset:feast:shop:service/driver_activity_v1#conv_rate')).toSorted(), [
      'dataset:feast:shop:service/driver_activity_v1#conv_rate',
      'dataset:feast:shop:view/driver_hourly_stats#conv_rate',
      'dataset:file:data/driver_stats.parquet#conv_rate',
    ])
    const { events } = await server.client.collected({ limit: 1000 })
    assert.deepEqual(
      events.flatMap(({ violations }) => violations),
      [],
    )
    assert.ok(
      events.every(({ producer }) => producer === 'urn:whence:import:feast'),
      'asserted by the import',
    )
  })

  test('types, tags, entity and ttl are kept', async () => {
    const detail = JSON.stringify(
      await server.client.lineageNode({ node: 'dataset:feast:shop:view/driver_hourly_stats' }),
    )
    for (const said of ['avg_daily_trips', 'INT64', 'driver_performance', 'driver_id', '86400s', 'Average daily trips'])
      assert.ok(detail.includes(said), said)
  })

  test('the registry and its dump say the same, and again nothing is added', async () => {
    const { size } = await server.client.status()
    assert.deepEqual((await imported(dump)).lineage, { added: 0, known: 8 })
    assert.deepEqual((await imported(join(repository, 'data', 'registry.db'))).lineage, { added: 0, known: 8 })
    assert.equal((await server.client.status()).size, size)
  })

  test('a broken registry is refused wherever it breaks off, and nothing of it is recorded', async () => {
    const { size } = await server.client.status()
    const whole = await readFile(join(repository, 'data', 'registry.db'))
    const path = join(site.folder, 'broken.db')
    for (const bytes of [
      whole.subarray(0, 0),
      whole.subarray(0, 700),
      Buffer.from('{"a"'),
      Buffer.from('[]'),
      Buffer.from('{}'),
    ]) {
      await writeFile(path, bytes)
      const { code, stderr } = await site.whence('import', 'feast', path)
      assert.equal(code, 1)
      assert.match(stderr, /broken\.db|registry of Feast/)
    }
    const nowhere = await site.whence('import', 'feast', 'nowhere')
    assert.equal(nowhere.code, 2)
    assert.equal((await server.client.status()).size, size)
  })
})
