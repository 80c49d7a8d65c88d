// Statements of actions, signed by us and verified by programs that we did not write, and the other way round.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { toBase64, toHex, toUtf8 } from '@whence/ledger'
import {
  createAgentKey,
  envelopeOf,
  pae,
  PAYLOAD_TYPE,
  readAgentKey,
  readPublicKey,
  signStatement,
  statementBytes,
  statementOf,
  verifyEnvelope,
} from '@whence/sdk'
import type { Envelope, PublicKey } from '@whence/sdk'
import { actionProv } from '../../server/src/path/actions/exports/prov.ts'
import { bareView, wholeView } from '../../server/src/path/actions/exports/testing.ts'
import type { Ran } from '../running.ts'
import { buildCheck, lackingGo, lackingPython, python, run } from './tools.ts'

const [{ key: agent, file: agentFile }, { key: approver }, { key: stranger }] = await Promise.all([
  createAgentKey(),
  createAgentKey(),
  createAgentKey(),
])
const { statement } = wholeView()
const least = statementOf({ id: 'a', type: 'bid', actor: { type: 'user', id: 'u' } })
const envelope = envelopeOf(statement, [
  await signStatement(statement, agent),
  await signStatement(statement, approver),
])

interface Verified {
  signed: string[]
  statement: { subject: { name: string; digest: { sha256: string } }[]; predicateType: string; predicate: object }
}

/** One program that verifies: how it is asked. */
interface Verifier {
  verify(envelope: Envelope, keys: readonly PublicKey[], threshold?: number): Promise<Ran>
}

const securesystemslib: Verifier = {
  verify(envelope, keys, threshold = 1) {
    const known = Object.fromEntries(keys.map(({ keyid, raw }) => [keyid, toHex(raw)]))
    return run(
      python,
      [join(import.meta.dirname, 'dsse.py'), 'verify'],
      JSON.stringify({ envelope, keys: known, threshold }),
    )
  },
}

let program = ''
const goLibraries: Verifier = {
  verify(envelope, keys, threshold = 1) {
    const known = keys.flatMap(({ keyid, raw }) => ['--key', `${keyid}=${toHex(raw)}`])
    return run(program, ['--threshold', String(threshold), ...known], JSON.stringify(envelope))
  },
}

async function signedBytes(text: string, payloadType = PAYLOAD_TYPE): Promise<Envelope> {
  const payload = toUtf8(text)
  const sig = toBase64(await agent.sign(pae(payloadType, payload)))
  return { payloadType, payload: toBase64(payload), signatures: [{ keyid: agent.keyid, sig }] }
}

for (const [name, verifier, skip] of [
  ['Python: securesystemslib and in-toto-attestation', securesystemslib, lackingPython()],
  ['Go: go-securesystemslib and in-toto/attestation', goLibraries, lackingGo()],
] as const)
  describe(name, { skip }, () => {
    before(() => {
      if (verifier === goLibraries) program = buildCheck()
    })

    test('verifies both signatures, and reads what we stated', async () => {
      const { code, stdout, stderr } = await verifier.verify(envelope, [agent.publicKey, approver.publicKey], 2)
      assert.equal(code, 0, stderr)
      const { signed, statement: read } = JSON.parse(stdout) as Verified
      assert.deepEqual(signed.toSorted(), [agent.keyid, approver.keyid].toSorted())
      assert.deepEqual(read.subject, statement.subject)
      assert.equal(read.predicateType, statement.predicateType)
      assert.deepEqual(read.predicate, JSON.parse(JSON.stringify(statement.predicate)))
    })

    test('reads the least statement that there can be', async () => {
      const bare = envelopeOf(least, [await signStatement(least, agent)])
      const { code, stderr } = await verifier.verify(bare, [agent.publicKey])
      assert.equal(code, 0, stderr)
    })

    test('agrees with us on what is refused', async () => {
      const text = Buffer.from(statementBytes(statement)).toString()
      const [first, second] = envelope.signatures as [Envelope['signatures'][number], Envelope['signatures'][number]]
      const otherBytes = { ...envelope, payload: toBase64(toUtf8(text.replace('spring', 'summer'))) }
      const wrong: [what: string, envelope: Envelope, keys: PublicKey[], threshold?: number][] = [
        ['a key of somebody else', envelope, [stranger.publicKey]],
        ['two keys wanted, one trusted', envelope, [agent.publicKey], 2],
        ['other bytes', otherBytes, [agent.publicKey]],
        ['another type', { ...envelope, payloadType: 'application/json' }, [agent.publicKey]],
        ['another type, signed', await signedBytes(text, 'application/json'), [agent.publicKey]],
        [
          'signatures under the ids of each other',
          {
            ...envelope,
            signatures: [
              { ...first, sig: second.sig },
              { ...second, sig: first.sig },
            ],
          },
          [agent.publicKey, approver.publicKey],
        ],
        ['no signature', { ...envelope, signatures: [] }, [agent.publicKey]],
        [
          'a name that is there twice',
          await signedBytes(text.replace('"predicateType"', '"predicateType":"x","predicateType"')),
          [agent.publicKey],
        ],
        ['no JSON', await signedBytes(text.slice(1)), [agent.publicKey]],
        ['no subject', await signedBytes(JSON.stringify({ ...statement, subject: [] })), [agent.publicKey]],
      ]
      for (const [what, given, keys, threshold = 1] of wrong) {
        assert.equal((await verifyEnvelope(given, keys, { threshold })).ok, false, `we: ${what}`)
        const { code, stdout } = await verifier.verify(given, keys, Math.min(threshold, keys.length + 1))
        assert.notEqual(code, 0, `they: ${what}: ${stdout}`)
      }
    })
  })

describe('an envelope that Python signed', { skip: lackingPython() }, () => {
  test('is verified by us, and is byte for byte the one that we sign', async () => {
    const { d } = JSON.parse(agentFile) as { d: string }
    const asked = {
      payload: Buffer.from(statementBytes(statement)).toString(),
      payloadType: PAYLOAD_TYPE,
      keyid: agent.keyid,
      seed: Buffer.from(d, 'base64url').toString('hex'),
    }
    const { code, stdout, stderr } = await run(
      python,
      [join(import.meta.dirname, 'dsse.py'), 'sign'],
      JSON.stringify(asked),
    )
    assert.equal(code, 0, stderr)
    const verdict = await verifyEnvelope(stdout, [agent.publicKey])
    assert.deepEqual(verdict, { ok: true, statement, signed: [agent.keyid], unverified: [] })
    const ours = envelopeOf(statement, [await signStatement(statement, await readAgentKey(agentFile))])
    assert.deepEqual(JSON.parse(stdout), ours)
  })
})

describe('why keys of small order are refused', { skip: lackingGo() }, () => {
  test('a program of others takes a signature under one that nobody made; no file of ours can list it', async () => {
    program = buildCheck()
    const identity = Uint8Array.from([1, ...new Uint8Array(31)])
    const forged = toBase64(Uint8Array.from([...identity, ...new Uint8Array(32)]))
    const nobodys = { ...envelope, signatures: [{ keyid: 'k', sig: forged }] }
    const key = { keyid: 'k', raw: identity } as unknown as PublicKey
    assert.equal((await goLibraries.verify(nobodys, [key])).code, 0)
    assert.throws(() => readPublicKey(toBase64(identity)))
  })
})

describe('the Python package prov', { skip: lackingPython() }, () => {
  const check = join(import.meta.dirname, '..', 'prov', 'check.py')

  test('reads the PROV view of an action with all that can be there', async () => {
    const args = [check, '--entities', '15', '--activities', '7', '--agents', '6']
    const { code, stdout, stderr } = await run(python, args, actionProv(wholeView()))
    assert.equal(code, 0, stdout + stderr)
  })

  test('reads that of an action of which there is next to nothing', async () => {
    const { code, stdout, stderr } = await run(python, [check, '--activities', '2'], actionProv(bareView()))
    assert.equal(code, 0, stdout + stderr)
  })

  test('finds the plan, the revision and the invalidation by their types', async () => {
    const script = `
import sys, prov.model as m
d = m.ProvDocument.deserialize(content=sys.stdin.read(), format="json")
plans = [e for e in d.get_records(m.ProvEntity) if m.PROV["Plan"] in e.get_asserted_types()]
planned = [a for a in d.get_records(m.ProvAssociation) if a.args[2] is not None]
revised = [r for r in d.get_records(m.ProvDerivation) if m.PROV["Revision"] in r.get_asserted_types()]
gone = list(d.get_records(m.ProvInvalidation))
print(len(plans), len(planned), len(revised), len(gone), planned[0].args[2] == plans[0].identifier)`
    const { code, stdout, stderr } = await run(python, ['-c', script], actionProv(wholeView()))
    assert.equal(code, 0, stderr)
    assert.equal(stdout.trim(), '1 1 1 1 True')
  })
})
