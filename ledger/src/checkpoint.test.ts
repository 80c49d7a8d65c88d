import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as checkpoints from './checkpoint.ts'
import { signerFromSeed } from './ed25519.ts'
import { fromHex, joinBytes, toBase64, toUtf8 } from './encoding.ts'
import { COSIGNATURE, cosignedBytes, signNote, verifierKey } from './note.ts'
import { SAMPLE_ORIGIN, sampleSigner, WITNESS_SEED } from './sample-log.ts'
import { emptyRoot } from './tree.ts'

const { claimedCheckpoint, formatCheckpoint, parseCheckpoint, signCheckpoint, verifyCheckpoint } = checkpoints

const log = await sampleSigner()
const vkey = verifierKey(log.name, log.publicKey).text
const checkpoint = { origin: SAMPLE_ORIGIN, size: 3, root: emptyRoot() }
const text = formatCheckpoint(checkpoint)
const note = await signCheckpoint(checkpoint, log)

const witness = await signerFromSeed('witness.example/w1', WITNESS_SEED)
const witnessKey = verifierKey(witness.name, witness.publicKey, COSIGNATURE)

async function cosignature(body: string, time: number): Promise<string> {
  const timeBytes = new Uint8Array(8)
  new DataView(timeBytes.buffer).setBigUint64(0, BigInt(time))
  const signature = await witness.sign(cosignedBytes(body, time))
  return `— ${witness.name} ${toBase64(joinBytes(fromHex(witnessKey.id), timeBytes, signature))}\n`
}

test('a signed checkpoint comes back as it was', async () => {
  assert.deepEqual(parseCheckpoint(text), checkpoint)
  assert.deepEqual(claimedCheckpoint(note), checkpoint)
  assert.deepEqual(await verifyCheckpoint(note, vkey), { ...checkpoint, cosignatures: [] })
  assert.deepEqual(await verifyCheckpoint(toUtf8(note), vkey), { ...checkpoint, cosignatures: [] })
})

test('reports the cosignatures of trusted witnesses, with their time', async () => {
  const cosigned = note + (await cosignature(text, 1_700_000_001))
  const { cosignatures } = await verifyCheckpoint(cosigned, vkey, { witnesses: [witnessKey.text] })
  assert.deepEqual(cosignatures, [{ witness: witness.name, time: 1_700_000_001 }])
  assert.deepEqual((await verifyCheckpoint(cosigned, vkey)).cosignatures, [])
})

test('rejects a checkpoint whose cosignature by a trusted witness fails', async () => {
  const stolen = note + (await cosignature(text.replace('3', '4'), 1_700_000_001))
  await assert.rejects(verifyCheckpoint(stolen, vkey, { witnesses: [witnessKey] }), { code: 'bad-signature' })
  await verifyCheckpoint(stolen, vkey)
})

test('rejects a checkpoint that only a witness signed', async () => {
  const cosigned = `${text}\n${await cosignature(text, 1)}`
  await assert.rejects(verifyCheckpoint(cosigned, vkey, { witnesses: [witnessKey] }), { code: 'unsigned' })
})

test('does not take the key of a witness for that of a log, nor the other way round', async () => {
  await assert.rejects(verifyCheckpoint(note, witnessKey), { code: 'bad-key' })
  await assert.rejects(verifyCheckpoint(note, vkey, { witnesses: [vkey] }), { code: 'bad-key' })
})

test('rejects the checkpoint of another log, unless its origin is the one expected', async () => {
  const elsewhere = await signCheckpoint({ ...checkpoint, origin: 'elsewhere' }, log)
  await assert.rejects(verifyCheckpoint(elsewhere, vkey), { code: 'wrong-origin' })
  assert.equal((await verifyCheckpoint(elsewhere, vkey, { origin: 'elsewhere' })).origin, 'elsewhere')
  await assert.rejects(verifyCheckpoint(note, vkey, { origin: 'elsewhere' }), { code: 'wrong-origin' })
})

test('rejects a signed text that is no checkpoint', async () => {
  await assert.rejects(verifyCheckpoint(await signNote(`${text}extension\n`, log), vkey), { code: 'bad-checkpoint' })
})

const root = toBase64(emptyRoot())
const malformed = [
  '',
  '\n',
  `o\n3\n${root}`,
  `o\n3\n${root}\n\n`,
  `o\n3\n${root}\nextension\n`,
  `\n3\n${root}\n`,
  `o\n\n${root}\n`,
  `o\n03\n${root}\n`,
  `o\n-3\n${root}\n`,
  `o\n9007199254740992\n${root}\n`,
  `o\n3 \n${root}\n`,
  `o\r\n3\n${root}\n`,
  `o\n3\n${root.slice(0, -2)}V=\n`,
  `o\n3\n${root.slice(4)}\n`,
  'o\n3\n\n',
]
for (const body of malformed) {
  test(`does not take ${JSON.stringify(body)} for a checkpoint`, () => {
    assert.throws(() => parseCheckpoint(body), { code: 'bad-checkpoint' })
  })
}

test('refuses to write a checkpoint that could not be read', () => {
  for (const origin of ['', 'a\nb']) {
    assert.throws(() => formatCheckpoint({ ...checkpoint, origin }), { code: 'bad-checkpoint' })
  }
  for (const size of [-1, 0.5, 2 ** 53]) {
    assert.throws(() => formatCheckpoint({ ...checkpoint, size }), { code: 'out-of-range' })
  }
  assert.throws(() => formatCheckpoint({ ...checkpoint, root: new Uint8Array(31) }), { code: 'bad-hash' })
})
