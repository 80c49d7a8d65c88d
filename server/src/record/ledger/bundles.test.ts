// Entries by bundle: each as it was written, also when its bundle lies where another one lay before.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { encodeBundle, tilePath } from '@whence/ledger'
import { EntryBundles } from './bundles.ts'

const entry = (n: number): Uint8Array => Buffer.from(`entry ${n} `.repeat(1 + ((n * 7) % 40)))
const range = (from: number, to: number): Uint8Array[] => Array.from({ length: to - from }, (_, i) => entry(from + i))

/** Bundles of a log of so many entries. */
function bundles(size: number, most?: number): { files: Map<string, Uint8Array>; read: EntryBundles } {
  const files = new Map<string, Uint8Array>()
  for (let index = 0; index * 256 < size; index++) {
    const width = Math.min(256, size - index * 256)
    const bytes = encodeBundle(range(index * 256, index * 256 + width))
    files.set(`log/${tilePath({ level: 'entries', index, width })}`, bytes)
  }
  const readInto = (path: string, room: Uint8Array): Uint8Array | undefined => {
    const bytes = files.get(path)
    if (!bytes) return undefined
    const place = room.length >= bytes.length ? room.subarray(0, bytes.length) : new Uint8Array(bytes.length)
    place.set(bytes)
    return place
  }
  return { files, read: new EntryBundles({ readInto }, 'log', most) }
}

suite('entry bundles', () => {
  test('gives every entry, and what it gave stays as it is when its place is used again', () => {
    const size = 256 * 6 + 100
    const { read } = bundles(size, 2)
    const given: [number, Uint8Array][] = []
    for (let i = 0; i < 600; i++) {
      const seq = (i * 2_654_435_761) % size
      const index = Math.floor(seq / 256)
      given.push([seq, read.entry(index, Math.min(256, size - index * 256), seq % 256)])
    }
    for (const [seq, bytes] of given) assert.deepEqual(new Uint8Array(bytes), new Uint8Array(entry(seq)), String(seq))
  })

  test('finds the entries of a partial bundle in the full one that took its place', () => {
    const { read } = bundles(256)
    assert.deepEqual(new Uint8Array(read.entry(0, 100, 99)), new Uint8Array(entry(99)))
  })

  test('names a bundle that is missing, cut off or too long, and reads it once it is mended', () => {
    const { files, read } = bundles(300)
    assert.throws(() => read.entry(2, 10, 0), { code: 'altered', message: /bundle 2 of log is missing/ })
    const path = `log/${tilePath({ level: 'entries', index: 0, width: 256 })}`
    const whole = files.get(path)!
    for (const altered of [whole.subarray(0, -1), whole.subarray(0, 1), Buffer.concat([whole, Buffer.of(0)])]) {
      files.set(path, altered)
      assert.throws(() => read.entry(0, 256, 0), { code: 'altered', message: /bundle 0 of log is altered: / })
    }
    files.set(path, whole)
    assert.deepEqual(new Uint8Array(read.entry(0, 256, 255)), new Uint8Array(entry(255)))
  })
})
