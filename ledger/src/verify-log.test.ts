import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { signCheckpoint } from './checkpoint.ts'
import { toUtf8 } from './encoding.ts'
import { SAMPLE_ORIGIN, sampleEntry, sampleLog, sampleSigner } from './sample-log.ts'
import type { SampleLog } from './sample-log.ts'
import { encodeBundle } from './tiles.ts'
import { leafHash } from './tree.ts'
import { verifyLog } from './verify-log.ts'
import type { LogVerification } from './verify-log.ts'

const logs = new Map<number, SampleLog>()
for (const size of [0, 1, 3, 255, 256, 257, 600, 1024, 66_000]) logs.set(size, await sampleLog(size))
const { vkey } = logs.get(0)!

/** The problems, as `code path`, of the log of `size` entries in which these files are replaced or (undefined) gone. */
async function problems(
  size: number,
  changes: Record<string, Uint8Array | undefined>,
  options?: LogVerification,
): Promise<string[]> {
  const { files } = logs.get(size)!
  const report = await verifyLog((path) => (path in changes ? changes[path] : files.get(path)), vkey, options)
  assert.equal(report.ok, report.problems.length === 0)
  return report.problems.map(({ code, path }) => `${code} ${path}`).sort()
}

function flip(size: number, path: string, at: number, bit = 1): Record<string, Uint8Array> {
  const bytes = logs.get(size)!.files.get(path)!.slice()
  bytes[at % bytes.length]! ^= bit
  return { [path]: bytes }
}

/** A bundle of the sample log in which one entry is another one. */
function forgedBundle(index: number, width: number, place: number): Uint8Array {
  const entries = Array.from({ length: width }, (_, i) => sampleEntry(index * 256 + i))
  return encodeBundle(entries.with(place, sampleEntry(999_999)))
}

/** A tile of leaf hashes that goes with `forgedBundle`. */
function forgedTile(size: number, path: string, place: number): Uint8Array {
  const tile = logs.get(size)!.files.get(path)!.slice()
  tile.set(leafHash(sampleEntry(999_999)), place * 32)
  return tile
}

for (const [size, log] of logs) {
  test(`finds no fault in a log of ${size}, and shows each entry in turn`, async () => {
    let entries = 0
    let told = 0
    const report = await verifyLog((path) => log.files.get(path), vkey, {
      onEntry(seq, entry, leaf) {
        assert.equal(seq, entries++)
        if (seq % 997 === 0) {
          assert.deepEqual(entry, sampleEntry(seq))
          assert.deepEqual(leaf, leafHash(entry))
        }
      },
      onProgress: (done) => void (told = done),
    })
    assert.deepEqual(report.problems, [])
    assert.ok(report.ok)
    assert.equal(report.checkpoint?.size, size)
    assert.deepEqual([entries, told], [size, size])
  })
}

test('takes the files of a log that has grown on, and those of one read in turn', async () => {
  const full = new Map([...logs.get(1024)!.files, ['checkpoint', logs.get(600)!.files.get('checkpoint')!]])
  full.set('tile/1/000', new Uint8Array([...full.get('tile/1/000.p/4')!, ...new Uint8Array(252 * 32)]))
  const report = await verifyLog(async (path) => full.get(path), vkey, { readAhead: 0 })
  assert.deepEqual(report.problems, [])
})

test('names the bundle in which an entry was changed, and nothing else', async () => {
  const changes = { 'tile/entries/001': forgedBundle(1, 256, 7) }
  assert.deepEqual(await problems(600, changes), ['altered tile/entries/001'])
  const partial = { 'tile/entries/002.p/88': forgedBundle(2, 88, 87) }
  assert.deepEqual(await problems(600, partial), ['altered tile/entries/002.p/88'])
  const deep = { 'tile/entries/256': forgedBundle(256, 256, 255) }
  assert.deepEqual(await problems(66_000, deep), ['altered tile/entries/256'])
})

test('names the tile that was changed, and nothing else', async () => {
  for (const [size, path] of [
    [600, 'tile/0/001'],
    [600, 'tile/0/002.p/88'],
    [600, 'tile/1/000.p/2'],
    [1, 'tile/0/000.p/1'],
    [66_000, 'tile/0/000'],
    [66_000, 'tile/0/257.p/208'],
    [66_000, 'tile/1/000'],
    [66_000, 'tile/1/001.p/1'],
    [66_000, 'tile/2/000.p/1'],
  ] as const) {
    assert.deepEqual(await problems(size, flip(size, path, 100)), [`altered ${path}`], path)
  }
})

test('names the tile that was changed together with its entries', async () => {
  const changes = { 'tile/entries/001': forgedBundle(1, 256, 7), 'tile/0/001': forgedTile(600, 'tile/0/001', 7) }
  assert.deepEqual(await problems(600, changes), ['altered tile/0/001'])
})

test('a tree forged up to its root contradicts the checkpoint', async () => {
  const forged = await sampleLog(600, (n) => sampleEntry(n === 7 ? 999_999 : n))
  forged.files.set('checkpoint', logs.get(600)!.files.get('checkpoint')!)
  const report = await verifyLog((path) => forged.files.get(path), vkey)
  assert.deepEqual(
    report.problems.map(({ code, path }) => `${code} ${path}`),
    ['unproven checkpoint'],
  )
})

test('reports every one of several damages', async () => {
  const changes = {
    ...flip(66_000, 'tile/0/003', 40),
    ...flip(66_000, 'tile/1/001.p/1', 3),
    'tile/entries/100': forgedBundle(100, 256, 0),
    'tile/entries/200': undefined,
    'tile/0/201': new Uint8Array(31),
    'tile/entries/202': new Uint8Array(5),
    'tile/entries/257.p/208': forgedBundle(257, 208, 3),
  }
  assert.deepEqual(await problems(66_000, changes), [
    'altered tile/0/003',
    'altered tile/1/001.p/1',
    'altered tile/entries/100',
    'altered tile/entries/257.p/208',
    'malformed tile/0/201',
    'malformed tile/entries/202',
    'missing tile/entries/200',
  ])
})

test('what is missing is named, and hides nothing else', async () => {
  assert.deepEqual(await problems(600, { 'tile/0/001': undefined }), ['missing tile/0/001'])
  assert.deepEqual(await problems(600, { 'tile/entries/002.p/88': undefined }), ['missing tile/entries/002.p/88'])
  assert.deepEqual(await problems(600, { 'tile/0/001': undefined, 'tile/entries/001': undefined }), [
    'missing tile/0/001',
    'missing tile/entries/001',
  ])
  const bare = { 'tile/0/002.p/88': undefined, 'tile/entries/002.p/88': undefined }
  assert.deepEqual(await problems(600, bare), [
    'missing tile/0/002.p/88',
    'missing tile/entries/002.p/88',
    'unproven checkpoint',
  ])
})

test('settles what is in dispute below a tile that is missing', async () => {
  const changes = {
    ...flip(66_000, 'tile/0/003', 40),
    'tile/entries/100': forgedBundle(100, 256, 0),
    'tile/1/000': undefined,
  }
  const expected = ['altered tile/0/003', 'altered tile/entries/100', 'missing tile/1/000']
  assert.deepEqual(await problems(66_000, changes), expected)
})

test('no byte of a small log can be changed unnoticed', async () => {
  const { files } = logs.get(3)!
  for (const [path, bytes] of files) {
    for (let at = 0; at < bytes.length; at++) {
      const found = await problems(3, flip(3, path, at, 1 << (at % 8)))
      assert.ok(found.length > 0, `${path} byte ${at}`)
    }
  }
})

test('no byte of a larger log can be changed, cut off or added unnoticed, and its file is named', async () => {
  const { files } = logs.get(600)!
  const paths = [...files.keys()].filter((path) => path !== 'checkpoint')
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), fc.nat(7), async (path, at, bit) => {
      const bytes = files.get(path)!
      const changed = { ...flip(600, path, at, 1 << bit) }
      for (const change of [changed, { [path]: bytes.slice(0, -1) }, { [path]: new Uint8Array([...bytes, 0]) }]) {
        const found = await problems(600, change)
        assert.deepEqual(
          found.map((problem) => problem.split(' ')[1]),
          [path],
        )
      }
    }),
    { numRuns: 60 },
  )
})

test('names every one of several files that were changed at random, and no other', async () => {
  const { files } = logs.get(66_000)!
  const many = [...files.keys()].filter((path) => path !== 'checkpoint')
  const few = many.filter((path) => path.includes('.p/') || /^tile\/[12]|\/(000|001|256)$/.test(path))
  const change = fc.tuple(fc.oneof(fc.constantFrom(...few), fc.constantFrom(...many)), fc.nat())
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 5 }), async (given) => {
      // In a bundle the change hits digits of an entry, so that its form stays right.
      const changes: Record<string, Uint8Array> = {}
      for (const [path, at] of given) {
        const place = path.startsWith('tile/entries') ? files.get(path)!.length - 2 : at
        Object.assign(changes, flip(66_000, path, place))
      }
      const expected = Object.keys(changes).map((path) => `altered ${path}`)
      assert.deepEqual(await problems(66_000, changes), expected.sort())
    }),
    { numRuns: 10 },
  )
})

test('holds the files against an untrusted checkpoint too, and says so', async () => {
  const stranger = { ...(await sampleSigner()), name: 'stranger.example' }
  const root = new Uint8Array(32)
  const note = toUtf8(await signCheckpoint({ origin: SAMPLE_ORIGIN, size: 600, root }, stranger))
  assert.deepEqual(await problems(600, { checkpoint: note, 'tile/entries/000': undefined }), [
    'missing tile/entries/000',
    'unproven checkpoint',
    'untrusted checkpoint',
  ])
})

test('says what is wrong with the checkpoint itself', async () => {
  assert.deepEqual(await problems(3, { checkpoint: undefined }), ['missing checkpoint'])
  assert.deepEqual(await problems(3, { checkpoint: toUtf8('hello\n') }), ['malformed checkpoint'])
  const failing = () => Promise.reject(new Error('disk on fire'))
  const [problem] = (await verifyLog(failing, vkey)).problems
  assert.equal(problem?.code, 'unreadable')
  await assert.rejects(
    verifyLog((path) => logs.get(3)!.files.get(path), 'nonsense'),
    { code: 'bad-key' },
  )
})

test('reports a reader that fails, by file', async () => {
  const { files } = logs.get(3)!
  const report = await verifyLog((path) => {
    if (path === 'tile/0/000.p/3') throw new Error('403')
    return files.get(path)
  }, vkey)
  assert.deepEqual(
    report.problems.map(({ code, path }) => `${code} ${path}`),
    ['unreadable tile/0/000.p/3'],
  )
})

test('gives up on a checkpoint that claims an absurd size', async () => {
  const note = await signCheckpoint(
    { origin: SAMPLE_ORIGIN, size: 2 ** 52, root: new Uint8Array(32) },
    await sampleSigner(),
  )
  const found = await problems(3, { checkpoint: toUtf8(note) })
  assert.ok(found.includes('unproven checkpoint'))
})

test('passes on what the caller objects to in an entry', async () => {
  const onEntry = (seq: number) => (seq === 257 ? 'not canonical' : undefined)
  assert.deepEqual(await problems(600, {}, { onEntry }), ['refused tile/entries/001'])
})
