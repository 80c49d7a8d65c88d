// Leaves against a signed checkpoint: what stands there is proved, what does not is refused, and a tile is hashed once.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { GrowingTiles, leafHash, signCheckpointSync, tilePath } from '@whence/ledger'
import { generateKeyPairSync, sign } from 'node:crypto'
import { ProvedTiles } from './proved-tiles.ts'

const leaf = (n: number): Uint8Array => leafHash(Buffer.from(`entry ${n}`))
const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const origin = 'test.example/log'
const signer = {
  name: origin,
  publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
  sign: (message: Uint8Array) => new Uint8Array(sign(null, message, privateKey)),
}

interface Grown {
  files: Map<string, Uint8Array>
  checkpoint(): string
  grow(to: number): void
  read: string[]
  proved: ProvedTiles
}

function log(size: number): Grown {
  const files = new Map<string, Uint8Array>()
  const growing = new GrowingTiles()
  const read: string[] = []
  const grown: Grown = {
    files,
    read,
    checkpoint: () => signCheckpointSync({ origin, size: growing.size, root: growing.root() }, signer),
    grow(to) {
      while (growing.size < to) growing.append(leaf(growing.size))
      for (const { tile, bytes } of growing.cut()) files.set(tilePath(tile), bytes)
    },
    proved: new ProvedTiles((path) => {
      read.push(path)
      return files.get(path)
    }),
  }
  grown.grow(size)
  return grown
}

suite('proved tiles', () => {
  test('every leaf is proved at its place and at no other, at sizes around the widths of tiles', () => {
    for (const size of [1, 2, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, 66_000]) {
      const { proved, checkpoint } = log(size)
      const note = checkpoint()
      for (const seq of new Set(
        [0, 1, 254, 255, 256, 257, size >> 1, size - 2, size - 1].filter((n) => n >= 0 && n < size),
      )) {
        assert.equal(proved.holds(seq, leaf(seq), note), true, `${seq} of ${size}`)
        assert.equal(proved.holds(seq, leaf(seq + 1), note), false)
      }
      assert.equal(proved.holds(size, leaf(size), note), false)
    }
  })

  test('proves on while the log grows, by the checkpoint asked about', () => {
    const grown = log(300)
    const old = grown.checkpoint()
    assert.ok(grown.proved.holds(299, leaf(299), old))
    for (const size of [301, 512, 700, 65_536, 65_800]) {
      grown.grow(size)
      const note = grown.checkpoint()
      for (const seq of [0, 255, 256, 299, size - 1])
        assert.ok(grown.proved.holds(seq, leaf(seq), note), `${seq} of ${size}`)
      assert.equal(grown.proved.holds(size - 1, leaf(size - 1), old), false)
      assert.ok(grown.proved.holds(0, leaf(0), old))
    }
  })

  test('the full tile serves where the partial one is gone', () => {
    const grown = log(300)
    const note = grown.checkpoint()
    grown.grow(512)
    assert.ok(grown.files.delete('tile/0/001.p/44'))
    assert.ok(grown.proved.holds(299, leaf(299), note))
    assert.ok(grown.proved.holds(0, leaf(0), note))
  })

  test('a tile is read once, and those above it once for all', () => {
    const { proved, checkpoint, read } = log(66_000)
    const note = checkpoint()
    for (let seq = 0; seq < 2_560; seq++) assert.ok(proved.holds(seq, leaf(seq), note))
    assert.equal(new Set(read).size, read.length)
    // Ten tiles of leaves; one of level 1; the partial ones at the edge.
    assert.equal(read.filter((path) => path.startsWith('tile/0/') && !path.includes('.p/')).length, 10)
    assert.equal(read.filter((path) => path === 'tile/1/000').length, 1)
  })

  test('an altered tile proves none of its leaves, at any level; mended, it proves them again', () => {
    for (const [path, seq, untouched] of [
      ['tile/0/003', 3 * 256 + 9, 5],
      ['tile/1/000', 700, 65_999],
      ['tile/0/257.p/208', 65_999, undefined],
      ['tile/2/000.p/1', 700, undefined],
    ] as const) {
      const { files, checkpoint } = log(66_000)
      const note = checkpoint()
      const proved = new ProvedTiles((one) => files.get(one))
      const bytes = files.get(path)!
      const altered = Uint8Array.from(bytes)
      // Another leaf than the one that is asked for: it takes part in its proof all the same.
      altered[0]! ^= 1
      files.set(path, altered)
      assert.equal(proved.holds(seq, leaf(seq), note), false, path)
      if (untouched !== undefined) assert.equal(proved.holds(untouched, leaf(untouched), note), true, path)
      files.set(path, bytes.subarray(0, -1))
      assert.ok(!holdsOrThrows(proved, seq, note), `${path} cut off`)
      files.delete(path)
      assert.ok(!holdsOrThrows(proved, seq, note), `${path} gone`)
      files.set(path, bytes)
      assert.equal(proved.holds(seq, leaf(seq), note), true, `${path} mended`)
    }
  })

  test('tiles of another log prove nothing', () => {
    const { files } = log(1000)
    const growing = new GrowingTiles()
    for (let n = 0; n < 1000; n++) growing.append(leaf(n + 1))
    const note = signCheckpointSync({ origin, size: 1000, root: growing.root() }, signer)
    const proved = new ProvedTiles((path) => files.get(path))
    assert.equal(proved.holds(0, leaf(0), note), false)
    assert.equal(proved.holds(0, leaf(1), note), false)
  })

  test('what is read into the place of another tile is proved for itself, in whatever order', () => {
    const size = 256 * 40 + 17
    const { files, checkpoint } = log(size)
    const note = checkpoint()
    const proved = new ProvedTiles((path, room = new Uint8Array()) => {
      const bytes = files.get(path)
      if (!bytes) return undefined
      const place = room.length >= bytes.length ? room.subarray(0, bytes.length) : new Uint8Array(bytes.length)
      place.set(bytes)
      return place
    }, 3)
    for (let i = 0; i < 400; i++) {
      const seq = (i * 2_654_435_761) % size
      assert.equal(proved.holds(seq, leaf(seq), note), true, String(seq))
      assert.equal(proved.holds(seq, leaf(seq + 1), note), false, String(seq))
    }
  })
})

function holdsOrThrows(proved: ProvedTiles, seq: number, note: string): boolean {
  try {
    return proved.holds(seq, leaf(seq), note)
  } catch {
    return false
  }
}
