import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ActionProposal } from '@whence/sdk'
import type { z } from 'zod'
import { agentForm } from './agent.ts'
import { approvedConfiguration } from './configuration.ts'

const policy = agentForm.parse(
  `
kind: Agent
name: writer
owner: growth
configurations:
  spring:
    models: ['writer-large@7*']
    providers: [models.example]
    prompts: ['subject-line@3']
    actions: [send, edit]
    channels: [email]
    environments: [production]
    campaigns: ['spring-*']
  anything: {}
  grave: { risk: high }
`,
  'writer.yaml',
)
const agent = { policy, version: 4 }
const whole = {
  id: 'a-1',
  type: 'send',
  actor: { type: 'agent', id: 'writer', configuration: 'spring' },
  campaign: 'spring-2026',
  channel: 'email',
  model: { name: 'writer-large', version: '7.1', provider: 'models.example' },
  prompt: { template: 'subject-line', version: '3' },
} satisfies z.input<typeof ActionProposal>

const judged = (changes: Partial<z.input<typeof ActionProposal>>, by: typeof agent | undefined = agent) => {
  const { outcome, findings } = approvedConfiguration(by, ActionProposal.parse({ ...whole, ...changes }))
  return [outcome, ...findings.map(({ code }) => code)]
}

test('what is approved passes, and the verdict names the version that approved it', () => {
  const judgement = approvedConfiguration(agent, ActionProposal.parse(whole))
  assert.deepEqual(judgement, {
    outcome: 'pass',
    findings: [],
    inputs: { agent: 'writer@v4', mode: 'live', configuration: 'spring' },
  })
})

const outside: [code: string, changes: Partial<z.input<typeof ActionProposal>>][] = [
  ['agent.model', { model: { ...whole.model, version: '8' } }],
  ['agent.model', { model: { ...whole.model, name: 'WRITER-large' } }],
  ['agent.model', { model: { provider: 'models.example', name: 'writer-large' } }],
  ['agent.model', { model: { ...whole.model, name: 'writer-lаrge' } }],
  ['agent.model', { model: { ...whole.model, name: 'writer-large\u200b' } }],
  ['agent.provider', { model: { ...whole.model, provider: 'elsewhere.example' } }],
  ['agent.provider', { model: { name: 'writer-large', version: '7' } }],
  ['agent.prompt', { prompt: { template: 'subject-line', version: '4' } }],
  ['agent.prompt', { prompt: { text: 'Write!' } }],
  ['agent.prompt', { prompt: undefined }],
  ['agent.action', { type: 'bid' }],
  ['agent.channel', { channel: 'sms' }],
  ['agent.channel', { channel: undefined }],
  ['agent.environment', { environment: 'staging' }],
  ['agent.campaign', { campaign: 'summer' }],
  ['agent.campaign', { campaign: undefined }],
  ['agent.risk', { risk: 'high' }],
]
for (const [code, changes] of outside)
  test(`outside of what was approved: ${code} ${JSON.stringify(changes)}`, () => {
    assert.deepEqual(judged(changes), ['refuse', code])
  })

test('every deviation is told at once', () => {
  const changes = { model: undefined, channel: 'sms', risk: 'high' as const }
  assert.deepEqual(judged(changes), ['refuse', 'agent.model', 'agent.provider', 'agent.channel', 'agent.risk'])
})

test('a configuration that is not named, or not approved, is refused', () => {
  const under = (configuration?: string) => judged({ actor: { type: 'agent', id: 'writer', configuration } })
  assert.deepEqual(under(), ['refuse', 'agent.configuration'])
  for (const name of ['summer', 'constructor', '__proto__', 'toString', 'Spring'])
    assert.deepEqual(under(name), ['refuse', 'agent.configuration'], name)
  assert.deepEqual(under('anything'), ['pass'])
})

test('a risk is approved by name', () => {
  const actor = { type: 'agent' as const, id: 'writer', configuration: 'grave' }
  assert.deepEqual(judged({ actor, risk: 'high' }), ['pass'])
})

test('an agent whom no file declares is refused; a user or a service needs none', () => {
  const nobody = (type: 'agent' | 'user' | 'service') =>
    approvedConfiguration(undefined, ActionProposal.parse({ ...whole, actor: { type, id: 'nobody' } })).outcome
  assert.deepEqual([nobody('agent'), nobody('user'), nobody('service')], ['refuse', 'pass', 'pass'])
})

test('whoever is declared as something else is refused, and so is a file of somebody else', () => {
  assert.deepEqual(judged({ actor: { type: 'user', id: 'writer' } }), ['refuse', 'agent.type'])
  assert.deepEqual(judged({ actor: { type: 'agent', id: 'other' } }), ['refuse', 'agent.other'])
})

test('a user with a file may act in no configuration, or in an approved one', () => {
  const user = { policy: agentForm.parse('kind: Agent\nname: writer\nowner: o\ntype: user\n', 'f'), version: 1 }
  assert.deepEqual(judged({ actor: { type: 'user', id: 'writer' } }, user), ['pass'])
  assert.deepEqual(judged({ actor: { type: 'user', id: 'writer', configuration: 'x' } }, user), [
    'refuse',
    'agent.configuration',
  ])
})

test('nothing of what a proposal holds is repeated in a verdict', () => {
  const changes = { campaign: 'anna@example.org', channel: 'sms', model: { name: 'anna@example.org' } }
  assert.ok(
    !JSON.stringify(approvedConfiguration(agent, ActionProposal.parse({ ...whole, ...changes }))).includes('anna'),
  )
})
