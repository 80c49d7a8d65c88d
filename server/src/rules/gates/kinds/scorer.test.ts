import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AskScorer, ScorerCall, ScorerReply } from '../gate.ts'
import { codes, verdictsOf } from '../testing.ts'

const base = 'kind: scorer, url: "http://scorer.example/", scorer: toxicity, version: "2", threshold: 0.7'

async function said(reply: ScorerReply | AskScorer, gate = base, copy: Record<string, string> = { text: 'hello' }) {
  const ask: AskScorer = typeof reply === 'function' ? reply : async () => reply
  return (await verdictsOf(`  - { name: g, ${gate} }`, { copy }, { ask }))['g']!
}
const answer = (value: unknown): ScorerReply => ({ status: 200, body: JSON.stringify(value) })

test('a score counts from its threshold on, or below it', async () => {
  assert.equal((await said(answer({ score: 0.69 }))).outcome, 'pass')
  const verdict = await said(answer({ score: 0.7, version: '2' }))
  assert.deepEqual([verdict.outcome, codes(verdict)], ['hold', ['scorer.score']])
  assert.deepEqual(verdict.inputs['scores'], { text: 0.7 })
  assert.equal((await said(answer({ score: 0.2 }), `${base}, finding: below, finds: refuse`)).outcome, 'refuse')
})

test('a scorer that does not answer, lies or answers rubbish is as good as none: closed', async () => {
  const rubbish: ScorerReply[] = [
    { failure: 'timeout', reason: 'nothing within 2000 ms' },
    { failure: 'redirect', reason: 'it redirects' },
    { status: 500, body: '{"score":0}' },
    { status: 204, body: '' },
    { status: 200, body: 'score: 0' },
    { status: 200, body: '{"score":0' },
    answer({ score: '0' }),
    answer({ score: null }),
    answer({}),
    answer([]),
    answer(null),
    { status: 200, body: '{"score":1e999}' },
    { status: 200, body: '{"score":NaN}' },
    answer({ score: 0, version: '3' }),
  ]
  for (const reply of rubbish) {
    const verdict = await said(reply)
    assert.deepEqual([verdict.outcome, codes(verdict)], ['hold', ['scorer.unanswered']], JSON.stringify(reply))
    assert.equal((await said(reply, `${base}, unanswered: pass`)).outcome, 'pass')
  }
  const thrown = await said(async () => {
    throw new Error('broken')
  })
  assert.deepEqual([thrown.outcome, codes(thrown)], ['hold', ['gate.failed']])
})

test('what no answer means stands in the gate', async () => {
  const none: ScorerReply = { failure: 'unreachable', reason: 'it cannot be reached' }
  assert.equal((await said(none, `${base}, unanswered: refuse, finds: hold`)).outcome, 'refuse')
  assert.equal((await said(none, `${base}, unanswered: hold, finds: refuse`)).outcome, 'hold')
  assert.equal((await said(answer({ score: 1 }), `${base}, unanswered: refuse, finds: hold`)).outcome, 'hold')
})

test('each part is asked for by itself, as a person sees it', async () => {
  const calls: ScorerCall[] = []
  const ask: AskScorer = async (call) => {
    calls.push(call)
    return answer({ score: 0 })
  }
  await said(ask, `${base}, timeout: 500s`.replace('500s', '5s'), {
    subject: 'Hi',
    html: '<p>a &amp; b<i hidden>c</i></p>',
  })
  assert.deepEqual(
    calls.map(({ body, timeoutMs }) => [JSON.parse(body).text.trim(), timeoutMs]),
    [
      ['Hi', 5000],
      ['a & b', 5000],
    ],
  )
})

test('Presidio: entities at their places, which it counts in code points', async () => {
  const gate = `${base}, shape: presidio, entities: [PERSON]`
  const html = '<p>👍 Dear <b>Ana</b> Example</p>'
  let sent: { text: string; entities: string[] } | undefined
  const ask: AskScorer = async ({ body }) => {
    sent = JSON.parse(body)
    const start = Array.from(sent!.text).indexOf('A')
    return answer([
      { entity_type: 'PERSON', start, end: start + 11, score: 0.85, analysis_explanation: null },
      { entity_type: 'PERSON', start: 0, end: 1, score: 0.3 },
      { entity_type: 'PERSON', start: 5, end: 99_999, score: 0.9 },
    ])
  }
  const { findings, inputs } = await said(ask, gate, { html })
  assert.deepEqual(sent!.entities, ['PERSON'])
  assert.deepEqual(
    findings.map(({ code, start, end }) => [code, start === undefined ? undefined : html.slice(start, end)]),
    [
      ['scorer.entity', undefined],
      ['scorer.entity', 'Ana</b> Example'],
    ],
  )
  assert.deepEqual(inputs['scores'], { html: 0.9 })
  for (const rubbish of [
    answer({}),
    answer([{ entity_type: 'X', start: -1, end: 2, score: 1 }]),
    answer([{ score: 2 }]),
  ])
    assert.deepEqual(codes(await said(rubbish, gate)), ['scorer.unanswered'])
})

test('nobody else is asked once something is refused', async () => {
  let asked = 0
  const ask: AskScorer = async () => {
    asked++
    return answer({ score: 0 })
  }
  const gates = `  - { name: mail, kind: pii, finds: refuse }\n  - { name: g, ${base} }`
  const verdicts = await verdictsOf(gates, { copy: { text: 'ana@example.org' } }, { ask })
  assert.deepEqual([Object.keys(verdicts), asked], [['consent', 'mail'], 0])
  await verdictsOf(
    gates.replace('finds: refuse', 'finds: refuse, shadow: true'),
    { copy: { text: 'ana@example.org' } },
    { ask },
  )
  assert.equal(asked, 1, 'a refusal in shadow refuses nothing')
})

test('a scorer with a token is asked by the name of its variable; without the secret the gate stays closed', async () => {
  const calls: ScorerCall[] = []
  const own = `${base.replace('http:', 'https:')}, credentials: { token: WHENCE_SCORER_TONE }`
  await said(async (call) => (calls.push(call), { status: 200, body: '{"score":0}' }), own)
  assert.deepEqual(
    calls.map(({ token }) => token),
    ['WHENCE_SCORER_TONE'],
  )
  const none: ScorerReply = { failure: 'no_secret', reason: 'WHENCE_SCORER_TONE is not set' }
  for (const unanswered of ['hold', 'pass', 'refuse']) {
    const verdict = await said(none, `${own}, unanswered: ${unanswered}`)
    assert.equal(verdict.outcome, unanswered === 'refuse' ? 'refuse' : 'hold', unanswered)
    assert.match(verdict.findings[0]!.message, /WHENCE_SCORER_TONE is not set/)
  }
  const refused = await said({ status: 401, body: '' }, own)
  assert.match(refused.findings[0]!.message, /401: it does not take the credentials/)
})

test('credentials are named and not written, of scorers only, and not shown to others on the way', async () => {
  const wrong: [string, RegExp][] = [
    ['credentials: { token: s3cret }', /begins with WHENCE_SCORER_, not the secret itself/],
    ['credentials: { token: WHENCE_CONNECTOR_MAIL }', /begins with WHENCE_SCORER_/],
    ['credentials: { token: WHENCE_SCORER_A, user: WHENCE_SCORER_B }', /user/],
    ['credentials: { token: WHENCE_SCORER_A }', /would show the credentials to others/],
  ]
  for (const [more, says] of wrong) await assert.rejects(said(answer({ score: 0 }), `${base}, ${more}`), says)
  const at = (url: string, more = '') =>
    said(
      answer({ score: 0 }),
      `${base.replace('http://scorer.example/', url)}, credentials: { token: WHENCE_SCORER_A }${more}`,
    )
  assert.equal((await at('https://scorer.example/')).outcome, 'pass')
  assert.equal((await at('http://127.0.0.1:8080/')).outcome, 'pass')
  assert.equal((await at('http://scorer.example/', ', plaintext: allowed')).outcome, 'pass')
  await assert.rejects(at('https://user:pass@scorer.example/'), /holds a secret/)
})
