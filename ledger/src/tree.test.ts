import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { toHex } from './encoding.ts'
import { Definition } from './rfc6962.ts'
import { sampleEntry } from './sample-log.ts'
import { coveringNodes, emptyRoot, foldNodes, leafHash, log2, nodeHash, Tree } from './tree.ts'
import type { Hash } from './tree.ts'

const entries = Array.from({ length: 600 }, (_, n) => sampleEntry(n))
const leaves = entries.map(leafHash)
const definition = new Definition(entries)

test('has the root that RFC 6962 defines, at every size', () => {
  const tree = new Tree()
  assert.deepEqual(tree.root(), emptyRoot())
  for (const leaf of leaves) {
    tree.append(leaf)
    assert.deepEqual(tree.root(), definition.root(tree.size))
  }
})

test('hears of each complete subtree once, with its hash', () => {
  const tree = new Tree()
  const heard = new Map<string, Hash>()
  for (const leaf of leaves) {
    tree.append(leaf, (level, index, hash) => {
      assert.ok(!heard.has(`${level}/${index}`))
      heard.set(`${level}/${index}`, hash)
      assert.deepEqual(hash, definition.root((index + 1) * 2 ** level, index * 2 ** level))
    })
  }
  for (let level = 0; level < 10; level++) {
    for (let index = 0; (index + 1) * 2 ** level <= leaves.length; index++) assert.ok(heard.delete(`${level}/${index}`))
  }
  assert.equal(heard.size, 0)
})

test('is rebuilt from its right edge and grows on alike', () => {
  const tree = new Tree()
  for (const leaf of leaves) {
    const rebuilt = Tree.fromEdge(tree.size, tree.edge())
    const copy = tree.copy()
    tree.append(leaf)
    rebuilt.append(leaf)
    assert.deepEqual(rebuilt.root(), tree.root())
    assert.equal(copy.size, tree.size - 1)
  }
})

test('grows beyond 2^32 leaves', () => {
  const size = 2 ** 32 + 5
  const edge = coveringNodes(0, size).map(({ level, index }) => leafHash(Uint8Array.of(level, index % 251)))
  const tree = Tree.fromEdge(size, edge)
  const leaf = leafHash(sampleEntry(0))
  tree.append(leaf)
  const [top, four, one] = edge as [Hash, Hash, Hash]
  assert.deepEqual(tree.root(), nodeHash(top, nodeHash(four, nodeHash(one, leaf))))
})

test('refuses a right edge that the size cannot have, and hashes of another length', () => {
  assert.throws(() => Tree.fromEdge(3, [leaves[0]!]), { code: 'out-of-range' })
  assert.throws(() => Tree.fromEdge(-1, []), { code: 'out-of-range' })
  assert.throws(() => Tree.fromEdge(2 ** 53, []), { code: 'out-of-range' })
  assert.throws(() => Tree.fromEdge(1, [new Uint8Array(31)]), { code: 'bad-hash' })
  assert.throws(() => new Tree().append(new Uint8Array(33)), { code: 'bad-hash' })
  assert.throws(() => nodeHash(leaves[0]!, new Uint8Array(0)), { code: 'bad-hash' })
})

test('hashes leaves of any length, and not as nodes', () => {
  for (const length of [0, 1, 64, 4095, 4096, 4097, 70_000]) assert.equal(leafHash(new Uint8Array(length)).length, 32)
  const [left, right] = leaves as [Hash, Hash]
  assert.notDeepEqual(leafHash(Uint8Array.of(...left, ...right)), nodeHash(left, right))
})

test('covers a range by complete subtrees, largest first', () => {
  assert.deepEqual(coveringNodes(0, 0), [])
  assert.deepEqual(coveringNodes(4, 7), [
    { level: 1, index: 2 },
    { level: 0, index: 6 },
  ])
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600 }), (size) => {
      const hashes = coveringNodes(0, size).map(({ level, index }) =>
        definition.root((index + 1) * 2 ** level, index * 2 ** level),
      )
      assert.equal(toHex(foldNodes(hashes)), toHex(definition.root(size)))
    }),
  )
})

test('takes the binary logarithm exactly up to 2^53-1', () => {
  for (let exponent = 0; exponent < 53; exponent++) {
    assert.equal(log2(2 ** exponent), exponent)
    if (exponent > 0) assert.equal(log2(2 ** (exponent + 1) - 1), exponent)
  }
})
