import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import * as proofs from './proof.ts'
import { solve, solveSync } from './reading.ts'
import { Definition } from './rfc6962.ts'
import { sampleEntry, sampleLog } from './sample-log.ts'
import { coveringNodes, emptyRoot, leafHash } from './tree.ts'
import type { Hash, NodeAt } from './tree.ts'

const { consistencyPlan, inclusionPlan, verifyConsistency, verifyInclusion } = proofs

const SIZE = 600
const entries = Array.from({ length: SIZE }, (_, n) => sampleEntry(n))
const leaves = entries.map(leafHash)
const definition = new Definition(entries)
const nodeOf = ({ level, index }: NodeAt) => definition.root((index + 1) * 2 ** level, index * 2 ** level)
const make = (plan: proofs.Plan<Hash[]>) => plan.solve(plan.nodes.map(nodeOf))

test('inclusion proofs are those of RFC 6962, at every size to 80 and at any to 600', () => {
  const check = (index: number, size: number) => {
    const proof = make(inclusionPlan(index, size))
    assert.deepEqual(proof, definition.inclusion(index, size))
    assert.ok(verifyInclusion(leaves[index]!, index, size, proof, definition.root(size)))
  }
  for (let size = 1; size <= 80; size++) for (let index = 0; index < size; index++) check(index, size)
  for (let size = 81; size <= SIZE; size++)
    for (const index of [0, size - 1, size >> 1, (size * 7) % size]) check(index, size)
})

test('consistency proofs are those of RFC 6962, at every size to 80 and at any to 600', () => {
  const check = (from: number, size: number) => {
    const proof = make(consistencyPlan(from, size))
    assert.deepEqual(proof, definition.consistency(from, size))
    assert.ok(verifyConsistency(from, definition.root(from), size, definition.root(size), proof))
  }
  for (let size = 1; size <= 80; size++) for (let from = 1; from <= size; from++) check(from, size)
  for (let size = 81; size <= SIZE; size++) for (const from of [1, size - 1, size >> 1, 64, 81]) check(from, size)
})

const pair = fc.integer({ min: 1, max: SIZE }).chain((size) => fc.tuple(fc.nat(size - 1), fc.constant(size)))

/** The proof with one hash changed, dropped, doubled, or one too many. */
function damages(proof: readonly Hash[], at: number): Hash[][] {
  const extra = leafHash(Uint8Array.of(at & 255))
  if (proof.length === 0) return [[extra]]
  const i = at % proof.length
  const flipped = proof[i]!.slice()
  flipped[at % 32]! ^= 1 << (at % 8)
  return [
    proof.toSpliced(i, 1),
    proof.toSpliced(i, 1, flipped),
    proof.toSpliced(i, 1, proof[i]!.subarray(1)),
    [...proof, extra],
    [extra, ...proof],
    [],
  ]
}

test('no damaged inclusion proof verifies, nor one for another leaf, place, size or root', () => {
  fc.assert(
    fc.property(pair, fc.nat(), ([index, size], at) => {
      const proof = definition.inclusion(index, size)
      const root = definition.root(size)
      const leaf = leaves[index]!
      for (const damaged of damages(proof, at)) {
        if (damaged.length === proof.length && proof.length === 0) continue
        assert.ok(!verifyInclusion(leaf, index, size, damaged, root))
      }
      const other = at % size
      if (other !== index) {
        assert.ok(!verifyInclusion(leaf, other, size, proof, root))
        assert.ok(!verifyInclusion(leaves[other]!, index, size, proof, root))
      }
      assert.ok(!verifyInclusion(leaf, index, size, proof, leaves[at % SIZE === 0 ? 1 : at % SIZE]!) || size === 1)
      for (const impossible of [-1, size, 0.5, Number.NaN]) {
        assert.ok(!verifyInclusion(leaf, impossible, size, proof, root))
      }
      assert.ok(!verifyInclusion(leaf, 0, 0, [], emptyRoot()))
    }),
    { numRuns: 300 },
  )
})

test('no damaged consistency proof verifies, nor one between other sizes or roots', () => {
  fc.assert(
    fc.property(pair, fc.nat(), ([before, size], at) => {
      const from = before + 1
      const proof = definition.consistency(from, size)
      const [fromRoot, root] = [definition.root(from), definition.root(size)]
      for (const damaged of damages(proof, at)) {
        if (damaged.length === 0 && proof.length === 0) continue
        assert.ok(!verifyConsistency(from, fromRoot, size, root, damaged))
      }
      const other = 1 + (at % SIZE)
      const otherRoot = definition.root(other)
      if (other !== from) assert.ok(!verifyConsistency(from, otherRoot, size, root, proof))
      if (other !== size) assert.ok(!verifyConsistency(from, fromRoot, size, otherRoot, proof))
      assert.ok(!verifyConsistency(size + 1, root, size, root, []))
    }),
    { numRuns: 300 },
  )
})

test('every tree begins with the empty one, if that is what the older root says', () => {
  assert.ok(verifyConsistency(0, emptyRoot(), 5, definition.root(5), []))
  assert.ok(verifyConsistency(0, emptyRoot(), 0, emptyRoot(), []))
  assert.ok(!verifyConsistency(0, definition.root(1), 5, definition.root(5), []))
  assert.ok(!verifyConsistency(0, emptyRoot(), 5, definition.root(5), [leaves[0]!]))
  assert.deepEqual(make(consistencyPlan(0, 5)), [])
})

test('refuses to plan what no tree has', () => {
  assert.throws(() => inclusionPlan(3, 3), { code: 'out-of-range' })
  assert.throws(() => inclusionPlan(-1, 3), { code: 'out-of-range' })
  assert.throws(() => consistencyPlan(4, 3), { code: 'out-of-range' })
  assert.throws(() => proofs.rootFromInclusion(leaves[0]!, 0, 2, []), { code: 'bad-proof' })
})

test('plans stay small in trees beyond 2^32 leaves', () => {
  const size = 2 ** 52 + 2 ** 33 + 12_345
  assert.equal(inclusionPlan(2 ** 52 + 7, size).nodes.length <= 60, true)
  const plan = inclusionPlan(5, size)
  assert.equal(plan.solve(plan.nodes.map(() => leaves[0]!)).length, 53)
  assert.ok(coveringNodes(0, size).every(({ index }) => Number.isSafeInteger(index)))
})

test('makes the same proofs from tiles, at once and in turn, around the borders of tiles', async () => {
  const sizes = [1, 2, 254, 255, 256, 257, 258, 513, 600]
  const { files } = await sampleLog(SIZE)
  for (const size of sizes) {
    const read = (await sampleLog(size)).files
    // The tiles of the larger log serve as well: the full ones in the place of the partial.
    for (const tiles of [read, size === SIZE ? files : new Map([...read, ...files])]) {
      for (const index of [0, size >> 1, size - 1]) {
        const plan = inclusionPlan(index, size)
        const expected = definition.inclusion(index, size)
        assert.deepEqual(
          solveSync(plan, size, (path) => tiles.get(path)),
          expected,
        )
        assert.deepEqual(await solve(plan, size, async (path) => tiles.get(path)), expected)
        assert.deepEqual(
          await solve(consistencyPlan(index, size), size, (path) => tiles.get(path)),
          index === 0 ? [] : definition.consistency(index, size),
        )
      }
    }
  }
})

test('reads each tile once, and only those it needs', () => {
  const asked: string[] = []
  solveSync(inclusionPlan(69_000, 70_000), 70_000, (path) => {
    asked.push(path)
    return new Uint8Array(8192)
  })
  assert.deepEqual(asked.toSorted(), ['tile/0/269', 'tile/0/273.p/112', 'tile/1/001.p/17', 'tile/2/000.p/1'])
})

test('says which tile is missing or of the wrong length', () => {
  const plan = inclusionPlan(1, 3)
  assert.throws(() => solveSync(plan, 3, () => undefined), { code: 'missing-tile', message: /tile\/0\/000\.p\/3/ })
  assert.throws(() => solveSync(plan, 3, () => new Uint8Array(64)), { code: 'bad-tile', message: /tile\/0\/000\.p\/3/ })
})
