import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gateChainForm } from '../chain.ts'
import { codes, verdictsOf } from '../testing.ts'
import type { FactsGiven } from '../testing.ts'
import { localTime } from './local-time.ts'

const policies = `
      permit(principal, action, resource);
      @id("quiet") @reason("not at night")
      forbid(principal, action == Action::"send", resource) when { context.hour >= 21 || context.hour < 8 };
      @id("cap")
      forbid(principal, action, resource) when { context.sends.day >= 2 };
      @id("sunday")
      forbid(principal is Agent, action, resource == Campaign::"loud") when { context.weekday == 7 };
      @id("left-alone")
      forbid(principal, action, resource) when { context.segments.contains("left-alone") };
      @id("big")
      forbid(principal, action, resource) when { context.labels has discount && context.labels.discount > 50 };
      @id("price")
      forbid(principal, action, resource)
        when { context.labels has price && context.labels.price.lessThan(decimal("0.01")) };`

const gate = (more = '', text = policies) =>
  `  - name: g\n    kind: cedar\n    sends: { day: 24h }\n    labels: { discount: long, price: decimal }\n${more}    policies: |${text}`

async function said(given: FactsGiven = {}, more = '', text = policies) {
  const { g } = await verdictsOf(gate(more, text), given)
  return {
    outcome: g!.outcome,
    codes: codes(g),
    inputs: g!.inputs,
    messages: g!.findings.map(({ message }) => message),
  }
}

const at = (hour: number, day = 6): number => Date.UTC(2026, 2, day, hour) * 1000

test('what a policy permits passes, and the policies that decided are named', async () => {
  const { outcome, inputs } = await said()
  assert.equal(outcome, 'pass')
  assert.deepEqual(inputs, {
    timeZone: 'UTC',
    hour: 12,
    minute: 0,
    weekday: 5,
    date: '2026-03-06',
    sends: { day: 0 },
    decision: 'allow',
    policies: ['policy0'],
  })
})

test('quiet hours hold where the person is', async () => {
  const night = await said({ at: at(22) })
  assert.deepEqual([night.outcome, night.codes, night.messages], ['refuse', ['cedar.quiet'], ['not at night']])
  assert.equal((await said({ at: at(22) }, '    timeZone: America/New_York\n')).outcome, 'pass')
  const zoned = '    timeZoneFrom: zone\n'
  assert.equal((await said({ at: at(12), proposal: { targeting: { zone: 'Asia/Tokyo' } } }, zoned)).outcome, 'refuse')
  assert.equal((await said({ at: at(12), proposal: { targeting: {} } }, zoned)).outcome, 'pass')
  for (const zone of ['Nowhere/Town', 7, '', 'x'.repeat(10_000)]) {
    const { outcome, codes: found } = await said({ proposal: { targeting: { zone } } }, zoned)
    assert.deepEqual([outcome, found], ['refuse', ['cedar.time_zone']], String(zone).slice(0, 20))
  }
})

test('clocks change: an hour that happens twice and one that never does', () => {
  const berlin = (iso: string) => localTime(Date.parse(iso) * 1000, 'Europe/Berlin')!.hour
  assert.deepEqual(['2026-03-29T00:59:00Z', '2026-03-29T01:00:00Z'].map(berlin), [1, 3])
  assert.deepEqual(['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z'].map(berlin), [2, 2])
  assert.equal(localTime(Date.UTC(2026, 0, 1, 0) * 1000, 'UTC')!.hour, 0)
})

test('sends are counted within the window that the file names', async () => {
  const windows: number[] = []
  const sends = (window: number): number => windows.push(window) + 1
  assert.deepEqual((await said({ sends })).codes, ['cedar.cap'])
  assert.deepEqual(windows, [86_400e6])
})

test('principal, resource, weekday, segments and labels decide', async () => {
  const sunday = { at: at(12, 8), proposal: { campaign: 'loud' } }
  assert.deepEqual((await said(sunday)).codes, ['cedar.sunday'])
  assert.equal(
    (await said({ ...sunday, proposal: { ...sunday.proposal, actor: { type: 'user', id: 'u' } } })).outcome,
    'pass',
  )
  assert.deepEqual((await said({ proposal: { segments: ['left-alone'] } })).codes, ['cedar.left-alone'])
  assert.deepEqual((await said({ proposal: { output: { value: { discount: 60 } } } })).codes, ['cedar.big'])
  assert.deepEqual((await said({ proposal: { targeting: { price: 0.001 } } })).codes, ['cedar.price'])
  assert.equal(
    (await said({ proposal: { targeting: { discount: 'a lot' } } })).outcome,
    'pass',
    'another type is absent',
  )
})

test('several policies that forbid are all named', async () => {
  const { codes: found } = await said({ at: at(23), sends: () => 5 })
  assert.deepEqual(found.toSorted(), ['cedar.cap', 'cedar.quiet'])
})

test('what nothing permits is refused', async () => {
  const only = `\n      permit(principal == Agent::"somebody-else", action, resource);`
  assert.deepEqual((await said({}, '', only)).codes, ['cedar.not_permitted'])
})

test('a policy that cannot be evaluated is not passed over', async () => {
  const overflow = `\n      permit(principal, action, resource);\n      @id("sum") forbid(principal, action, resource) when { context.labels has discount && context.labels.discount + 9223372036854775807 > 0 };`
  const { outcome, codes: found } = await said({ proposal: { targeting: { discount: 5 } } }, '', overflow)
  assert.deepEqual([outcome, found], ['refuse', ['cedar.error']])
})

test('names that are no text, or try to be policies, decide nothing', async () => {
  for (const name of ['\ud800', '"}; permit(principal, action, resource);', '\u0000', 'x'.repeat(200), '__proto__']) {
    const { outcome } = await said({
      sends: () => 9,
      proposal: { campaign: name, segments: [name], targeting: { [name]: name } },
    })
    assert.equal(outcome, 'refuse', JSON.stringify(name))
  }
})

test('policies that are too much for Cedar spoil none after them, nor those that are in force', async () => {
  const file = (text: string) => `kind: GateChain\nname: x\ngates:\n${gate('', `\n      ${text}`)}\n`
  const when = (condition: string) => `permit(principal, action, resource) when { ${condition} };`
  assert.equal((await said()).outcome, 'pass')
  for (const text of [
    when(`${'('.repeat(2000)}true${')'.repeat(2000)}`),
    when(`${'if true then '.repeat(2000)}true${' else true'.repeat(2000)}`),
    when(`${'true || '.repeat(20_000)}true`),
    'permit(principal, action, resource);'.repeat(400),
  ]) {
    assert.throws(() => gateChainForm.parse(file(text), 'x.yaml'), { code: 'invalid' })
    assert.equal((await said()).outcome, 'pass')
    assert.equal((await said({ at: at(22) })).outcome, 'refuse')
  }
})

for (const [what, text, message] of [
  ['no Cedar', 'permit everything', /are not Cedar/],
  ['a word that nobody tells', 'permit(principal, action, resource) when { context.hourr < 8 };', /hourr/],
  [
    'a label that is not declared',
    'permit(principal, action, resource) when { context.labels.x == 1 };',
    /declared beside/,
  ],
  ['a window that is not declared', 'permit(principal, action, resource) when { context.sends.month > 1 };', /month/],
  [
    'a label that may be absent',
    'permit(principal, action, resource) when { context.labels.discount > 1 };',
    /discount/,
  ],
  [
    'two policies of one name',
    '@id("a") permit(principal, action, resource); @id("a") permit(principal, action, resource);',
    /two policies a/,
  ],
  ['a template', 'permit(principal == ?principal, action, resource);', /template/],
  ['nothing', '// nothing', /hold no policy/],
] as const) {
  test(`policies with ${what} are refused when the file is read`, () => {
    const file = `kind: GateChain\nname: x\ngates:\n${gate('', `\n      ${text}`)}\n`
    assert.throws(
      () => gateChainForm.parse(file, 'x.yaml'),
      (error: { code: string; message: string }) => {
        assert.equal(error.code, 'invalid')
        assert.match(error.message, /^x.yaml line 8: gates.0.policies: /)
        assert.match(error.message, message)
        return true
      },
    )
  })
}
