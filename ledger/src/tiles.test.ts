import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { fromHex, joinBytes, toHex } from './encoding.ts'
import { Definition } from './rfc6962.ts'
import { sampleEntry } from './sample-log.ts'
import * as tiles from './tiles.ts'
import { leafHash } from './tree.ts'

const { decodeBundle, encodeBundle, newBundles, newTiles, parseTilePath, tilePath, tileWidth } = tiles

const paths: [tiles.TileName, string][] = [
  [{ level: 0, index: 0, width: 256 }, 'tile/0/000'],
  [{ level: 0, index: 1_234_067, width: 256 }, 'tile/0/x001/x234/067'],
  [{ level: 0, index: 999, width: 1 }, 'tile/0/999.p/1'],
  [{ level: 1, index: 1000, width: 255 }, 'tile/1/x001/000.p/255'],
  [{ level: 63, index: 5, width: 2 }, 'tile/63/005.p/2'],
  [{ level: 'entries', index: 0, width: 3 }, 'tile/entries/000.p/3'],
  [{ level: 0, index: Number.MAX_SAFE_INTEGER, width: 256 }, 'tile/0/x009/x007/x199/x254/x740/991'],
]
for (const [name, path] of paths) {
  test(`${path} is a path, there and back`, () => {
    assert.equal(tilePath(name), path)
    assert.deepEqual(parseTilePath(path), name)
  })
}

const notPaths = [
  '',
  'checkpoint',
  'tile/0/0',
  'tile/0/00',
  'tile/0/0000',
  'tile/0/x000/001',
  'tile/0/x001/x000',
  'tile/00/000',
  'tile/64/000',
  'tile/-1/000',
  'tile/0/000.p/0',
  'tile/0/000.p/256',
  'tile/0/000.p/01',
  'tile/0/000.p/',
  'tile/0/000.p',
  'tile/0/001/000',
  'tile/0/000/',
  '/tile/0/000',
  'tile/0/000\n',
  'tile/0/../000',
  'tile/entries/x1/000',
  'tile/0/x999/x999/x999/x999/x999/999',
]
for (const path of notPaths) {
  test(`${JSON.stringify(path)} is not a path`, () => assert.throws(() => parseTilePath(path), { code: 'bad-path' }))
}

test('refuses names of tiles that cannot exist', () => {
  for (const name of [
    { level: 64, index: 0, width: 1 },
    { level: 0, index: -1, width: 1 },
    { level: 0, index: 0, width: 0 },
    { level: 0, index: 0, width: 257 },
    { level: 0.5, index: 0, width: 1 },
    { level: 0, index: 2 ** 53, width: 1 },
  ]) {
    assert.throws(() => tilePath(name), { code: 'out-of-range' })
  }
})

test('a tree of 70,000 has the tiles of the specification', () => {
  const all = newTiles(0, 70_000)
  const partial = all.filter(({ width }) => width < 256).map(tilePath)
  assert.deepEqual(partial, ['tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1'])
  assert.equal(all.length, 273 + 1 + 1 + 1 + 1)
  assert.equal(newBundles(0, 70_000).length, 274)
})

test('a tree of 256 has a full tile and one above it', () => {
  assert.deepEqual(newTiles(0, 256).map(tilePath), ['tile/0/000', 'tile/1/000.p/1'])
  assert.deepEqual(newTiles(0, 0), [])
})

test('growth brings the tiles that the smaller tree lacked, and no others', () => {
  const border = fc.constantFrom(0, 1, 254, 255, 256, 257, 258, 511, 512, 65_535, 65_536, 65_537, 70_000)
  const size = fc.oneof(border, fc.integer({ min: 0, max: 70_000 }))
  fc.assert(
    fc.property(size, size, (a, b) => {
      const [from, to] = [Math.min(a, b), Math.max(a, b)]
      for (const cut of [newTiles, newBundles]) {
        const before = new Set<string>(cut(0, from).map(tilePath))
        const after = cut(0, to).map(tilePath)
        assert.deepEqual(
          cut(from, to).map(tilePath),
          after.filter((path) => !before.has(path)),
        )
      }
      for (const { level, index, width } of newTiles(from, to)) assert.equal(tileWidth(level, index, to), width)
    }),
    { numRuns: 60 },
  )
  assert.throws(() => newTiles(2, 1), { code: 'out-of-range' })
})

test('finds every node of a tree in the tile that holds it', () => {
  const entries = Array.from({ length: 600 }, (_, n) => sampleEntry(n))
  const definition = new Definition(entries)
  const hashesOf = ({ level, index, width }: tiles.HashTile) => {
    const span = 256 ** level
    const first = index * 256
    return joinBytes(
      ...Array.from({ length: width }, (_, i) => definition.root((first + i + 1) * span, (first + i) * span)),
    )
  }
  const bytes = new Map(newTiles(0, 600).map((tile) => [tilePath(tile), hashesOf(tile)]))
  for (let level = 0; level < 10; level++) {
    for (let index = 0; (index + 1) * 2 ** level <= 600; index++) {
      const tile = bytes.get(tilePath(tiles.tileOfNode({ level, index }, 600)))!
      assert.deepEqual(
        tiles.nodeInTile({ level, index }, tile),
        definition.root((index + 1) * 2 ** level, index * 2 ** level),
      )
    }
  }
  assert.throws(() => tiles.tileOfNode({ level: 1, index: 300 }, 600), { code: 'out-of-range' })
  assert.throws(() => tiles.nodeInTile({ level: 0, index: 3 }, new Uint8Array(96)), { code: 'bad-tile' })
})

test('hashes read from a tile are no views onto it, though it is a Buffer', () => {
  const tile = Buffer.alloc(64, 7)
  const hash = tiles.nodeInTile({ level: 0, index: 1 }, tile)
  tile.fill(0)
  assert.deepEqual(hash, new Uint8Array(32).fill(7))
})

test('the root of a partial tile is that of the tree over its hashes', () => {
  const entries = Array.from({ length: 256 }, (_, n) => sampleEntry(n))
  const definition = new Definition(entries)
  const tile = joinBytes(...entries.map(leafHash))
  for (let width = 1; width <= 256; width++) {
    assert.deepEqual(tiles.tileRoot(tile.subarray(0, width * 32)), definition.root(width))
  }
  for (const length of [0, 31, 33, 257 * 32]) {
    assert.throws(() => tiles.tileRoot(new Uint8Array(length)), { code: 'bad-tile' })
  }
})

test('bundles come back as they were, and no other bytes are one', () => {
  const entries = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 256 })
  fc.assert(
    fc.property(entries, fc.nat(), (given, at) => {
      const bundle = encodeBundle(given)
      const bare = (bytes: Uint8Array) => toHex(bytes)
      assert.deepEqual(decodeBundle(bundle, given.length).map(bare), given.map(bare))
      const badBundle = { code: 'bad-bundle' }
      assert.throws(() => decodeBundle(bundle.subarray(0, at % bundle.length), given.length), badBundle)
      assert.throws(() => decodeBundle(joinBytes(bundle, Uint8Array.of(0)), given.length), badBundle)
      assert.throws(() => decodeBundle(bundle, given.length + 1), badBundle)
      assert.throws(() => decodeBundle(bundle, given.length - 1), badBundle)
    }),
  )
  assert.equal(toHex(encodeBundle([sampleEntry(0)])), '00077b226e223a307d')
  assert.equal(decodeBundle(fromHex('0000'), 1)[0]!.length, 0)
})

test('a bundle takes entries up to 65,535 bytes', () => {
  const [entry] = decodeBundle(encodeBundle([new Uint8Array(65_535)]), 1)
  assert.equal(entry!.length, 65_535)
  assert.throws(() => encodeBundle([new Uint8Array(65_536)]), { code: 'entry-too-large' })
  assert.throws(() => encodeBundle([]), { code: 'out-of-range' })
  assert.throws(() => encodeBundle(Array.from({ length: 257 }, () => new Uint8Array())), { code: 'out-of-range' })
})
