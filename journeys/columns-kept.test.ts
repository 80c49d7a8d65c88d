// Column files are brought up as events come, from what the door has just read. They must be the files that come of
// opening every event again.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { contract, customers, files, letters, stream } from './shop.ts'
import { Site } from './site.ts'

interface Manifest {
  to: number
  files: { path: string; sha256: string; rows: number }[]
}

async function manifest(site: Site): Promise<Manifest> {
  return JSON.parse(await readFile(join(site.data, 'columns', stream, 'manifest.json'), 'utf8')) as Manifest
}

const lines = (of: readonly unknown[]): string => of.map((each) => JSON.stringify(each)).join('\n')

void test('column files that grew with the events are those that the ledger gives', async (t) => {
  const site = await Site.make()
  t.after(() => site.remove())
  let server = await site.start({ columnsAfter: 20 })
  // One clock of the contract is ours: what was known when follows from the receipt.
  const ours = contract().replace('knownAt: received', 'knownAt: recorded')
  await server.client.apply({ files: [{ path: 'letters.yaml', text: ours }, files[1]!] })
  const half = Math.floor(letters.length / 2)
  await server.client.ingest(stream, lines(letters.slice(0, half)))
  // Repeated, refused by the contract, unreadable, and out of order.
  await server.client.ingest(stream, lines(letters.slice(0, 5)))
  await server.client.ingest(stream, `${lines([{ ...letters[0], id: 'odd', event: 'danced' }])}\n{"broken`)
  await server.client.ingest(stream, lines(letters.slice(half).toReversed()))
  // A later contract brings a column: what came before has none of it.
  const wider = ours
    .replace('version: 1.0.0', 'version: 1.1.0')
    .replace('customProperties:', '      - { name: shop, logicalType: string }\ncustomProperties:')
  await server.client.apply({ files: [{ path: 'letters.yaml', text: wider }] })
  await server.client.ingest(
    stream,
    lines(letters.slice(0, 30).map((each, i) => ({ ...each, id: `w-${i}`, n: 1000 + i, shop: i % 2 ? 'Ulm' : null }))),
  )
  for (let i = 0; i < 200 && !existsSync(join(site.data, 'columns', stream, 'manifest.json')); i++) await wait(50)
  assert.ok((await manifest(site)).files[0]!.rows > 0, 'nothing was materialised yet, and there are columns')
  await server.client.apply({ files: [files[1]!] })

  const { size } = await server.client.status()
  await server.client.erase({ identifier: customers[3]!, basis: 'request' })
  await server.client.materialize({ view: 'reader', at: '2026-06-01T00:00:00Z', asOf: size })
  const grown = await manifest(site)
  const { problems } = await server.client.verify()
  assert.deepEqual(problems, [])
  await server.stop()

  await rm(join(site.data, 'columns'), { recursive: true })
  server = await site.start()
  await server.client.materialize({ view: 'reader', at: '2026-06-02T00:00:00Z', asOf: size })
  await server.stop()
  const opened = await manifest(site)
  const content = (of: Manifest): unknown => of.files.map(({ sha256, rows }) => ({ sha256, rows }))
  assert.deepEqual(content(grown), content(opened))
})
