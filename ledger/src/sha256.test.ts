import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import fc from 'fast-check'

import { toHex, toUtf8 } from './encoding.ts'
import { portableSha256 } from './sha256-portable.ts'
import { sha256 } from './sha256.ts'

const vectors: [text: string, hash: string][] = [
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
]

for (const [text, hash] of vectors) {
  test(`hashes the FIPS 180-4 example of ${text.length} bytes, with and without the platform`, () => {
    assert.equal(toHex(sha256(toUtf8(text))), hash)
    assert.equal(toHex(portableSha256(toUtf8(text))), hash)
  })
}

test('the portable hash agrees with the platform at every length around its block borders', () => {
  for (let length = 0; length < 260; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + length) & 255)
    assert.equal(toHex(portableSha256(bytes)), createHash('sha256').update(bytes).digest('hex'))
  }
})

test('both hashes agree with the platform on any bytes, and leave them as they are', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
      const before = bytes.slice()
      const expected = createHash('sha256').update(bytes).digest('hex')
      assert.equal(toHex(sha256(bytes)), expected)
      assert.equal(toHex(portableSha256(bytes)), expected)
      assert.deepEqual(bytes, before)
    }),
  )
})
