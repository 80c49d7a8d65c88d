import assert from 'node:assert/strict'
import { stripVTControlCharacters } from 'node:util'
import { test } from 'node:test'
import { explanationText } from './explanation-text.ts'
import { contradicted, erased, explained, hostile } from './explanation.fixture.ts'
import { width } from './text.ts'

/** As one line, wherever it was wrapped. */
const flat = (text: string) => text.replace(/\s+/g, ' ')

const reports = { explained, contradicted, erased, hostile }

test('says the plain sentence, then what is missing, then the evidence with its marks', () => {
  const text = flat(explanationText(explained))
  let last = -1
  for (const part of [
    'Customer 42 scored 0.83',
    '1 thing is missing: no consent receipt for profiling is known for this customer.',
    'score 0.8312 recomputed model opens_subject_a@1, 2026-03-20, for Spring Sale / creative A',
    'reasons recomputed clicks_30d +0.41 · open_rate_7d +0.22',
    'inputs recomputed customer_engagement@v1, snapshot 61,902',
    'clicks_30d 3 recomputed 3 events Spring Sale / creative B ×2 · Newsletter 12',
    'decision recomputed yes: 0.8312 is at least 0.7',
    'would change it recomputed clicks_30d 3 → 0 (score 0.6412)',
    '612 changes were scored, of one input at a time, over values that occur in the snapshot; of 1 input not every value',
    'it says what the model does, not what would happen to a person',
    'model asserted by trainer@example (key k-12): run 0197',
    'approvals asserted the model: approved as model review board (as its producer says)',
    'asserted the training set: rejected as data protection officer, for marketing, 2026-03-19 (record 61,907): ask again',
    'consent missing no receipt',
    '24 claims: 21 recomputed · 2 asserted · 0 contradicted · 1 missing. 15 records, all intact, not yet independently anchored.',
    'as of record 66,012 · evidence: whence explain pred-000042 --proof proof.txt',
  ]) {
    const at = text.indexOf(part)
    assert.ok(at > last, part)
    last = at
  }
})

test('says what is altered and contradicted before anything else', () => {
  const text = explanationText(contradicted)
  assert.match(text, /^ALTERED {8}Record 61,603 \(event\/1\) is altered/)
  assert.match(text, /\nCONTRADICTED {3}clicks_30d was served as 5; 3 events recompute to 3\.\n {15}File features/)
  assert.ok(text.indexOf('CONTRADICTED') < text.indexOf('Customer 42'))
  assert.match(flat(text), /clicks_30d 5 contradicted served 5, snapshot 5, recomputed 3/)
  assert.match(flat(text), /14 intact, 1 altered/)
})

test('shows no value of an erased person, and says since when it is anchored', () => {
  const text = explanationText(erased, { events: true })
  assert.match(text, /^ERASED {9}The keys of this person were destroyed/)
  assert.doesNotMatch(text, /0\.8312|Spring Sale|not yet/)
  assert.match(text, /9 erased/)
  assert.match(text, /anchored 2026-03-23 at https:\/\/witness\.example/)
})

test('lists every event with campaign, consent flag and contract verdict when asked', () => {
  assert.doesNotMatch(explanationText(explained), /61,204/)
  const text = flat(explanationText(explained, { events: true }))
  assert.match(text, /61,204 2026-02-24T09:12:44Z Newsletter 11 not said passed, 9 rules sends_30d/)
  assert.match(text, /61,602 2026-03-14T12:05:31Z [^Z]* flagged: user_agent\.format/)
  assert.match(flat(explanationText(contradicted, { events: true })), /61,603 [^Z]*Z [^Z]* ALTERED/)
})

test('keeps to the width, aligns its columns, and colours only when asked', () => {
  for (const report of Object.values(reports)) {
    for (const columns of [80, 100, 120]) {
      const lines = explanationText(report, { width: columns }).split('\n')
      assert.ok(lines.every((line) => !line.endsWith(' ') && !line.includes('\u001b')))
      if (report !== hostile) for (const line of lines) assert.ok(width(line) <= columns, `${columns}: ${line}`)
    }
    assert.match(explanationText(report, { color: true }), /\u001b\[/)
    assert.equal(stripVTControlCharacters(explanationText(report, { color: true })), explanationText(report))
  }
})

test('lets nothing through that would move the terminal, and quotes the id for the shell', () => {
  const text = explanationText(hostile, { events: true })
  assert.doesNotMatch(text, /[\u001b\u202e]/)
  assert.match(text, /\\x1b\[31m0\.83/)
  assert.ok(text.includes(`whence explain 'pred-<script>alert(1)</script>"'\\''&' --proof`))
})

test('claims no more than it knows', () => {
  for (const report of Object.values(reports)) {
    assert.doesNotMatch(explanationText(report, { events: true }), /complian|lawful|legal|tamper|guarantee|prove[sn]/i)
  }
})
