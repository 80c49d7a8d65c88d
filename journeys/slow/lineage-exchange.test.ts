// Lineage comes in from a file, and goes out again: as the bytes that came, and as W3C PROV. What went out can come in
// elsewhere, and coming in twice adds nothing.
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { Site } from '../site.ts'

const run = '3f5e83fa-3480-44ff-99c5-ff943904e5e8'
const strange = 'a: #%é/"\\ 🎈.(1)\''
const event = (eventType: string, eventTime: string) =>
  JSON.stringify({
    eventType,
    eventTime,
    producer: 'https://orchestrator.example/v1',
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId: run },
    job: { namespace: strange, name: strange },
    inputs: [{ namespace: 'db', name: strange }],
    outputs: [{ namespace: 'db', name: 'out' }],
  })
const lines = [event('START', '2026-03-20T10:00:00Z'), event('COMPLETE', '2026-03-20T10:05:00Z')]

void suite('lineage comes in and goes out', () => {
  let site: Site
  let other: Site
  before(async () => {
    ;[site, other] = [await Site.make(), await Site.make()]
  })
  after(async () => {
    await site.remove()
    await other.remove()
  })
  const records = async (at: Site) => {
    const { stdout } = await at.whence('lineage', 'export')
    return stdout.split('\n').length - 1
  }

  test('a file is taken in, its broken line is named, and the rest counts', async () => {
    const file = join(site.folder, 'events.ndjson')
    await writeFile(file, [...lines, '{"broken'].join('\n'))
    const ran = await site.whence('lineage', 'import', file, '--json')
    assert.equal(ran.code, 1)
    const { received, taken, failed, problems } = JSON.parse(ran.stdout) as Record<string, unknown>
    assert.deepEqual([received, taken, failed], [3, 2, 1])
    assert.equal((problems as { place: number }[])[0]!.place, 3)
    assert.equal(await records(site), 2)
  })

  test('again adds nothing', async () => {
    await site.whence('lineage', 'import', join(site.folder, 'events.ndjson'))
    assert.equal(await records(site), 2)
  })

  test('the bytes go out as they came, and into another log', async () => {
    const file = join(site.folder, 'out.ndjson')
    const ran = await site.whence('lineage', 'export', '-o', file)
    assert.equal(ran.code, 0, ran.stderr)
    assert.equal(await readFile(file, 'utf8'), `${lines.join('\n')}\n`)
    const taken = await other.whence('lineage', 'import', file)
    assert.equal(taken.code, 0, taken.stderr)
    assert.equal(await records(other), 2)
  })

  test('a folder of event files is taken in the order of their paths, and what holds none is named', async (t) => {
    const third = await Site.make()
    t.after(() => third.remove())
    const folder = join(third.folder, 'events')
    await mkdir(join(folder, '2', '.git'), { recursive: true })
    const [start, complete] = lines as [string, string]
    const running = event('RUNNING', '2026-03-20T10:03:00Z')
    await writeFile(join(folder, '2', 'running.ndjson'), running)
    await writeFile(join(folder, '10.json'), JSON.stringify(JSON.parse(complete), null, 2))
    await writeFile(join(folder, '1.json'), start)
    await writeFile(join(folder, '3.json'), '{\n  "eventType": "START",\n')
    await writeFile(join(folder, '4.json'), '{"no": "event"}')
    await writeFile(join(folder, 'notes.txt'), 'none')
    await writeFile(join(folder, '2', '.git', 'x.json'), '{}')
    const ran = await third.whence('lineage', 'import', 'events', '--json')
    assert.equal(ran.code, 1, ran.stderr)
    const { received, taken, failed, problems } = JSON.parse(ran.stdout) as Record<string, unknown>
    assert.deepEqual([received, taken, failed], [5, 3, 2])
    assert.deepEqual(
      (problems as { from: string; place?: number }[]).map(({ from, place }) => [from, place]),
      [
        [join('events', '3.json'), undefined],
        [join('events', '4.json'), 1],
      ],
    )
    const { stdout } = await third.whence('lineage', 'export')
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { eventType: string }).eventType),
      ['START', 'COMPLETE', 'RUNNING'],
    )
    await mkdir(join(third.folder, 'empty'))
    const empty = await third.whence('lineage', 'import', 'empty')
    assert.equal(empty.code, 1)
    assert.match(empty.stderr, /empty has no manifest\.json/)
  })

  test('PROV names the run, what it used and what it generated, whatever they are called', async () => {
    const ran = await site.whence('lineage', 'export', '--format', 'prov')
    assert.equal(ran.code, 0, ran.stderr)
    const prov = JSON.parse(ran.stdout) as Record<string, Record<string, Record<string, string>>>
    const [[activity, { 'prov:startTime': start, 'prov:endTime': end }]] = Object.entries(prov.activity!) as [
      [string, Record<string, string>],
    ]
    assert.deepEqual([start, end], ['2026-03-20T10:00:00.000000Z', '2026-03-20T10:05:00.000000Z'])
    assert.equal(Object.values(prov.wasGeneratedBy!)[0]!['prov:activity'], activity)
    const used = Object.values(prov.used!)[0]!['prov:entity']!
    assert.match(used, /^whence:version\.[\w%.-]+$/)
    assert.ok(prov.entity![used]!['prov:label']!.includes('🎈'))
  })

  test('a node that nobody knows is refused', async () => {
    const ran = await site.whence('lineage', 'export', '--node', 'dataset:db:nowhere')
    assert.equal(ran.code, 1)
    assert.equal(ran.stdout, '')
  })
})
