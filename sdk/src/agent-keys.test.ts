import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto'
import { test } from 'node:test'
import { fromHex, LedgerFault, sha256, toBase64, toHex, toUtf8 } from '@whence/ledger'
import { createAgentKey, formatPublicKey, publicKeyOf, readAgentKey, readPublicKey } from './agent-keys.ts'

const refused = (error: unknown) => error instanceof LedgerFault && error.code === 'bad-key'
const message = toUtf8('offer to nobody in particular')

for (const format of ['jwk', 'pem'] as const) {
  test(`a key made as ${format} is read again, by us and by OpenSSL, and signs the same`, async () => {
    const { key, file } = await createAgentKey(format)
    const again = await readAgentKey(file)
    assert.equal(again.keyid, key.keyid)
    assert.equal(key.keyid, toHex(sha256(key.publicKey.raw)).slice(0, 16))
    const theirs = createPrivateKey(
      format === 'pem' ? file : { format: 'jwk', key: JSON.parse(file) as Record<string, string> },
    )
    const signature = await again.sign(message)
    assert.deepEqual(Buffer.from(signature), sign(null, message, theirs))
    assert.ok(await key.publicKey.verify(message, signature))
    assert.ok(verify(null, message, createPublicKey(theirs), signature))
  })
}

test('a public key is read from base64, PEM and JWK alike', () => {
  const { publicKey } = generateKeyPairSync('ed25519')
  const jwk = publicKey.export({ format: 'jwk' })
  const raw = Buffer.from(jwk.x!, 'base64url')
  const forms = [
    toBase64(raw),
    ` ${toBase64(raw)}\n`,
    publicKey.export({ format: 'pem', type: 'spki' }),
    JSON.stringify(jwk),
  ]
  assert.deepEqual([...new Set(forms.map((form) => readPublicKey(form).keyid))], [publicKeyOf(raw).keyid])
  assert.equal(formatPublicKey(readPublicKey(forms[2]!)), toBase64(raw))
})

test('keys of OpenSSL are read, others are refused', async () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' })
  assert.equal((await readAgentKey(pem)).keyid.length, 16)
  const other = generateKeyPairSync('x25519')
  const wrong = [
    '',
    'null',
    '{}',
    '{"kty":"OKP","crv":"Ed25519"}',
    pem.replace('PRIVATE', 'PUBLIC'),
    pem + pem,
    pem.slice(0, 60),
    JSON.stringify(generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })),
    other.privateKey.export({ format: 'pem', type: 'pkcs8' }),
    JSON.stringify(other.privateKey.export({ format: 'jwk' })),
    JSON.stringify({ ...privateKey.export({ format: 'jwk' }), x: toBase64(new Uint8Array(32)).slice(0, 43) }),
    JSON.stringify({ ...privateKey.export({ format: 'jwk' }), d: 'x' }),
  ]
  for (const text of wrong) await assert.rejects(readAgentKey(text), refused, text)
})

test('a private key where a public one belongs is refused, and so is what is none', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const jwk = publicKey.export({ format: 'jwk' })
  const wrong = [
    privateKey.export({ format: 'pem', type: 'pkcs8' }),
    JSON.stringify(privateKey.export({ format: 'jwk' })),
    '',
    'AAAA',
    toBase64(new Uint8Array(33).fill(7)),
    toBase64(new Uint8Array(32).fill(7)).replace('=', ''),
    jwk.x!,
    '{"kty":"OKP","crv":"Ed25519","x":7}',
    '[1]',
  ]
  for (const text of wrong) assert.throws(() => readPublicKey(text), refused, text)
})

test('a key of small order is refused: some verifiers take a signature under it that nobody made', () => {
  const points = [
    '0100000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000080',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  ]
  for (const point of points) assert.throws(() => readPublicKey(toBase64(fromHex(point))), refused, point)
})

test('a signature with another scalar for the same message is refused', async () => {
  const { key } = await createAgentKey()
  const signature = await key.sign(message)
  // S + L is the same number modulo the order of the group: RFC 8032, section 5.1.7, asks to refuse it.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  const scalar = BigInt(`0x${Buffer.from(signature.slice(32)).reverse().toString('hex')}`) + order
  const malleated = Buffer.concat([
    signature.slice(0, 32),
    Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex').reverse(),
  ])
  assert.equal(malleated.length, 64)
  assert.ok(await key.publicKey.verify(message, signature))
  assert.ok(!(await key.publicKey.verify(message, malleated)))
  for (const length of [0, 1, 63, 65, 128])
    assert.ok(!(await key.publicKey.verify(message, new Uint8Array(length).fill(1))), String(length))
})
