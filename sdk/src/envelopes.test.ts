import assert from 'node:assert/strict'
import { createPublicKey, verify } from 'node:crypto'
import { test } from 'node:test'
import { fromBase64, toBase64, toUtf8 } from '@whence/ledger'
import fc from 'fast-check'
import { createAgentKey } from './agent-keys.ts'
import {
  checkSignatures,
  envelopeOf,
  pae,
  PAYLOAD_TYPE,
  signProposal,
  signStatement,
  verifyEnvelope,
} from './envelopes.ts'
import type { Envelope } from './statements.ts'
import { statementBytes, statementOf } from './statements.ts'

const proposal = {
  id: 'a-17',
  type: 'send' as const,
  actor: { type: 'agent' as const, id: 'writer' },
  entity: 'c-1',
  output: { copy: [{ part: 'subject', text: 'Grüße' }] },
}
const statement = statementOf(proposal)
const [{ key: agent }, { key: approver }, { key: stranger }] = await Promise.all([
  createAgentKey(),
  createAgentKey('pem'),
  createAgentKey(),
])
const keys = [agent.publicKey, approver.publicKey]
const envelope = envelopeOf(statement, [
  await signStatement(statement, agent),
  await signStatement(statement, approver),
])

/** An envelope over other bytes, signed well. */
async function signedBytes(text: string, payloadType = PAYLOAD_TYPE): Promise<Envelope> {
  const payload = toUtf8(text)
  const sig = toBase64(await agent.sign(pae(payloadType, payload)))
  return { payloadType, payload: toBase64(payload), signatures: [{ keyid: agent.keyid, sig }] }
}

test("the specification's vector: its bytes, and its signature over them", () => {
  const said = pae('http://example.com/HelloWorld', toUtf8('hello world'))
  assert.equal(Buffer.from(said).toString(), 'DSSEv1 29 http://example.com/HelloWorld 11 hello world')
  const coordinate = (decimal: bigint) =>
    Buffer.from(decimal.toString(16).padStart(64, '0'), 'hex').toString('base64url')
  const x = coordinate(46950820868899156662930047687818585632848591499744589407958293238635476079160n)
  const y = coordinate(5640078356564379163099075877009565129882514886557779369047442380624545832820n)
  const key = createPublicKey({ format: 'jwk', key: { kty: 'EC', crv: 'P-256', x, y } })
  const sig = 'A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=='
  assert.ok(verify('sha256', said, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(sig, 'base64')))
})

test('lengths are those of bytes, and no two pairs of type and body give the same bytes', () => {
  assert.equal(Buffer.from(pae('é', toUtf8('€'))).toString(), 'DSSEv1 2 é 3 €')
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.stringMatching(/^[0-9 ]{0,6}$/))
  fc.assert(
    fc.property(text, text, text, text, (t1, b1, t2, b2) => {
      const same = Buffer.compare(pae(t1, toUtf8(b1)), pae(t2, toUtf8(b2))) === 0
      assert.equal(same, t1 === t2 && b1 === b2)
    }),
  )
})

test('two signatures over the same bytes are both verified, from an object and from its JSON', async () => {
  for (const given of [envelope, JSON.stringify(envelope)]) {
    const verdict = await verifyEnvelope(given, keys, { threshold: 2 })
    assert.deepEqual(verdict, { ok: true, statement, signed: [agent.keyid, approver.keyid], unverified: [] })
  }
})

test('one of two trusted keys is not two, however often it signs', async () => {
  const [first] = envelope.signatures
  const twice = { ...envelope, signatures: [first, first, { ...first, keyid: '' }] }
  assert.deepEqual(await code(twice, 2), 'signature')
  const verdict = await verifyEnvelope(twice, keys)
  assert.ok(verdict.ok && verdict.signed.length === 1)
})

test('the id of a key is a hint: without it all are tried, and another one does not help', async () => {
  const [first, second] = envelope.signatures
  const unnamed = { ...envelope, signatures: envelope.signatures.map(({ sig }) => ({ sig })) }
  assert.equal(await code(unnamed, 2), undefined)
  const swapped = {
    ...envelope,
    signatures: [
      { keyid: second!.keyid, sig: first!.sig },
      { keyid: first!.keyid, sig: second!.sig },
    ],
  }
  assert.equal(await code(swapped), 'signature')
})

test('a signature of a stranger beside a good one is told of', async () => {
  const theirs = await signStatement(statement, stranger)
  const verdict = await verifyEnvelope({ ...envelope, signatures: [...envelope.signatures, theirs] }, keys)
  assert.ok(verdict.ok)
  assert.deepEqual(verdict.unverified, [theirs])
  assert.equal(await code({ ...envelope, signatures: [theirs] }), 'signature')
  assert.equal(await code({ ...envelope, signatures: [] }), 'signature')
})

test('every changed byte of the payload, and every changed signature, is found', async () => {
  const payload = fromBase64(envelope.payload)
  for (let at = 0; at < payload.length; at += 7) {
    const changed = payload.slice()
    changed[at]! ^= 1
    assert.equal(await code({ ...envelope, payload: toBase64(changed) }), 'signature', String(at))
  }
  const [{ keyid, sig }] = envelope.signatures as [Envelope['signatures'][number]]
  for (let at = 0; at < 64; at += 5) {
    const changed = fromBase64(sig)
    changed[at]! ^= 0x10
    assert.equal(await code({ ...envelope, signatures: [{ keyid, sig: toBase64(changed) }] }), 'signature')
  }
})

test('a signature under another type does not count, and a signed other type is refused', async () => {
  const text = Buffer.from(statementBytes(statement)).toString()
  const other = await signedBytes(text, 'application/json')
  assert.equal(await code(other), 'payload_type')
  assert.equal(await code({ ...other, payloadType: PAYLOAD_TYPE }), 'signature')
  assert.equal(await code({ ...envelope, payloadType: 'application/json' }), 'signature')
})

test('what is signed must be canonical: no repeated name, no other order, no space, no byte order mark', async () => {
  const text = Buffer.from(statementBytes(statement)).toString()
  assert.equal(await code(await signedBytes(text)), undefined)
  const wrong = [
    `{"_type":"https://in-toto.io/Statement/v0.1",${text.slice(1)}`,
    text.replace('"a-17"', '"a-17","name":"a-18"'),
    `${text}\n`,
    ` ${text}`,
    `\ufeff${text}`,
    text.replace('Statement/v1', 'Statement\\u002fv1'),
    JSON.stringify(statement, null, 1),
    text.slice(0, -1),
    '',
    'null',
    '[]',
    '{}',
    '1e999',
    '['.repeat(100_000),
  ]
  for (const each of wrong) assert.equal(await code(await signedBytes(each)), 'statement', each.slice(0, 80))
})

test('what is signed must be a statement about an action, with nothing unknown in it', async () => {
  const wrong = [
    { ...statement, predicateType: 'https://slsa.dev/provenance/v1' },
    { ...statement, subject: [] },
    { ...statement, subject: [...statement.subject, ...statement.subject] },
    { ...statement, predicate: { ...statement.predicate, approved: true } },
    { ...statement, _type: 'https://in-toto.io/Statement/v0.1' },
  ]
  for (const each of wrong) {
    const canonical = Buffer.from(statementBytes(each as never)).toString()
    assert.equal(await code(await signedBytes(canonical)), 'statement')
  }
})

test('base64 of both alphabets is taken, and no other text', async () => {
  const text = 'é'.repeat(30) + '???>>>~~~'
  const odd = statementOf({ ...proposal, campaign: text })
  const plain = envelopeOf(odd, [await signStatement(odd, agent)])
  const urlSafe = (base64: string) => base64.replaceAll('+', '-').replaceAll('/', '_')
  const [{ keyid, sig }] = plain.signatures as [Envelope['signatures'][number]]
  assert.equal(
    await code({ ...plain, payload: urlSafe(plain.payload), signatures: [{ keyid, sig: urlSafe(sig) }] }),
    undefined,
  )
  assert.equal(await code({ ...plain, payload: `${plain.payload}\n` }), 'envelope')
  assert.equal(await code({ ...plain, signatures: [{ keyid, sig: `${sig} ` }] }), 'signature')
})

test('what is no envelope is told, whatever it is', async () => {
  const wrong = [undefined, null, 7, '', 'x', '{}', [], { ...envelope, signatures: 'x' }, { ...envelope, payload: 7 }]
  for (const each of wrong) assert.equal(await code(each), 'envelope')
  const many = Array.from({ length: 65 }, () => ({ keyid: '', sig: 'AA==' }))
  assert.equal(await code({ ...envelope, signatures: many }), 'envelope')
})

test('a proposal that is signed says the same, and its signature is over its statement', async () => {
  const signed = await signProposal(await signProposal(proposal, agent), approver)
  const { signatures, ...rest } = signed
  assert.deepEqual(rest, proposal)
  const checked = await checkSignatures(statementBytes(statementOf(signed)), signatures, keys)
  assert.deepEqual(checked, { signed: [agent.keyid, approver.keyid], unverified: [] })
})

async function code(given: unknown, threshold = 1): Promise<string | undefined> {
  const verdict = await verifyEnvelope(given, keys, { threshold })
  return verdict.ok ? undefined : verdict.code
}
