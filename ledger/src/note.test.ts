import assert from 'node:assert/strict'
import { createPrivateKey, sign } from 'node:crypto'
import { test } from 'node:test'

import { signerFromSeed, verifyEd25519 } from './ed25519.ts'
import { fromHex, joinBytes, toBase64, toHex, toUtf8 } from './encoding.ts'
import * as notes from './note.ts'
import { SAMPLE_SEED, sampleSigner, WITNESS_SEED } from './sample-log.ts'

const { parseNote, parseVerifierKey, signNote, signNoteSync, verifierKey, verifyNote } = notes

// The examples of C2SP signed-note.
const exampleKey = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'
const exampleNote = `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`
const text = 'first\n\nthird, after an empty line\n'

const log = await sampleSigner()
const other = await signerFromSeed('other.example/log', WITNESS_SEED)
const logKey = verifierKey(log.name, log.publicKey)
const otherKey = verifierKey(other.name, other.publicKey)

test('verifies the example of the specification', async () => {
  const note = await verifyNote(exampleNote, [parseVerifierKey(exampleKey)])
  assert.equal(note.text, 'This is an example message.\n')
  assert.deepEqual(
    note.signatures.map(({ key }) => key.text),
    [exampleKey],
  )
})

test('signs with WebCrypto and with a signer of Node alike', async () => {
  const pkcs8 = joinBytes(fromHex('302e020100300506032b657004220420'), SAMPLE_SEED)
  const key = createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' })
  const sync = { name: log.name, publicKey: log.publicKey, sign: (bytes: Uint8Array) => sign(null, bytes, key) }
  assert.equal(signNoteSync(text, sync), await signNote(text, log))
})

test('signs and verifies RFC 8032, section 7.1, test 2', async () => {
  const signature = await other.sign(Uint8Array.of(0x72))
  assert.equal(toHex(other.publicKey), '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c')
  assert.ok(toHex(signature).startsWith('92a009a9f0d4cab8720e820b5f642540'))
  assert.ok(await verifyEd25519(other.publicKey, Uint8Array.of(0x72), signature))
  assert.ok(!(await verifyEd25519(other.publicKey, Uint8Array.of(0x73), signature)))
})

test('splits at the last empty line and reports each trusted key that signed', async () => {
  const note = await signNote(text, log, other)
  const both = await verifyNote(note, [otherKey, logKey])
  assert.equal(both.text, text)
  assert.deepEqual(
    both.signatures.map(({ key }) => key.name),
    [log.name, other.name],
  )
})

test('ignores unknown keys, also those that share a name or an id with a trusted one', async () => {
  const namesake = await signerFromSeed(log.name, WITNESS_SEED)
  const sameId = `— stranger.example ${toBase64(joinBytes(fromHex(logKey.id), new Uint8Array(64)))}\n`
  const note = (await signNote(text, log, namesake, other)) + sameId
  const { signatures } = await verifyNote(note, [logKey])
  assert.deepEqual(
    signatures.map(({ key }) => key),
    [logKey],
  )
})

test('reports a key once, though it signed twice', async () => {
  const { signatures } = await verifyNote(await signNote(text, log, log), [logKey])
  assert.equal(signatures.length, 1)
})

test('rejects a note if one signature by a trusted key fails, though others hold', async () => {
  const good = await signNote(text, log)
  const bad = `— ${other.name} ${toBase64(joinBytes(fromHex(otherKey.id), new Uint8Array(64)))}\n`
  await verifyNote(good + bad, [logKey])
  await assert.rejects(verifyNote(good + bad, [logKey, otherKey]), { code: 'bad-signature' })
  const repeated = `— ${log.name} ${toBase64(joinBytes(fromHex(logKey.id), new Uint8Array(64)))}\n`
  await assert.rejects(verifyNote(good + repeated, [logKey]), { code: 'bad-signature' })
  const short = `— ${log.name} ${toBase64(joinBytes(fromHex(logKey.id), new Uint8Array(1)))}\n`
  await assert.rejects(verifyNote(text + '\n' + short, [logKey]), { code: 'bad-signature' })
})

test('rejects a note without a signature by a trusted key', async () => {
  const note = await signNote(text, log)
  await assert.rejects(verifyNote(note, [otherKey]), { code: 'unsigned' })
  await assert.rejects(verifyNote(note, []), { code: 'unsigned' })
})

test('rejects a note of which any byte is changed', async () => {
  const note = toUtf8(await signNote(text, log))
  for (let at = 0; at < note.length; at++) {
    for (const bit of [1, 2, 0x10, 0x80]) {
      const changed = note.slice()
      changed[at]! ^= bit
      await assert.rejects(verifyNote(changed, [logKey]), { name: 'LedgerFault' })
    }
  }
})

const line = '— a.example AQIDBAU=\n'
const malformed: [what: string, note: string | Uint8Array][] = [
  ['nothing', ''],
  ['text alone', 'text\n'],
  ['no empty line', `text\n${line}`],
  ['no signature', 'text\n\n'],
  ['no final newline', `text\n\n${line.trimEnd()}`],
  ['a carriage return', `text\r\n\n${line}`],
  ['a control character', `te\u0000xt\n\n${line}`],
  ['a line that is no signature', `text\n\n${line}hello\n`],
  ['a hyphen for the dash', `text\n\n${line.replace('—', '-')}`],
  ['two spaces', `text\n\n${line.replace('— ', '—  ')}`],
  ['a trailing space', `text\n\n${line.replace('\n', ' \n')}`],
  ['a plus in a name', `text\n\n${line.replace('a.', 'a+')}`],
  ['a no-break space in a name', `text\n\n${line.replace('a.', 'a\u00a0')}`],
  ['base64 that is not canonical', `text\n\n${line.replace('BAU=', 'BAV=')}`],
  ['a signature that is only an id', 'text\n\n— a.example AQIDBA==\n'],
  ['more than 100 signatures', `text\n\n${line.repeat(101)}`],
  ['more than 1 MB', `${'x'.repeat(1_000_001)}\n\n${line}`],
  ['bytes that are not UTF-8', joinBytes(Uint8Array.of(0xff), toUtf8(`\n\n${line}`))],
]
for (const [what, note] of malformed) {
  test(`does not take ${what} for a note`, () => assert.throws(() => parseNote(note), { code: 'bad-note' }))
}

test('takes a note with 100 signatures apart', () => {
  assert.equal(parseNote(`text\n\n${line.repeat(100)}`).signatures.length, 100)
})

test('refuses to sign what no note can hold', async () => {
  for (const bad of ['no newline', 'tab\t\n', '\ud800\n']) {
    await assert.rejects(signNote(bad, log), { code: 'bad-note' })
  }
  await assert.rejects(signNote(text, { ...log, name: 'a b' }), { code: 'bad-key' })
  await assert.rejects(signNote(text, { ...log, publicKey: new Uint8Array(31) }), { code: 'bad-key' })
  await assert.rejects(signNote(text, { ...log, sign: () => new Uint8Array(63) }), { code: 'bad-signature' })
})

const badKeys = [
  '',
  'name',
  'name+530d903a',
  '+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  'example.com/bar+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  'example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  'example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2l',
  'example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
  'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3Q==',
  `${exampleKey}\n`,
]
for (const key of badKeys) {
  test(`refuses ${JSON.stringify(key)} as a verifier key`, () => {
    assert.throws(() => parseVerifierKey(key), { code: 'bad-key' })
  })
}

test('verifier keys come back as they were', () => {
  for (const type of [notes.NOTE_SIGNATURE, notes.COSIGNATURE] as const) {
    const key = verifierKey('witness.example/w1', other.publicKey, type)
    assert.deepEqual(parseVerifierKey(key.text), key)
  }
})
