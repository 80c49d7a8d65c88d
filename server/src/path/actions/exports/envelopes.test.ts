import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAgentKey, signStatement, verifyEnvelope } from '@whence/sdk'
import { actionEnvelopes } from './envelopes.ts'
import { viewEdit, wholeView } from './testing.ts'

const [{ key: agent }, { key: approver }] = await Promise.all([createAgentKey(), createAgentKey()])
const keys = [agent.publicKey, approver.publicKey]

test('an edited action has two envelopes: what the agent signed, and what the approver signed', async () => {
  const { statement } = wholeView()
  const edit = viewEdit(101)
  const versions = actionEnvelopes(
    wholeView({
      signatures: [await signStatement(statement, agent)],
      edits: [{ ...edit, signatures: [await signStatement(edit.statement, approver)] }],
    }),
  )
  const verdicts = await Promise.all(versions.map(({ envelope }) => verifyEnvelope(envelope, keys)))
  assert.deepEqual(
    verdicts.map((verdict, at) => verdict.ok && [versions[at]!.seq, verdict.signed]),
    [
      [100, [agent.keyid]],
      [101, [approver.keyid]],
    ],
  )
})

test('a signature over the output before an edit is none over the output after it', async () => {
  const { statement } = wholeView()
  const edit = { ...viewEdit(101), signatures: [await signStatement(statement, approver)] }
  const [, edited] = actionEnvelopes(wholeView({ edits: [edit] }))
  const verdict = await verifyEnvelope(edited!.envelope, keys)
  assert.ok(!verdict.ok && verdict.code === 'signature')
})

test('agent and approver stand side by side over the same bytes; the last version stands last', async () => {
  const { statement } = wholeView()
  const signatures = [await signStatement(statement, agent), await signStatement(statement, approver)]
  const [only] = actionEnvelopes(wholeView({ signatures, edits: [] }))
  const verdict = await verifyEnvelope(only!.envelope, keys, { threshold: 2 })
  assert.ok(verdict.ok)
  const seqs = actionEnvelopes(wholeView({ edits: [viewEdit(120), viewEdit(101)] })).map(({ seq }) => seq)
  assert.deepEqual(seqs, [100, 101, 120])
})
