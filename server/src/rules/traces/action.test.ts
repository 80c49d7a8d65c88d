import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { suite, test } from 'node:test'
import type { SpanSaid, TraceAction } from '@whence/sdk'
import fc from 'fast-check'
import { actionOf, usageOf, witnessesOf } from './action.ts'
import { factsOf } from './facts.ts'
import type { SpanFacts } from './facts.ts'
import { Family } from './family.ts'
import { keepSpan, maskedTexts } from './keep.ts'
import { isLabel } from './label.ts'
import { personOf } from './person.ts'
import { proposalOf } from './proposal.ts'
import type { OtlpSpan, SpanEvent, Value } from './span.ts'

const keeping = {
  digest: (sha256: string) => `hmac:${hash('sha256', `key ${sha256}`)}`,
  mask: (text: string) => text.replaceAll(/\S+@\S+/g, '[email]'),
}
const digestOf = (text: string) => keeping.digest(hash('sha256', text))

let made = 0
function factsWith(
  attributes: Record<string, Value>,
  over: Partial<OtlpSpan> & { named?: string; under?: string } = {},
): SpanFacts {
  made++
  const { named, under, ...rest } = over
  return factsOf({
    traceId: 'a'.repeat(32),
    spanId: idOf(named ?? `span ${made}`),
    parentId: under === undefined ? undefined : idOf(under),
    kind: 'internal',
    start: 1_700_000_000_000_000 + made,
    end: 1_700_000_001_000_000 + made,
    status: 'unset',
    attributes: new Map(Object.entries(attributes)),
    events: [],
    resource: new Map(),
    lost: 0,
    ...rest,
  })
}
const idOf = (name: string) => hash('sha256', name).slice(0, 16)
const event = (name: string, attributes: Record<string, Value>): SpanEvent => ({
  name,
  attributes: new Map(Object.entries(attributes)),
})
const kept = (...facts: SpanFacts[]): SpanSaid[] => facts.map((each) => keepSpan(each, keeping))
const only = (...facts: SpanFacts[]): TraceAction => {
  const found = witnessesOf(kept(...facts))
  assert.equal(found.length, 1)
  return actionOf(found[0]!)
}

suite('the content of a span', () => {
  const said = [{ role: 'user', parts: [{ type: 'text', content: 'Write to Anna.' }] }]
  const text = digestOf('Write to Anna.')

  test('is the same in all the forms in which instrumentations write it', () => {
    const forms: SpanFacts[] = [
      factsWith({ 'gen_ai.input.messages': JSON.stringify(said) }),
      factsWith({ 'gen_ai.input.messages': said }),
      factsWith({ 'gen_ai.input.messages': [{ role: 'user', content: 'Write to Anna.' }] }),
      factsWith({ 'gen_ai.prompt': 'Write to Anna.' }),
      factsWith({ 'gen_ai.prompt': JSON.stringify([{ role: 'user', content: 'Write to Anna.' }]) }),
      factsWith({ 'gen_ai.prompt.0.role': 'user', 'gen_ai.prompt.0.content': 'Write to Anna.' }),
      factsWith({ 'gen_ai.prompt.0.content': JSON.stringify([{ type: 'text', text: 'Write to Anna.' }]) }),
      factsWith({}, { events: [event('gen_ai.content.prompt', { 'gen_ai.prompt': 'Write to Anna.' })] }),
      factsWith({}, { events: [event('gen_ai.user.message', { content: 'Write to Anna.' })] }),
      factsWith(
        {},
        {
          events: [
            event('gen_ai.client.inference.operation.details', { 'gen_ai.input.messages': JSON.stringify(said) }),
          ],
        },
      ),
    ]
    for (const [i, facts] of forms.entries()) assert.equal(kept(facts)[0]!.contents?.input?.text, text, `form ${i}`)
    const [inText, structured] = kept(forms[0]!, forms[1]!)
    assert.deepEqual(inText!.contents, structured!.contents)
  })

  test('is taken apart: what was answered, what was thought, what was asked for', () => {
    const [span] = kept(
      factsWith({
        'gen_ai.output.messages': [
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', content: 'Boots.' },
              { type: 'text', content: 'Dear Anna' },
              { type: 'tool_call', id: 'call-1', name: 'look_up', arguments: { who: 'Anna' } },
            ],
            finish_reason: 'stop',
          },
        ],
      }),
    )
    assert.equal(span!.contents!.output!.text, digestOf('Dear Anna'))
    assert.equal(span!.contents!.thought!.digest, digestOf('Boots.'))
    assert.deepEqual(span!.calls, [
      {
        id: digestOf('call-1'),
        name: 'look_up',
        arguments: { bytes: 14, digest: digestOf('{"who":"Anna"}') },
      },
    ])
    const old = factsWith(
      {},
      {
        events: [
          event('gen_ai.choice', {
            index: 0,
            finish_reason: 'stop',
            message: JSON.stringify({
              content: 'Dear Anna',
              tool_calls: [
                { id: 'call-1', type: 'function', function: { name: 'look_up', arguments: '{"who":"Anna"}' } },
              ],
            }),
          }),
        ],
      },
    )
    assert.equal(kept(old)[0]!.contents!.output!.text, digestOf('Dear Anna'))
    assert.deepEqual(kept(old)[0]!.calls, span!.calls)
  })

  test('is not what the system was told', () => {
    const [span] = kept(
      factsWith({
        'gen_ai.prompt.0.role': 'system',
        'gen_ai.prompt.0.content': 'Be brief.',
        'gen_ai.prompt.1.role': 'user',
        'gen_ai.prompt.1.content': 'Write to Anna.',
      }),
    )
    assert.equal(span!.contents!.system!.text, digestOf('Be brief.'))
    assert.equal(span!.contents!.input!.text, text)
  })

  test('is masked without a chain of thought, and never cut within what is masked', () => {
    const long = `${'x '.repeat(9995)}anna@example.org ${'y '.repeat(2500)}`
    const masked = maskedTexts(
      factsWith({ 'whence.thought': 'anna@example.org', 'whence.copy.text': long }),
      keeping.mask,
    )
    assert.deepEqual(Object.keys(masked), ['copy.text'])
    assert.ok(masked['copy.text']!.includes('[email]') || !masked['copy.text']!.includes('anna'))
    assert.ok(masked['copy.text']!.length < 20_600)
  })

  test('older names say the same as those of now', () => {
    const now = factsWith(
      {
        'gen_ai.provider.name': 'openai',
        'gen_ai.usage.input_tokens': 7,
        'gen_ai.usage.output_tokens': 8,
        'gen_ai.output.messages': 'Dear Anna',
      },
      { named: 'x', start: 1, end: 2 },
    )
    const before = factsWith(
      {
        'gen_ai.system': 'openai',
        'gen_ai.usage.prompt_tokens': 7,
        'gen_ai.usage.completion_tokens': 8,
        'gen_ai.completion': 'Dear Anna',
      },
      { named: 'x', start: 1, end: 2 },
    )
    assert.deepEqual(kept(before), kept(now))
  })
})

suite('what a trace says of an action', () => {
  const family = () => [
    factsWith(
      {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.name': 'writer',
        'gen_ai.usage.input_tokens': 30,
        'whence.action.id': 'send-1',
        'whence.action.type': 'send',
        'whence.campaign': 'spring',
      },
      { named: 'agent' },
    ),
    factsWith(
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'm',
        'gen_ai.output.messages': 'first',
        'gen_ai.usage.input_tokens': 10,
      },
      { named: 'first', under: 'agent' },
    ),
    factsWith(
      {
        'gen_ai.operation.name': 'chat',
        'gen_ai.request.model': 'm',
        'gen_ai.response.model': 'm-2',
        'gen_ai.output.messages': 'last',
        'gen_ai.usage.input_tokens': 20,
      },
      { named: 'last', under: 'agent' },
    ),
    factsWith({ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 't' }, { named: 'tool', under: 'last' }),
  ]

  test('is what its last call of a model answered, with the tokens of all, each counted once', () => {
    const told = only(...family())
    assert.equal(told.contents!.output!.text, digestOf('last'))
    assert.deepEqual(told.usage, { input: 30 })
    assert.equal(told.tools[0]!.name, 't')
    assert.deepEqual(told.actor, { type: 'agent', id: 'writer' })
  })

  test('does not depend on the order in which spans come', () => {
    const spans = kept(...family())
    const told = witnessesOf(spans).map(actionOf)
    fc.assert(
      fc.property(fc.shuffledSubarray(spans, { minLength: spans.length }), (shuffled) => {
        assert.deepEqual(witnessesOf(shuffled).map(actionOf), told)
      }),
    )
  })

  test('keeps actions of one trace apart, and names the agent above both', () => {
    const spans = kept(
      factsWith({ 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': 'writer' }, { named: 'root' }),
      factsWith({ 'whence.action.id': 'a', 'whence.action.type': 'send' }, { named: 'a', under: 'root' }),
      factsWith({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'one' }, { under: 'a' }),
      factsWith({ 'whence.action.id': 'b', 'whence.action.type': 'bid' }, { named: 'b', under: 'root' }),
      factsWith({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'two' }, { under: 'b' }),
    )
    const told = witnessesOf(spans).map(actionOf)
    assert.deepEqual(
      told.map(({ type, model, actor, spans: own }) => [type, model?.name, actor?.id, own.length]),
      [
        ['send', 'one', 'writer', 2],
        ['bid', 'two', 'writer', 2],
      ],
    )
  })

  test('comes to an end where spans go in circles, or have each other’s ids', () => {
    const spans = kept(
      factsWith({ 'whence.action.id': 'a', 'gen_ai.usage.input_tokens': 1 }, { named: '1', under: '2' }),
      factsWith({ 'whence.action.id': 'b', 'gen_ai.usage.input_tokens': 1 }, { named: '2', under: '1' }),
      factsWith({ 'gen_ai.usage.input_tokens': 1 }, { named: '3', under: '3' }),
      factsWith({ 'gen_ai.usage.input_tokens': 1 }, { named: '3', under: '3' }),
    )
    assert.equal(witnessesOf(spans).map(actionOf).length, 2)
    usageOf(spans)
    const chain = Array.from({ length: 10_000 }, (_, i) =>
      factsWith({ 'whence.action.id': `a${i}` }, { named: `c${i}`, under: `c${i + 1}` }),
    )
    assert.equal(witnessesOf(kept(...chain)).length, 10_000)
    assert.equal(personOf(chain[0]!, new Family(chain)), undefined)
  })

  test('a person is named by the nearest span above', () => {
    const spans = [
      factsWith({ 'whence.entity': 'anna' }, { named: 'top' }),
      factsWith({ 'whence.entity': 'ben', 'whence.subject.type': 'lead' }, { named: 'mid', under: 'top' }),
      factsWith({}, { named: 'low', under: 'mid' }),
      factsWith({}, { named: 'alone' }),
    ]
    const found = spans.map((span) => personOf(span, new Family(spans)))
    const ben = { type: 'lead', entity: 'ben' }
    assert.deepEqual(found, [{ type: 'customer', entity: 'anna' }, ben, ben, undefined])
  })
})

suite('a span that asks to be proposed', () => {
  const propose = (...facts: SpanFacts[]) => {
    const bySaid = new Map(facts.map((each) => [keepSpan(each, keeping), each]))
    const witnesses = witnessesOf([...bySaid.keys()])[0]!
    const raw = (list: readonly SpanSaid[]) => list.map((said) => bySaid.get(said)!)
    return proposalOf({ naming: raw(witnesses.naming), calling: raw(witnesses.calling), acting: raw(witnesses.acting) })
  }
  const asking = {
    'whence.action.id': 'send-1',
    'whence.action.type': 'send',
    'whence.action.propose': true,
    'whence.entity': 'anna',
    'whence.channel': 'email',
    'whence.address': 'anna@example.org',
    'whence.campaign': 'spring',
    'whence.segments': ['boots'],
    'whence.targeting.age_band': '30-39',
    'whence.inputs.snapshots': [3],
    'whence.inputs.predictions': ['p-1'],
    'whence.inputs.features.clicks': 3,
    'whence.prompt.template': 'line',
    'whence.prompt.version': '7',
    'whence.copy.subject': 'Boots, Anna?',
    'whence.consent.receipt': 'r-1',
    'whence.risk': 'high',
    'gen_ai.agent.id': 'writer',
    'gen_ai.agent.version': '3',
  }

  test('becomes a proposal, completed by the calls below it', () => {
    const made = propose(
      factsWith(asking, { named: 'agent' }),
      factsWith(
        {
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': 'openai',
          'gen_ai.request.model': 'm',
          'gen_ai.response.model': 'm-2',
          'gen_ai.request.temperature': 0.2,
          'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: 'Write to Anna.' }] }],
          'gen_ai.system_instructions': [{ type: 'text', content: 'Be brief.' }],
          'gen_ai.output.messages': [
            {
              role: 'assistant',
              parts: [
                { type: 'reasoning', content: 'Boots.' },
                { type: 'text', content: 'Boots, Anna?' },
              ],
            },
          ],
        },
        { under: 'agent' },
      ),
    )
    assert.ok('proposal' in made, JSON.stringify(made))
    const { time, ...proposal } = made.proposal
    assert.match(time!, /^2023-11-14T/)
    assert.deepEqual(proposal, {
      id: 'send-1',
      type: 'send',
      actor: { type: 'agent', id: 'writer', configuration: '3' },
      environment: 'production',
      purpose: 'marketing',
      risk: 'high',
      entity: 'anna',
      channel: 'email',
      address: 'anna@example.org',
      campaign: 'spring',
      segments: ['boots'],
      targeting: { age_band: '30-39' },
      model: { name: 'm', version: 'm-2', provider: 'openai', configuration: { temperature: 0.2 } },
      prompt: { template: 'line', version: '7', text: 'Write to Anna.', system: 'Be brief.', keep: 'digest' },
      thought: 'Boots.',
      inputs: { snapshots: [3], predictions: ['p-1'], features: { clicks: 3 } },
      output: { copy: [{ part: 'subject', text: 'Boots, Anna?' }] },
      consent: { receipt: 'r-1' },
    })
  })

  test('says where it is none, and quotes nothing', () => {
    for (const [over, place] of [
      [{ 'whence.action.type': 'destroy anna@example.org' }, undefined],
      [{ 'whence.channel': 'E mail anna@example.org' }, /\/channel/],
      [{ 'gen_ai.agent.id': 'an agent of anna@example.org' }, /\/actor\/id/],
      [{ 'whence.risk': 'anna@example.org' }, /\/risk/],
      [{ 'whence.not_before': 'anna@example.org' }, /\/notBefore/],
    ] as const) {
      const facts = factsWith({ ...asking, ...over })
      if (place === undefined) {
        assert.equal(kept(facts)[0]!.action!.propose, undefined)
        continue
      }
      const made = propose(facts)
      assert.ok('refused' in made)
      assert.match(made.refused, place)
      assert.doesNotMatch(made.refused, /anna/)
    }
  })
})

test('a name stays; what a person is reached by does not', () => {
  const mask = (text: string) => text
  for (const name of [
    'gpt-4o-2024-08-06',
    'some-model-large-20241118',
    'meta-llama/Llama-3.1-70B-Instruct',
    'ft:gpt-4o-mini:acme::9xyz',
    'subject-line',
    'Frühlingsangebot / B',
    '3f2504e0-4f89-41d3-9a0c-0305e82c3301',
    '2026.11.22',
  ])
    assert.ok(isLabel(name, mask), name)
  for (const text of [
    'anna@example.org',
    '+1 415 555 2671',
    '0301234567',
    '(030) 12 34 56 78',
    '4111-1111-1111-1111',
    'line\nbreak',
    'right\u202eleft',
    '{"a":1}',
    '',
    'x'.repeat(201),
  ])
    assert.ok(!isLabel(text, mask), text)
})
