// One small log from entries to proof, every byte of it checked once with an independent client written in Go.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { verifyCheckpoint } from './checkpoint.ts'
import { signerFromSeed } from './ed25519.ts'
import { fromUtf8, toHex } from './encoding.ts'
import { COSIGNATURE, verifierKey } from './note.ts'
import { inclusionPlan } from './proof.ts'
import { solveSync } from './reading.ts'
import { sampleEntry, sampleLog, WITNESS_SEED } from './sample-log.ts'
import { formatTlogProof, parseTlogProof } from './tlog-proof.ts'
import { leafHash } from './tree.ts'
import { verifyLog } from './verify-log.ts'
import { verifyProof } from './verify.ts'

const { files, vkey } = await sampleLog(3)

const checkpoint = `ledger.example/demo
3
LP73YnWX4AtWSXV3Stco7yEHBnWfym1kE4xt/By/LNo=

— ledger.example/demo vvKHSwiDWXhJMxALi3nXlv4B4CFausDSZ0e36ycK7EyeZw8t7r2fC+yl/aZfaTc4e3ysxLLn8UfIDc2QcdrGAGZnrAg=
`
const proof = `c2sp.org/tlog-proof@v1
index 1
+UBwq/0toL9ykC6xOoCOeU+VTZ4nRcaCoVj27Q1KwDY=
PR3ndt8IbBrp9wSdK7DAR1rRQYX5h+Bk6NENyy20oyI=

${checkpoint}— witness.example/w1 BNLYMwAAAABlU/EAQYNEumimetKsVBNtEEniM1fCo+AI4gk4WpJcyccB6vLLMuZYaSksP4ocV8qGj96YC9yPukcd+nWmrSZ6YUqTBg==
`

test('the log is as the specification has it', async () => {
  assert.equal(vkey, 'ledger.example/demo+bef2874b+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea')
  assert.equal(toHex(leafHash(sampleEntry(0))), 'f94070abfd2da0bf72902eb13a808e794f954d9e2745c682a158f6ed0d4ac036')
  assert.deepEqual([...files.keys()].sort(), ['checkpoint', 'tile/0/000.p/3', 'tile/entries/000.p/3'])
  assert.equal(toHex(files.get('tile/entries/000.p/3')!), '00077b226e223a307d00077b226e223a317d00077b226e223a327d')
  assert.equal(fromUtf8(files.get('checkpoint')!), checkpoint)
  assert.equal((await verifyLog((path) => files.get(path), vkey)).ok, true)
})

test('its proof is as the specification has it, the witness included', async () => {
  const cosigned = parseTlogProof(proof).checkpoint
  const hashes = solveSync(inclusionPlan(1, 3), 3, (path) => files.get(path))
  assert.equal(formatTlogProof({ index: 1, hashes, checkpoint: cosigned }), proof)

  const witness = await signerFromSeed('witness.example/w1', WITNESS_SEED)
  const witnesses = [verifierKey(witness.name, witness.publicKey, COSIGNATURE)]
  const verdict = await verifyProof(proof, sampleEntry(1), vkey, { witnesses })
  assert.ok(verdict.ok)
  assert.equal(verdict.index, 1)
  assert.deepEqual(verdict.checkpoint.cosignatures, [{ witness: 'witness.example/w1', time: 1_700_000_000 }])
  assert.equal((await verifyCheckpoint(cosigned, vkey)).size, 3)
})
