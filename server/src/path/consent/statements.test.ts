import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Statements } from './statements.ts'
import type { HeldConsent } from './statements.ts'

const person = (): string => randomBytes(16).toString('hex')
const said = (seq: number, more: Partial<HeldConsent> = {}): HeldConsent => ({
  seq,
  time: seq * 1000,
  purpose: 'newsletter',
  channel: undefined,
  state: 'given',
  basis: 'consent',
  jurisdiction: undefined,
  notice: undefined,
  until: undefined,
  receipt: { id: undefined, version: 1 },
  ...more,
})

test('gives back what was added, the newest first, as of any position', () => {
  const statements = new Statements()
  const one = person()
  const full = said(7, {
    time: 1_772_000_000_123_456,
    channel: 'email',
    state: 'withdrawn',
    basis: 'soft_opt_in',
    jurisdiction: 'US-CA',
    notice: '2',
    until: 1_900_000_000_000_001,
    receipt: { id: '0197a000000040008000000000000001', version: 2_147_483_647 },
  })
  const objection = { seq: 9, time: 5, purpose: 'marketing' as const, withdrawn: false, channel: 'sms' }
  const back = { seq: 2 ** 40, time: 6, purpose: 'profiling' as const, withdrawn: true, channel: undefined }
  statements.addConsent(one, said(3))
  statements.addConsent(person(), said(4))
  statements.addConsent(one, full)
  statements.addObjection(one, objection)
  statements.addObjection(one, back)
  assert.deepEqual(statements.of(one), { consents: [full, said(3)], objections: [back, objection] })
  assert.deepEqual(statements.of(one, 9), { consents: [full, said(3)], objections: [] })
  assert.deepEqual(statements.of(one, 3), { consents: [], objections: [] })
  for (const nobody of [person(), '', 'erased', '0'.repeat(32)])
    assert.deepEqual(statements.of(nobody), { consents: [], objections: [] })
})

test('tells 60,000 people apart, and forgets those who are erased, and nobody else', () => {
  const statements = new Statements()
  const people = Array.from({ length: 60_000 }, person)
  // Their ids begin alike, so that they meet in the table.
  const alike = Array.from({ length: 200 }, () => `00000000${randomBytes(12).toString('hex')}`)
  const all = [...people, ...alike]
  for (const [seq, subject] of all.entries()) statements.addConsent(subject, said(seq))
  for (const [seq, subject] of all.entries()) if (seq % 3 === 0) statements.forget(subject)
  const after = Array.from({ length: 30_000 }, person)
  for (const [at, subject] of after.entries()) statements.addConsent(subject, said(all.length + at))
  for (const [seq, subject] of [...all, ...after].entries()) {
    const seqs = statements.of(subject).consents.map((each) => each.seq)
    assert.deepEqual(seqs, seq < all.length && seq % 3 === 0 ? [] : [seq])
  }
  // Whoever was forgotten and comes again, as nobody does, begins with nothing.
  statements.addConsent(all[0]!, said(1))
  assert.equal(statements.of(all[0]!).consents.length, 1)
  assert.equal(statements.count, all.length + after.length + 1)
})
