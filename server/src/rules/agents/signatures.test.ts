import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActionProposal, createAgentKey, formatPublicKey, signProposal, signStatement, statementOf } from '@whence/sdk'
import type { AgentKey } from '@whence/sdk'
import { isFault } from '../../fault.ts'
import { agentForm } from './agent.ts'
import type { AgentInForce } from './agent.ts'
import { signatureVerdict, verifySignatures } from './signatures.ts'

const [{ key }, { key: next }, { key: strange }] = await Promise.all([
  createAgentKey(),
  createAgentKey(),
  createAgentKey(),
])
const inForce = (name: string, keys: AgentKey[], more = ''): AgentInForce => ({
  policy: agentForm.parse(
    `kind: Agent\nname: ${name}\nowner: o\nconfigurations: { any: {} }\n${more}` +
      `keys: [${keys.map(({ publicKey }) => formatPublicKey(publicKey)).join(', ')}]\n`,
    `${name}.yaml`,
  ),
  version: 1,
})
const agent = inForce('writer', [key])
const proposal = ActionProposal.parse({
  id: 'a-1',
  type: 'send',
  actor: { type: 'agent', id: 'writer', configuration: 'any' },
  entity: 'c-1',
  output: { copy: [{ part: 'subject', text: 'Hello' }] },
})
const signed = await signProposal(proposal, key)

const said = async (given: ActionProposal, by: AgentInForce | undefined = agent) => {
  const verified = await verifySignatures(given, by)
  const { outcome, findings } = signatureVerdict(by, verified)
  return [verified.state, outcome, ...findings.map(({ code }) => code)]
}

test('a proposal that its agent signed is signed, and the verdict says by which key over what', async () => {
  const verified = await verifySignatures(signed, agent)
  assert.equal(verified.state, 'signed')
  assert.deepEqual(signatureVerdict(agent, verified), {
    outcome: 'pass',
    findings: [],
    inputs: { state: 'signed', statement: verified.digest, agent: 'writer@v1', keys: [key.keyid] },
  })
  assert.deepEqual(verified.statement, statementOf(proposal))
})

test('an unsigned one is refused where its agent has keys, and passes where it has none or may', async () => {
  assert.deepEqual(await said(proposal), ['unsigned', 'refuse', 'signature.missing'])
  assert.deepEqual(await said({ ...proposal, signatures: [] }), ['unsigned', 'refuse', 'signature.missing'])
  assert.deepEqual(await said(proposal, inForce('writer', [key], 'unsigned: allowed\n')), ['unsigned', 'pass'])
  assert.deepEqual(await said(proposal, inForce('writer', [])), ['unsigned', 'pass'])
  const { outcome } = signatureVerdict(undefined, await verifySignatures(proposal, undefined))
  assert.equal(outcome, 'pass')
})

const forged = ['forged', 'refuse', 'signature.forged']

test('a signature over another output, person, campaign or id is forged', async () => {
  const changes: Partial<ActionProposal>[] = [
    { id: 'a-2' },
    { entity: 'c-2' },
    { campaign: 'x' },
    { output: { copy: [{ part: 'subject', text: 'Hello!' }] } },
    { risk: 'high' },
  ]
  for (const change of changes) assert.deepEqual(await said({ ...signed, ...change }), forged, JSON.stringify(change))
})

test('a key of another agent is forged, whatever it calls itself', async () => {
  const theirs = await signStatement(statementOf(proposal), strange)
  assert.deepEqual(await said({ ...proposal, signatures: [theirs] }), forged)
  assert.deepEqual(await said({ ...proposal, signatures: [{ ...theirs, keyid: key.keyid }] }), forged)
  assert.deepEqual(await said({ ...proposal, signatures: [{ ...theirs, keyid: '' }] }), forged)
  assert.deepEqual(await said(signed, inForce('other', [key])), forged, 'the keys of another file do not count')
})

test('one forged signature beside a good one is enough', async () => {
  const [good] = signed.signatures
  const bad = { ...good!, sig: good!.sig.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }
  assert.deepEqual(await said({ ...proposal, signatures: [good!, bad] }), forged)
  assert.deepEqual(await said({ ...proposal, signatures: [good!, { keyid: '\u202e', sig: 'é'.repeat(200) }] }), forged)
})

test('a signature of somebody without a file can be held against nothing: forged', async () => {
  const { outcome } = signatureVerdict(undefined, await verifySignatures(signed, undefined))
  assert.equal(outcome, 'refuse')
})

test('keys change: what was signed before stays so by the file of then, and is not by the file of now', async () => {
  const overlapping = inForce('writer', [key, next])
  const after = inForce('writer', [next])
  const later = await signProposal(proposal, next)
  assert.deepEqual((await said(signed, overlapping))[0], 'signed')
  assert.deepEqual((await said(later, overlapping))[0], 'signed')
  assert.deepEqual(await said(signed, after), forged)
  assert.deepEqual((await said(signed, agent))[0], 'signed')
})

test('a megabyte of copy, a thousand references and right-to-left text are signed like anything else', async () => {
  const huge = ActionProposal.parse({
    ...proposal,
    id: '\u202ea\u200b',
    output: { copy: [{ part: 'text', text: '\u202e<b>é</b>'.repeat(90_000) }] },
    inputs: { refs: Array.from({ length: 1000 }, (_, n) => `r-${n}`) },
  })
  assert.deepEqual((await said(await signProposal(huge, key)))[0], 'signed')
})

test('what has no canonical form is refused as invalid', async () => {
  const broken = { ...signed, campaign: '\ud800' }
  await assert.rejects(verifySignatures(broken, agent), (error) => isFault(error, 'invalid'))
})
