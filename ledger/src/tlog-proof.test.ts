import assert from 'node:assert/strict'
import { test } from 'node:test'

import { toBase64 } from './encoding.ts'
import { formatTlogProof, parseTlogProof } from './tlog-proof.ts'
import { leafHash } from './tree.ts'

const hash = leafHash(new Uint8Array())
const checkpoint = 'o\n1\nroot\n\n— o sig\n'
const line = toBase64(hash)

test('proofs come back as they were, with and without extra data', () => {
  for (const proof of [
    { index: 0, hashes: [], checkpoint },
    { index: 70_000, hashes: [hash, leafHash(hash)], checkpoint },
    { index: 1, hashes: [hash], checkpoint, extra: new Uint8Array() },
    { index: 1, hashes: [], checkpoint, extra: Uint8Array.of(1, 2) },
  ]) {
    assert.deepEqual(parseTlogProof(formatTlogProof(proof)), proof)
  }
})

const malformed = [
  '',
  'c2sp.org/tlog-proof@v1\nindex 0\n',
  'c2sp.org/tlog-proof@v1\nindex 0\n\n',
  `c2sp.org/tlog-proof@v2\nindex 0\n\n${checkpoint}`,
  ` c2sp.org/tlog-proof@v1\nindex 0\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 00\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex  0\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 9007199254740992\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 0\r\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 0\nextra AQ==\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nextra AR==\nindex 0\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nextra AQ==\nextra AQ==\nindex 0\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 0\n${line.slice(0, -2)}V=\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 0\n${line.slice(4)}\n\n${checkpoint}`,
  `c2sp.org/tlog-proof@v1\nindex 0\n${`${line}\n`.repeat(54)}\n${checkpoint}`,
]
for (const text of malformed) {
  test(`does not take ${JSON.stringify(text.slice(0, 60))}… for a proof`, () => {
    assert.throws(() => parseTlogProof(text), { code: 'bad-proof' })
  })
}

test('refuses to write a proof that could not be read', () => {
  assert.throws(() => formatTlogProof({ index: -1, hashes: [], checkpoint }), { code: 'out-of-range' })
  assert.throws(() => formatTlogProof({ index: 0, hashes: [new Uint8Array(1)], checkpoint }), { code: 'bad-hash' })
  assert.throws(() => formatTlogProof({ index: 0, hashes: [], checkpoint: '' }), { code: 'bad-proof' })
})
