// The worked example of ledger.md: real bytes under fixed keys. First everything is made with nothing but node:crypto and
// node:zlib, as a stranger would from the text; then Whence's own code must give, or accept, the same bytes.
//
//   node docs/spec/worked-example.ts
import assert from 'node:assert/strict'
import { createCipheriv, createHmac, createPrivateKey, createPublicKey, hash, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { canonicalize, leafHash, signCheckpointSync, toHex, verifierKey, verifyCheckpoint } from '@whence/ledger'
import { encodeLine, streamNumber } from '../../server/src/record/ledger/archive.ts'
import { encodeFrame } from '../../server/src/record/ledger/journal.ts'
import { hmacKey } from '../../server/src/record/subjects/hmac.ts'
import { binding, commitment, deriveKeys, identityOf, open, placeBytes } from '../../server/src/record/subjects/seal.ts'
import { localFiles } from '../../server/src/store/files.ts'
import { openKeyStore } from '../../server/src/store/keys.ts'

const count = (from: number, n: number): Buffer => Buffer.from(Array.from({ length: n }, (_, i) => from + i))
const mac = (algorithm: string, key: Uint8Array, message: string | Uint8Array): Buffer =>
  createHmac(algorithm, key).update(message).digest()
const gcm = (key: Uint8Array, nonce: Uint8Array, context: Uint8Array, plain: Uint8Array): Buffer => {
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context)
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
}
const show = (name: string, value: string | Uint8Array): void =>
  console.log(`${name.padEnd(12)} ${typeof value === 'string' ? value : Buffer.from(value).toString('hex')}`)

// Fixed keys; in a data folder they are random.
const subjectKey = count(0x00, 32)
const idKey = count(0x20, 32)
const kek = count(0x40, 32)
const lookupKey = count(0x60, 32)
const subjectId = count(0xa0, 16)
const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex')
const origin = 'ledger.example/demo'

// The event.
const [stream, source, ownId] = ['touchpoints', 'shop', 'touchpoints.csv:4']
const content = '{"customer_id":"c-1","time":"2026-03-06T09:30:00Z","interaction":"conversion","channel":"Search"}'
const header = `{"id":"${ownId}","time":"2026-03-06T09:30:00.000000Z","position":"${ownId}"}`

// Its identity, and what it is bound to.
const ownPlace = `5:event11:${stream}4:${source}${ownId}`
const identity = mac('sha256', idKey, ownPlace).subarray(0, 16)
const place = `5:event11:${stream}4:${source}${identity.toString('hex')}`
const derived = mac('sha512', subjectKey, 'whence/subject-keys/v1')
const [encrypt, bind] = [derived.subarray(0, 32), derived.subarray(32)]
const both = mac('sha512', bind, place)
const [r, tag] = [both.subarray(0, 32), both.subarray(32, 48)]
const commit = mac('sha256', r, content)

// The payload as it is stored.
const head = Buffer.alloc(4)
head.writeUInt32BE(header.length)
const plain = Buffer.concat([head, Buffer.from(header), Buffer.from(content)])
const stored = gcm(encrypt, count(0x00, 12), Buffer.from(place), plain)

// The entry and its leaf.
const entry =
  `{"actor":"k-1","id":"${identity.toString('hex')}","kind":"event/1","recorded":"2026-11-21T11:41:45.357000Z",` +
  `"refs":{"contract":"touchpoints@1.0.0","outcome":"passed"},"sealed":{"bytes":${stored.length},` +
  `"commit":"${commit.toString('hex')}","pointers":[""],"sha256":"${hash('sha256', stored)}","tag":"${tag.toString('hex')}"},` +
  `"source":"${source}","stream":"${stream}","time":"2026-03-06"}`
const leaf = Buffer.from(hash('sha256', Buffer.concat([Buffer.of(0), Buffer.from(entry)])), 'hex')

// The checkpoint of a log that has only this entry: its root is the leaf.
const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed])
const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32)
const body = `${origin}\n1\n${leaf.toString('base64')}\n`
const typed = Buffer.concat([Buffer.of(1), publicKey])
const keyId = Buffer.from(hash('sha256', Buffer.concat([Buffer.from(`${origin}\n`), typed])), 'hex').subarray(0, 4)
const vkey = `${origin}+${keyId.toString('hex')}+${typed.toString('base64')}`
const signature = Buffer.concat([keyId, sign(null, Buffer.from(body), key)]).toString('base64')
const checkpoint = `${body}\n— ${origin} ${signature}\n`

// The key store's slot.
const lookup = mac('sha256', lookupKey, 'customer\0c-1')
const wrapped = gcm(kek, count(0xf0, 12), subjectId, subjectKey)
const slot = Buffer.concat([Buffer.of(1, 0, 0, 0, 0, 0, 0, 0), subjectId, lookup, wrapped, Buffer.alloc(12)])
slot.writeUInt32LE(crc32(slot.subarray(8)), 4)

// The index line; its first six bytes, the place in the segment, are filled in at publication.
const line = Buffer.alloc(64)
line.writeUInt32LE(stored.length, 6)
line[10] = 1 + 2
Buffer.from(hash('sha256', stream), 'hex').copy(line, 12, 0, 4)
identity.copy(line, 16)
subjectId.copy(line, 32)
commit.copy(line, 48, 0, 16)

// The journal's frame: this record, this subject's slot, this checkpoint.
const note = Buffer.from(checkpoint)
const frameHead = Buffer.alloc(16)
frameHead.writeUIntLE(0, 0, 6)
frameHead.writeUInt32LE(1, 6)
frameHead.writeUInt32LE(1, 10)
frameHead.writeUInt16LE(note.length, 14)
const lengths = Buffer.alloc(6)
lengths.writeUInt16LE(Buffer.byteLength(entry), 0)
lengths.writeUInt32LE(stored.length, 2)
const frameBody = Buffer.concat([frameHead, note, Buffer.alloc(4), slot, lengths, line, Buffer.from(entry), stored])
const frame = Buffer.concat([Buffer.from('WHJ1'), Buffer.alloc(8), frameBody])
frame.writeUInt32LE(frameBody.length, 4)
frame.writeUInt32LE(crc32(frameBody), 8)

show('identity', identity)
show('place', place)
show('encrypt', encrypt)
show('bind', bind)
show('r', r)
show('tag', tag)
show('commit', commit)
show('stored', stored)
show('entry', entry)
show('leaf', leaf)
show('vkey', vkey)
console.log(`checkpoint\n${checkpoint}`)
show('lookup', lookup)
show('slot', slot)
show('line', line)
show('frame', `${frame.length} bytes, SHA-256 ${hash('sha256', frame)}`)

// Whence's own code, held against it.
const ours = deriveKeys(subjectKey)
const ourPlace = placeBytes({ kind: 'event/1', stream, source, id: identity.toString('hex') })
const ourBinding = binding(ours, ourPlace)
assert.deepEqual(
  identityOf(hmacKey('sha256', idKey), placeBytes({ kind: 'event/1', stream, source, id: ownId })),
  identity,
)
assert.equal(ourPlace.toString(), place)
assert.deepEqual([ourBinding.r, ourBinding.tag], [r, tag])
assert.deepEqual(commitment(r, Buffer.from(content)), commit)
const { sealed } = JSON.parse(entry) as { sealed: Parameters<typeof open>[2] }
const opened = open(ours, ourPlace, sealed, stored)
assert.equal(Buffer.from(opened.content).toString(), content)
assert.equal(JSON.stringify(opened.header), header)
assert.equal(canonicalize(JSON.parse(entry)), entry)
assert.equal(toHex(leafHash(Buffer.from(entry))), leaf.toString('hex'))
const signer = { name: origin, publicKey, sign: (bytes: Uint8Array) => sign(null, bytes, key) }
assert.equal(signCheckpointSync({ origin, size: 1, root: leaf }, signer), checkpoint)
assert.equal(verifierKey(origin, publicKey).text, vkey)
assert.equal((await verifyCheckpoint(checkpoint, vkey)).size, 1)
const ourLine = encodeLine({
  length: stored.length,
  member: true,
  sealed: true,
  stream: streamNumber(stream),
  identity,
  subject: subjectId.toString('hex'),
  commit,
})
assert.deepEqual(ourLine, line)
const record = { entry: Buffer.from(entry), payload: stored, line }
const ourFrame = encodeFrame({ first: 0, records: [record], slots: [{ index: 0, bytes: slot }], checkpoint })
assert.deepEqual(Buffer.concat(ourFrame), frame)

const folder = mkdtempSync(join(tmpdir(), 'whence-example-'))
const wrap = (name: string, secret: Uint8Array): string =>
  `${name} ${gcm(kek, count(0xe0, 12), Buffer.from(name), secret).toString('hex')}\n`
writeFileSync(join(folder, 'secrets'), wrap('lookup', lookupKey) + wrap('id', idKey))
writeFileSync(join(folder, 'subjects'), slot)
const files = localFiles()
const store = await openKeyStore(files, folder, kek)
assert.equal(store.lookup('customer\0c-1'), lookup.toString('hex'))
assert.deepEqual(Buffer.from(store.unwrap(store.find(lookup.toString('hex'))!)), subjectKey)
assert.deepEqual(store.check(), [])
await store.close()
files.close()
rmSync(folder, { recursive: true })
console.log('\nWhence gives and accepts the same bytes.')
