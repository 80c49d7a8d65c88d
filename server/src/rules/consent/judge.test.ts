import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ConsentState } from '@whence/sdk'
import { judge, permits } from './judge.ts'
import type { ConsentSaid, History } from './judge.ts'
import { purposesForm, statedPurposes, withoutPolicy } from './purposes.ts'
import type { StatedPurpose } from './purposes.ts'
import type { ConsentQuestion } from './verdict.ts'

const stated = (yaml: string): readonly StatedPurpose[] =>
  statedPurposes([{ policy: purposesForm.parse(`kind: Purposes\nname: ours\n${yaml}`, 'purposes.yaml'), version: 3 }])

const purposes = stated(`
notices:
  - { version: '1', language: en, text: 'We send you offers.' }
  - { version: '2', language: en, text: 'We send you offers, at most one a week.' }
purposes:
  - name: newsletter
    marketing: true
    grounds:
      - { basis: consent, notices: ['2'], lasts: 365d }
      - { basis: soft_opt_in, channels: [email], jurisdictions: [GB] }
  - { name: invoices, grounds: [{ basis: contract }] }
  - { name: recalls, channels: [email, post], grounds: [{ basis: legal_obligation }] }
  - name: advice
    marketing: true
    profiling: true
    grounds: [{ basis: legitimate_interest, assessment: see the register }]
`)

const DAY = 86_400_000_000
const asked = (purpose: string, more: Partial<ConsentQuestion> = {}): ConsentQuestion => ({
  subject: 'x',
  purpose,
  at: 1000 * DAY,
  ...more,
})
const says = (seq: number, day: number, more: Partial<ConsentSaid> = {}): ConsentSaid => ({
  seq,
  time: day * DAY,
  purpose: 'newsletter',
  state: 'given',
  basis: 'consent',
  notice: '2',
  ...more,
})
const history = (consents: readonly ConsentSaid[], objections: History['objections'] = []): History => ({
  consents,
  objections,
})
const marketing = { purpose: 'marketing', withdrawn: false } as const
const ruled = (question: ConsentQuestion, said: History, policies = purposes): string => {
  const { allowed, code } = judge(question, policies, said)
  return `${allowed ? 'yes' : 'no'}: ${code}`
}

test('only given and renewed permit; every other state denies, and so does silence', () => {
  assert.equal(ruled(asked('newsletter'), history([])), 'no: unknown')
  for (const state of ConsentState.options) {
    const { allowed } = judge(asked('newsletter'), purposes, history([says(1, 900, { state })]))
    assert.equal(allowed, state === 'given' || state === 'renewed', state)
  }
})

test('a purpose that no policy states denies; without a policy there is marketing, and it needs consent', () => {
  assert.equal(ruled(asked('lottery'), history([says(1, 900, { purpose: 'lottery' })])), 'no: purpose')
  const given = history([says(1, 900, { purpose: 'marketing' })])
  assert.equal(ruled(asked('marketing'), given, withoutPolicy), 'yes: given')
  assert.equal(ruled(asked('marketing'), history([]), withoutPolicy), 'no: unknown')
  assert.equal(ruled(asked('newsletter'), history([says(1, 900)]), withoutPolicy), 'no: purpose')
  assert.equal(ruled(asked('marketing'), given, []), 'no: purpose')
})

test('a purpose that two policies state denies', () => {
  assert.equal(ruled(asked('invoices'), history([]), [...purposes, ...purposes]), 'no: purpose')
})

test('a service notice is no marketing: an objection to marketing leaves it', () => {
  const objected = history([], [{ ...marketing, seq: 1, time: 900 * DAY }])
  assert.equal(ruled(asked('invoices'), objected), 'yes: basis')
  assert.equal(ruled(asked('recalls', { channel: 'post' }), objected), 'yes: basis')
  assert.equal(ruled(asked('recalls', { channel: 'sms' }), objected), 'no: purpose')
  assert.equal(ruled(asked('advice'), objected), 'no: objected')
  assert.equal(ruled(asked('advice'), history([])), 'yes: basis')
  const profiling = history([], [{ seq: 1, time: 900 * DAY, purpose: 'profiling', withdrawn: false }])
  assert.equal(ruled(asked('advice'), profiling), 'no: objected')
})

test('whoever refuses a purpose ends an interest in it, and no contract', () => {
  const refused = (purpose: string): History => history([says(1, 900, { purpose, state: 'refused' })])
  assert.equal(ruled(asked('advice'), refused('advice')), 'no: refused')
  assert.equal(ruled(asked('invoices'), refused('invoices')), 'yes: basis')
})

test('a grant overrides what denied only where it is later on both clocks', () => {
  const withdrawn = { state: 'withdrawn' } as const
  assert.equal(ruled(asked('newsletter'), history([says(1, 900), says(2, 910, withdrawn)])), 'no: withdrawn')
  assert.equal(ruled(asked('newsletter'), history([says(1, 900, withdrawn), says(2, 910)])), 'yes: given')
  // Given before, and recorded after.
  assert.equal(ruled(asked('newsletter'), history([says(1, 910, withdrawn), says(2, 900)])), 'no: withdrawn')
  // Withdrawn before, and recorded after.
  assert.equal(ruled(asked('newsletter'), history([says(1, 910), says(2, 900, withdrawn)])), 'no: withdrawn')
  assert.equal(ruled(asked('newsletter'), history([says(1, 900, withdrawn), says(2, 900)])), 'no: withdrawn')
  const objection = { ...marketing, seq: 5, time: 905 * DAY }
  assert.equal(ruled(asked('newsletter'), history([says(1, 900)], [objection])), 'no: objected')
  assert.equal(ruled(asked('newsletter'), history([says(6, 910)], [objection])), 'yes: given')
  assert.equal(ruled(asked('newsletter'), history([says(4, 910)], [objection])), 'no: objected')
  const back = { ...marketing, seq: 6, time: 906 * DAY, withdrawn: true }
  assert.equal(ruled(asked('newsletter'), history([says(1, 900)], [objection, back])), 'yes: given')
})

test('what was said later than the time asked about is not known yet', () => {
  const said = history([says(1, 900), says(2, 910, { state: 'withdrawn' })])
  assert.equal(ruled(asked('newsletter', { at: 905 * DAY }), said), 'yes: given')
  assert.equal(ruled(asked('newsletter', { at: 899 * DAY }), said), 'no: unknown')
})

test('a channel is its own; asked about none, all are meant', () => {
  const email = history([says(1, 900, { channel: 'email' })])
  assert.equal(ruled(asked('newsletter', { channel: 'email' }), email), 'yes: given')
  assert.equal(ruled(asked('newsletter', { channel: 'sms' }), email), 'no: unknown')
  assert.equal(ruled(asked('newsletter'), email), 'no: unknown')
  const all = history([says(1, 900), says(2, 910, { channel: 'sms', state: 'withdrawn' })])
  assert.equal(ruled(asked('newsletter', { channel: 'email' }), all), 'yes: given')
  assert.equal(ruled(asked('newsletter', { channel: 'sms' }), all), 'no: withdrawn')
  assert.equal(ruled(asked('newsletter'), all), 'no: withdrawn')
  const objected = history([says(1, 900)], [{ ...marketing, seq: 2, time: 910 * DAY, channel: 'sms' }])
  assert.equal(ruled(asked('newsletter', { channel: 'email' }), objected), 'yes: given')
  assert.equal(ruled(asked('newsletter', { channel: 'sms' }), objected), 'no: objected')
  assert.equal(ruled(asked('newsletter'), objected), 'no: objected')
})

test('a receipt counts for its time, its notice and its place', () => {
  assert.equal(ruled(asked('newsletter'), history([says(1, 900, { until: 950 * DAY })])), 'no: expired')
  assert.equal(ruled(asked('newsletter'), history([says(1, 900, { until: 1001 * DAY })])), 'yes: given')
  assert.equal(ruled(asked('newsletter'), history([says(1, 500)])), 'no: expired')
  assert.equal(ruled(asked('newsletter'), history([says(1, 900, { notice: '1' })])), 'no: notice')
  assert.equal(ruled(asked('newsletter'), history([says(1, 900, { notice: undefined })])), 'no: notice')
  const german = history([says(1, 900, { jurisdiction: 'DE' })])
  assert.equal(ruled(asked('newsletter', { jurisdiction: 'DE-BY' }), german), 'yes: given')
  assert.equal(ruled(asked('newsletter', { jurisdiction: 'FR' }), german), 'no: jurisdiction')
  const both = history([says(1, 900, { jurisdiction: 'FR' }), says(2, 910, { jurisdiction: 'DE' })])
  assert.equal(ruled(asked('newsletter', { jurisdiction: 'FR' }), both), 'yes: given')
})

test('a soft opt-in needs a receipt of its own, in its place and on its channel', () => {
  const soft = history([says(1, 900, { basis: 'soft_opt_in', jurisdiction: 'GB' })])
  assert.equal(ruled(asked('newsletter', { channel: 'email' }), soft), 'yes: basis')
  assert.equal(ruled(asked('newsletter', { channel: 'sms' }), soft), 'no: unknown')
  assert.equal(ruled(asked('newsletter', { channel: 'email', jurisdiction: 'US' }), soft), 'no: jurisdiction')
  const nowhere = history([says(1, 900, { basis: 'soft_opt_in' })])
  assert.equal(ruled(asked('newsletter', { channel: 'email' }), nowhere), 'no: jurisdiction')
})

/** Numbers from a seed: a failure can be repeated. */
function dice(seed: number): (sides: number) => number {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

test('nothing is allowed by consent without a grant later than whatever covers it: 40,000 random histories', () => {
  const channels = [undefined, 'email', 'sms']
  let yes = 0
  for (let seed = 1; seed <= 40_000; seed++) {
    const roll = dice(seed)
    const consents: ConsentSaid[] = []
    const objections: History['objections'][number][] = []
    for (let seq = 1 + roll(2); seq <= 6; seq += 1 + roll(2)) {
      const time = (950 + roll(5)) * DAY
      const channel = channels[roll(3)]
      if (roll(4) === 0)
        objections.push({ seq, time, channel, purpose: roll(2) ? 'marketing' : 'profiling', withdrawn: roll(3) === 0 })
      else consents.push(says(seq, 0, { time, channel, state: ConsentState.options[roll(2) ? 4 : roll(10)]! }))
    }
    const question = asked('newsletter', { channel: channels[roll(3)], at: (952 + roll(4)) * DAY })
    const { allowed, grant } = judge(question, purposes, { consents, objections })
    if (!allowed) continue
    yes++
    // Said again from the words of the rule, without any of its code.
    const meant = (channel: string | undefined): boolean =>
      channel === undefined || question.channel === undefined || channel === question.channel
    const fits = grant!.channel === undefined || grant!.channel === question.channel
    assert.ok(permits(grant!.state) && grant!.time <= question.at && fits, `seed ${seed}: the grant is none`)
    for (const said of consents)
      if (!permits(said.state) && said.time <= question.at && meant(said.channel))
        assert.ok(grant!.seq > said.seq && grant!.time > said.time, `seed ${seed}: record ${said.seq} denies`)
    for (const said of objections) {
      if (said.withdrawn || said.purpose !== 'marketing' || said.time > question.at || !meant(said.channel)) continue
      const back = objections.some(
        (other) =>
          other.withdrawn &&
          other.purpose === 'marketing' &&
          other.time <= question.at &&
          other.seq > said.seq &&
          other.time >= said.time &&
          (other.channel === undefined || other.channel === said.channel),
      )
      assert.ok(back || (grant!.seq > said.seq && grant!.time > said.time), `seed ${seed}: record ${said.seq} objects`)
    }
  }
  assert.ok(yes > 2_000, `only ${yes} were allowed: the histories try too little`)
})
