import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'

import { canonicalize } from './canonical.ts'
import { signCheckpoint } from './checkpoint.ts'
import { fromUtf8, toHex, toUtf8 } from './encoding.ts'
import { verifierKey } from './note.ts'
import { Definition } from './rfc6962.ts'
import { formatRowProof, isRowProof, parseRowProof, verifyRowProof } from './row-proof.ts'
import { SAMPLE_ORIGIN, sampleEntry, sampleSigner } from './sample-log.ts'
import { sha256 } from './sha256.ts'
import { formatTlogProof } from './tlog-proof.ts'
import { leafHash } from './tree.ts'

/** Row `n` of the sample batch, as docs/spec/predictions.md has rows. */
const sampleRow = (n: number) =>
  canonicalize({
    at: '2026-03-01T06:00:00.000000Z',
    id: toHex(sha256(toUtf8(`id ${n}`))).slice(0, 32),
    kind: 'row/1',
    salt: toHex(sha256(toUtf8(`salt ${n}`))),
    score: n / 8,
    subject: toHex(sha256(toUtf8(`subject ${n}`))).slice(0, 32),
    tier: n % 2 === 0 ? 'full' : 'minimal',
    ...(n % 2 === 0 ? { inputs: { opens_30d: n } } : {}),
  })

const signer = await sampleSigner()
const vkey = verifierKey(signer.name, signer.publicKey).text
const rows = Array.from({ length: 11 }, (_, n) => sampleRow(n))
// By the RFC's own words, not by the code that is tested.
const batch = new Definition(rows.map((row) => toUtf8(row)))

function entryOf(refs: Record<string, string>, kind = 'predictions/1'): string {
  const entry = { actor: 'k-1', id: 'nightly', kind, recorded: '2026-03-02T00:00:00.000000Z', refs, source: 'shop' }
  return canonicalize({ ...entry, stream: 'whence.predictions', time: '2026-03-01T06:00:00.000000Z' })
}

const named = { model: 'opens@1', root: toHex(batch.root(11)), rows: '11' }

async function tlogProofOf(entry: string): Promise<string> {
  const entries = [sampleEntry(0), sampleEntry(1), toUtf8(entry), sampleEntry(3)]
  const log = new Definition(entries)
  const checkpoint = await signCheckpoint({ origin: SAMPLE_ORIGIN, size: 4, root: log.root(4) }, signer)
  return formatTlogProof({ index: 2, hashes: log.inclusion(2, 4), checkpoint, extra: toUtf8(entry) })
}

const inner = await tlogProofOf(entryOf(named))
const proofOf = (n: number) =>
  formatRowProof({ row: toUtf8(rows[n]!), index: n, hashes: batch.inclusion(n, 11), batch: inner })

test('a row is proved through both trees', async () => {
  for (const [n, row] of rows.entries()) {
    const verdict = await verifyRowProof(proofOf(n), vkey)
    assert.ok(verdict.ok)
    assert.deepEqual([fromUtf8(verdict.row), verdict.index, verdict.rows, verdict.batch.index], [row, n, 11, 2])
  }
})

test('a proof comes back as it was, and is told from a tlog-proof', () => {
  const text = proofOf(4)
  assert.equal(formatRowProof(parseRowProof(text)), text)
  assert.ok(isRowProof(text))
  assert.ok(!isRowProof(inner))
})

test('no proof with any byte changed shows anything', async () => {
  const bytes = toUtf8(proofOf(6))
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice()
    changed[at]! ^= 1
    const verdict = await verifyRowProof(new TextDecoder().decode(changed), vkey)
    assert.ok(!verdict.ok, `byte ${at}`)
  }
})

const parsed = parseRowProof(proofOf(5))
const shorter = toHex(new Definition(rows.slice(0, 10).map((row) => toUtf8(row))).root(10))
const broken: { why: string; proof: string }[] = [
  { why: 'another row', proof: formatRowProof({ ...parsed, row: toUtf8(rows[4]!) }) },
  {
    why: 'another value in its row',
    proof: formatRowProof({ ...parsed, row: toUtf8(rows[5]!.replace('0.625', '0.626')) }),
  },
  { why: 'another index', proof: formatRowProof({ ...parsed, index: 4 }) },
  { why: 'an index beyond its batch', proof: formatRowProof({ ...parsed, index: 11 }) },
  { why: 'a hash too few', proof: formatRowProof({ ...parsed, hashes: parsed.hashes.slice(1) }) },
  { why: 'a hash too many', proof: formatRowProof({ ...parsed, hashes: [...parsed.hashes, parsed.hashes[0]!] }) },
  {
    why: 'a node of the tree as its row',
    proof: formatRowProof({ ...parsed, row: parsed.hashes[0]!, hashes: parsed.hashes.slice(1) }),
  },
  {
    why: 'an entry that names another root',
    proof: formatRowProof({ ...parsed, batch: await tlogProofOf(entryOf({ ...named, root: shorter })) }),
  },
  {
    why: 'an entry that names another number of rows',
    proof: formatRowProof({ ...parsed, batch: await tlogProofOf(entryOf({ ...named, rows: '6' })) }),
  },
  {
    why: 'an entry that names no tree',
    proof: formatRowProof({ ...parsed, batch: await tlogProofOf(entryOf({ model: 'opens@1' })) }),
  },
  {
    why: 'an entry of a size that is no number',
    proof: formatRowProof({ ...parsed, batch: await tlogProofOf(entryOf({ ...named, rows: '011' })) }),
  },
  { why: 'an entry that is not in the log', proof: proofOf(5).replace(/^index 2$/m, 'index 3') },
  { why: 'a line too many', proof: proofOf(5).replace('\n\n', '\nx\n\n') },
  { why: 'no proof of its batch', proof: proofOf(5).slice(0, proofOf(5).indexOf('\n\n') + 2) },
]

for (const { why, proof } of broken) {
  test(`a proof with ${why} shows nothing`, async () => {
    assert.equal((await verifyRowProof(proof, vkey)).ok, false)
  })
}

test('a proof of another log shows nothing', async () => {
  const other = verifierKey('ledger.example/other', signer.publicKey).text
  assert.equal((await verifyRowProof(proofOf(5), other)).ok, false)
})

/** Vectors of ours: what another implementation must accept and refuse. WRITE_VECTORS=1 writes them anew. */
const folder = new URL('../../vectors/', import.meta.url)
const vectors: Record<string, unknown> = {
  'valid/predictions/rows.json': {
    root: named.root,
    rows: rows.map((row) => ({ row, leaf: toHex(leafHash(toUtf8(row))) })),
  },
  'valid/predictions/row-proofs.json': rows.map((row, index) => ({ key: vkey, index, row, proof: proofOf(index) })),
  'invalid/predictions/row-proofs.json': broken.map(({ why, proof }) => ({ why, key: vkey, proof })),
}
for (const [path, expected] of Object.entries(vectors)) {
  test(`the vectors ${path} are those that this code makes`, () => {
    const file = new URL(path, folder)
    const text = `${JSON.stringify(expected, null, 1)}\n`
    if (process.env.WRITE_VECTORS) writeFileSync(file, text)
    assert.ok(existsSync(file))
    assert.equal(readFileSync(file, 'utf8'), text)
  })
}
