import assert from 'node:assert/strict'
import { test } from 'node:test'

import { sameBytes } from './encoding.ts'
import { GrowingTiles } from './growing-tiles.ts'
import { rootPlan } from './proof.ts'
import { solveSync } from './reading.ts'
import { sampleEntry } from './sample-log.ts'
import { newTiles, tilePath } from './tiles.ts'
import { leafHash, Tree } from './tree.ts'

const SIZE = 70_000
const leaves = Array.from({ length: SIZE }, (_, n) => leafHash(sampleEntry(n)))

/** Grows a log by these steps, with a restart after each, and keeps every tile that it cuts. */
function grow(sizes: readonly number[]): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  let log = new GrowingTiles()
  for (const size of sizes) {
    const before = log.size
    while (log.size < size) log.append(leaves[log.size]!)
    const cut = log.cut()
    assert.deepEqual(
      cut.map(({ tile }) => tile),
      newTiles(before, size),
    )
    for (const { tile, bytes } of cut) {
      assert.equal(bytes.length, tile.width * 32)
      assert.ok(!files.has(tilePath(tile)), 'a tile is written once')
      files.set(tilePath(tile), bytes)
    }
    assert.deepEqual(log.cut(), [])
    const resumed = GrowingTiles.resume(size, (path) => files.get(path))
    assert.equal(resumed.size, size)
    assert.deepEqual(resumed.root(), log.root())
    log = resumed
  }
  return files
}

const borders = [0, 1, 2, 3, 254, 255, 256, 257, 258, 600, 65_535, 65_536, 65_537, SIZE]
const files = grow(borders)

test('gives the same tiles however it came to its size', () => {
  const atOnce = grow([SIZE])
  for (const [path, bytes] of atOnce) assert.ok(sameBytes(files.get(path)!, bytes), path)
})

test('every tree that was published can be read from the tiles', () => {
  const tree = new Tree()
  for (const size of borders) {
    while (tree.size < size) tree.append(leaves[tree.size]!)
    assert.deepEqual(
      solveSync(rootPlan(size), size, (path) => files.get(path)),
      tree.root(),
    )
  }
})

test('reads the full tile where the partial one is gone, also to resume', () => {
  const full = new Map([...files].filter(([path]) => path === 'tile/2/000.p/1' || !path.includes('.p/')))
  const expected = solveSync(rootPlan(65_537 - 1), 65_536, (path) => files.get(path))
  assert.deepEqual(GrowingTiles.resume(65_536, (path) => full.get(path)).root(), expected)
  assert.deepEqual(
    GrowingTiles.resume(
      600,
      (path) => full.get(path) ?? (path === 'tile/1/000.p/2' ? files.get('tile/1/000') : undefined),
    ).root(),
    solveSync(rootPlan(600), 600, (path) => files.get(path)),
  )
})

test('does not resume without its tiles', () => {
  assert.throws(() => GrowingTiles.resume(3, () => undefined), { code: 'missing-tile' })
  assert.throws(() => GrowingTiles.resume(3, () => new Uint8Array(95)), { code: 'bad-tile' })
})

test('a tree taken from it is independent', () => {
  const log = new GrowingTiles()
  log.append(leaves[0]!)
  const trial = log.tree()
  trial.append(leaves[1]!)
  assert.equal(log.size, 1)
  log.append(leaves[1]!)
  assert.deepEqual(trial.root(), log.root())
})
