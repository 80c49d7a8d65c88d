// Our code held to the libraries of the Go and transparency-dev projects, which wrote ../../vectors (interop/vectors).
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'

import { verifyCheckpoint } from './checkpoint.ts'
import { fromBase64, toBase64, toHex, toUtf8 } from './encoding.ts'
import { GrowingTiles } from './growing-tiles.ts'
import { parseVerifierKey, verifyNote } from './note.ts'
import { consistencyPlan, inclusionPlan, rootPlan, verifyConsistency, verifyInclusion } from './proof.ts'
import { solveSync } from './reading.ts'
import { sampleEntry } from './sample-log.ts'
import { sha256 } from './sha256.ts'
import { newTiles, tilePath } from './tiles.ts'
import { leafHash } from './tree.ts'
import { verifyLog } from './verify-log.ts'
import { verifyProof } from './verify.ts'

const folder = new URL('../../vectors/', import.meta.url)

function read(path: string): unknown {
  return JSON.parse(readFileSync(new URL(path, folder), 'utf8'))
}

type Inclusion = { index: number; size: number; leaf: string; root: string; proof: string[]; why?: string }
type Consistency = { from: number; fromRoot: string; size: number; root: string; proof: string[] | null; why?: string }
type Proofs = { inclusion: Inclusion[]; consistency: Consistency[] }
type SignedNote = { why: string; keys: string[]; note: string; text: string; verified: string[] }
type SignedCheckpoint = {
  why: string
  key: string
  witnesses?: string[]
  note: string
  origin: string
  size?: number
  root: string
  cosignatures?: { witness: string; time: number }[]
}
type ProofFile = { why: string; key: string; entry: string; proof: string }

/** Every tile that the sample log ever had at the sizes of the vectors, and its leaves. */
const tiles = new Map<string, Uint8Array>()
const growths = read('valid/ledger/tiles.json') as { from: number; size: number; tiles: Record<string, string> }[]
const roots = read('valid/ledger/tree.json') as { size: number; root: string }[]
const valid = read('valid/ledger/proofs.json') as Proofs
const invalid = read('invalid/ledger/proofs.json') as Proofs

const log = new GrowingTiles()
const sizes = [growths, roots, valid.inclusion, valid.consistency].flatMap((list) => list.map(({ size }) => size))
for (const size of [...new Set(sizes)].sort((a, b) => a - b)) {
  while (log.size < size) log.append(leafHash(sampleEntry(log.size)))
  for (const { tile, bytes } of log.cut()) tiles.set(tilePath(tile), bytes)
}
const readTile = (path: string) => tiles.get(path)

test('our roots are those of the Go library', () => {
  for (const { size, root } of roots) assert.equal(toBase64(solveSync(rootPlan(size), size, readTile)), root)
})

test('our tiles are those of the Go library, in name and content', () => {
  for (const { from, size, tiles: expected } of growths) {
    const paths = newTiles(from, size).map(tilePath)
    assert.deepEqual([...paths].sort(), Object.keys(expected).sort())
    for (const path of paths) assert.equal(toHex(sha256(tiles.get(path)!)), expected[path], path)
  }
})

test('our inclusion proofs are those of the Go library', () => {
  for (const { index, size, leaf, root, proof } of valid.inclusion) {
    assert.deepEqual(solveSync(inclusionPlan(index, size), size, readTile).map(toBase64), proof)
    assert.ok(verifyInclusion(fromBase64(leaf), index, size, proof.map(fromBase64), fromBase64(root)))
  }
})

test('our consistency proofs are those of the Go library', () => {
  for (const { from, fromRoot, size, root, proof } of valid.consistency) {
    const hashes = (proof ?? []).map(fromBase64)
    assert.deepEqual(solveSync(consistencyPlan(from, size), size, readTile), hashes)
    assert.ok(verifyConsistency(from, fromBase64(fromRoot), size, fromBase64(root), hashes))
  }
})

for (const { why, index, size, leaf, root, proof } of invalid.inclusion) {
  test(`an inclusion proof with ${why} is refused, as by the Go library (${index} of ${size})`, () => {
    assert.ok(!verifyInclusion(fromBase64(leaf), index, size, proof.map(fromBase64), fromBase64(root)))
  })
}

for (const { why, from, fromRoot, size, root, proof } of invalid.consistency) {
  test(`a consistency proof with ${why} is refused, as by the Go library (${from} to ${size})`, () => {
    const hashes = (proof ?? []).map(fromBase64)
    assert.ok(!verifyConsistency(from, fromBase64(fromRoot), size, fromBase64(root), hashes))
  })
}

for (const { why, keys, note, text, verified } of read('valid/ledger/notes.json') as SignedNote[]) {
  test(`a note with ${why} is verified, as by the Go library`, async () => {
    const opened = await verifyNote(toUtf8(note), keys.map(parseVerifierKey))
    assert.equal(opened.text, text)
    assert.deepEqual(
      opened.signatures.map(({ key }) => key.name),
      verified,
    )
  })
}

for (const { why, keys, note } of read('invalid/ledger/notes.json') as SignedNote[]) {
  test(`a note with ${why} is refused, as by the Go library`, async () => {
    await assert.rejects(verifyNote(toUtf8(note), keys.map(parseVerifierKey)), { name: 'LedgerFault' })
  })
}

for (const vector of read('valid/ledger/checkpoints.json') as SignedCheckpoint[]) {
  test(`a checkpoint ${vector.why} is verified, as by the transparency-dev library`, async () => {
    const { origin, size = 0, root, cosignatures = [] } = vector
    const checkpoint = await verifyCheckpoint(vector.note, vector.key, { witnesses: vector.witnesses ?? [] })
    assert.deepEqual(checkpoint, { origin, size, root: fromBase64(root), cosignatures })
  })
}

for (const { why, key, witnesses, note } of read('invalid/ledger/checkpoints.json') as SignedCheckpoint[]) {
  test(`a checkpoint with ${why} is refused, as by the transparency-dev library`, async () => {
    await assert.rejects(verifyCheckpoint(note, key, { witnesses: witnesses ?? [] }), { name: 'LedgerFault' })
  })
}

for (const { why, key, entry, proof } of read('valid/ledger/tlog-proofs.json') as ProofFile[]) {
  test(`the proof file ${why} is verified, as by the transparency-dev library`, async () => {
    assert.ok((await verifyProof(proof, toUtf8(entry), key)).ok)
  })
}

for (const { why, key, entry, proof } of read('invalid/ledger/tlog-proofs.json') as ProofFile[]) {
  test(`a proof file with ${why} is refused, as by the transparency-dev library`, async () => {
    assert.ok(!(await verifyProof(proof, toUtf8(entry), key)).ok)
  })
}

const vkey = readFileSync(new URL('valid/ledger/log.vkey', folder), 'utf8').trim()
const readLog = (path: string) => {
  const file = new URL(`valid/ledger/log/${path}`, folder)
  return existsSync(file) ? new Uint8Array(readFileSync(file)) : undefined
}

test('the log that the Go library wrote is verified', async () => {
  const report = await verifyLog(readLog, vkey)
  assert.deepEqual([report.ok, report.size, report.problems], [true, 600, []])
})

type Damage = { why: string; files: Record<string, string | null>; named: string[] }
for (const { why, files, named } of read('invalid/ledger/logs.json') as Damage[]) {
  test(`a log with ${named.join(' and ')} ${why} is refused, and the file named`, async () => {
    const changed = new Map(Object.entries(files).map(([path, text]) => [path, text ? fromBase64(text) : undefined]))
    const report = await verifyLog((path) => (changed.has(path) ? changed.get(path) : readLog(path)), vkey)
    const paths = new Set(report.problems.map(({ path }) => path))
    for (const path of named) assert.ok(paths.delete(path))
    assert.equal(paths.size, 0)
  })
}
