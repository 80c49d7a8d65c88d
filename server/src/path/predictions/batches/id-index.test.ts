// Finding a row of a batch by the digest of its id.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { suite, test } from 'node:test'
import { DIGEST_BYTES, findInIndex, INDEX_LINE } from './id-index.ts'

interface Index {
  bytes: Buffer
  readings: number
  read: (at: number, length: number) => Uint8Array
}

function indexOf(digests: readonly Buffer[]): Index {
  const lines = digests.map((digest, row) => {
    const line = Buffer.alloc(INDEX_LINE)
    digest.copy(line)
    line.writeUInt32BE(row, DIGEST_BYTES)
    return line
  })
  const bytes = Buffer.concat(lines.sort((a, b) => a.compare(b)))
  const index: Index = {
    bytes,
    readings: 0,
    read(at, length) {
      index.readings++
      return bytes.subarray(at, at + length)
    },
  }
  return index
}

const digestOf = (n: number): Buffer => Buffer.from(hash('sha256', `id ${n}`, 'hex').slice(0, 2 * DIGEST_BYTES), 'hex')

suite('the index of a batch', () => {
  test('has every row under its digest, and nothing else', () => {
    for (const rows of [1, 2, 3, 10, 257, 5000]) {
      const { bytes, read } = indexOf(Array.from({ length: rows }, (_, n) => digestOf(n)))
      for (let n = 0; n < rows; n++) assert.equal(findInIndex(read, rows, digestOf(n)), n)
      for (let n = rows; n < rows + 200; n++) assert.equal(findInIndex(read, rows, digestOf(n)), undefined)
      for (const end of [Buffer.alloc(DIGEST_BYTES), Buffer.alloc(DIGEST_BYTES, 255)])
        assert.equal(findInIndex(read, rows, end), undefined)
      assert.equal(bytes.length, rows * INDEX_LINE)
    }
    assert.equal(
      findInIndex(() => new Uint8Array(), 0, digestOf(1)),
      undefined,
    )
  })

  test('is read once or twice for a row, however many there are', () => {
    const rows = 100_000
    const index = indexOf(Array.from({ length: rows }, (_, n) => digestOf(n)))
    for (let n = 0; n < 2000; n++) assert.equal(findInIndex(index.read, rows, digestOf(n * 50)), n * 50)
    for (let n = 0; n < 2000; n++) assert.equal(findInIndex(index.read, rows, digestOf(rows + n)), undefined)
    assert.ok(index.readings < 4400, `${index.readings} readings for 4,000 questions`)
  })

  test('finds also what does not stand where chance would have it', () => {
    // As nobody's keyed digests are, but the order alone must do.
    const crowded = Array.from({ length: 3000 }, (_, n) => {
      const digest = Buffer.alloc(DIGEST_BYTES, n < 1500 ? 0 : 255)
      digest.writeUInt32BE(n, 8)
      return digest
    })
    const { read } = indexOf(crowded)
    for (const [n, digest] of crowded.entries()) assert.equal(findInIndex(read, crowded.length, digest), n)
    assert.equal(findInIndex(read, crowded.length, digestOf(7)), undefined)
  })

  test('that is cut off is refused', () => {
    const rows = 500
    const { bytes } = indexOf(Array.from({ length: rows }, (_, n) => digestOf(n)))
    const cut = bytes.subarray(0, -1)
    const last = bytes.subarray(-INDEX_LINE, -INDEX_LINE + DIGEST_BYTES)
    assert.throws(() => findInIndex((at, length) => cut.subarray(at, at + length), rows, last), { code: 'altered' })
  })
})
