import assert from 'node:assert/strict'
import { test } from 'node:test'

import { signCheckpoint } from './checkpoint.ts'
import { signerFromSeed } from './ed25519.ts'
import { fromUtf8, toUtf8 } from './encoding.ts'
import { verifierKey } from './note.ts'
import { consistencyPlan, inclusionPlan } from './proof.ts'
import { solveSync } from './reading.ts'
import { SAMPLE_ORIGIN, sampleEntry, sampleLog, sampleSigner, WITNESS_SEED } from './sample-log.ts'
import type { SampleLog } from './sample-log.ts'
import { formatTlogProof } from './tlog-proof.ts'
import { emptyRoot } from './tree.ts'
import { verifyGrowth, verifyProof } from './verify.ts'

const small = await sampleLog(300)
const large = await sampleLog(700)
const { vkey } = small
const other = await sampleLog(700, (n) => sampleEntry(n === 5 ? 500 : n))
const noteOf = (log: SampleLog) => fromUtf8(log.files.get('checkpoint')!)
const readerOf = (log: SampleLog) => (path: string) => log.files.get(path)

test('a log that grew has grown, by its tiles and by a proof', async () => {
  for (const evidence of [readerOf(large), solveSync(consistencyPlan(300, 700), 700, readerOf(large))]) {
    const verdict = await verifyGrowth(noteOf(small), noteOf(large), vkey, evidence)
    assert.ok(verdict.ok)
    assert.deepEqual([verdict.from.size, verdict.to.size], [300, 700])
  }
  assert.ok((await verifyGrowth(noteOf(large), noteOf(large), vkey, [])).ok)
})

test('every log begins with the empty one', async () => {
  const empty = await signCheckpoint({ origin: SAMPLE_ORIGIN, size: 0, root: emptyRoot() }, await sampleSigner())
  assert.ok((await verifyGrowth(empty, noteOf(large), vkey, readerOf(large))).ok)
})

test('a changed past, a fork and a cut log are found out', async () => {
  const code = async (...args: Parameters<typeof verifyGrowth>) => {
    const verdict = await verifyGrowth(...args)
    assert.ok(!verdict.ok)
    return verdict.code
  }
  assert.equal(await code(noteOf(small), noteOf(other), vkey, readerOf(other)), 'inconsistent')
  assert.equal(await code(noteOf(small), noteOf(other), vkey, readerOf(large)), 'inconsistent')
  assert.equal(await code(noteOf(small), noteOf(large), vkey, []), 'inconsistent')
  assert.equal(await code(noteOf(large), noteOf(other), vkey, readerOf(large)), 'forked')
  assert.equal(await code(noteOf(large), noteOf(small), vkey, readerOf(large)), 'shrunk')
  assert.equal(await code(noteOf(small), noteOf(large), vkey, () => undefined), 'missing-tile')
  assert.equal(await code(noteOf(small).replace('300', '301'), noteOf(large), vkey, readerOf(large)), 'bad-signature')
  const elsewhere = await signCheckpoint({ origin: 'elsewhere', size: 700, root: emptyRoot() }, await sampleSigner())
  assert.equal(await code(noteOf(small), elsewhere, vkey, readerOf(large)), 'wrong-origin')
})

const proof = formatTlogProof({
  index: 255,
  hashes: solveSync(inclusionPlan(255, 300), 300, readerOf(small)),
  checkpoint: noteOf(small),
})

test('a proof shows its entry, and no other', async () => {
  const verdict = await verifyProof(proof, sampleEntry(255), vkey)
  assert.ok(verdict.ok)
  assert.equal(verdict.checkpoint.size, 300)
  const wrong = await verifyProof(proof, sampleEntry(254), vkey)
  assert.ok(!wrong.ok && wrong.code === 'not-included')
  const stranger = await signerFromSeed(SAMPLE_ORIGIN, WITNESS_SEED)
  const untrusted = await verifyProof(proof, sampleEntry(255), verifierKey(stranger.name, stranger.publicKey))
  assert.ok(!untrusted.ok && untrusted.code === 'unsigned')
  await assert.rejects(verifyProof(proof, sampleEntry(255), 'nonsense'), { code: 'bad-key' })
})

test('no proof with any byte changed shows anything', async () => {
  const bytes = toUtf8(proof)
  for (let at = 0; at < bytes.length; at++) {
    for (const bit of [1, 4]) {
      const changed = bytes.slice()
      changed[at]! ^= bit
      // As a reader of a file would have it: bytes that are no UTF-8 come as replacement characters.
      const verdict = await verifyProof(new TextDecoder().decode(changed), sampleEntry(255), vkey)
      assert.ok(!verdict.ok, `byte ${at}`)
    }
  }
})

test('no proof cut short or with bytes added shows anything', async () => {
  for (let length = 0; length < proof.length; length += 7) {
    assert.ok(!(await verifyProof(proof.slice(0, length), sampleEntry(255), vkey)).ok)
  }
  for (const longer of [`${proof}\n`, ` ${proof}`, `\ufeff${proof}`, `${proof}x`]) {
    assert.ok(!(await verifyProof(longer, sampleEntry(255), vkey)).ok)
  }
})
