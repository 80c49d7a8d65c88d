import assert from 'node:assert/strict'
import { test } from 'node:test'
import { standing } from './objection.ts'
import type { Said } from './objection.ts'

const said = (seq: number, purpose: Said['purpose'], time: number, withdrawn = false): Said => ({
  seq,
  purpose,
  time,
  withdrawn,
})
const seqs = (history: readonly Said[], purpose: Said['purpose']): number[] =>
  standing(history, purpose).map(({ seq }) => seq)

test('an objection to marketing is one to profiling, and not the other way round', () => {
  assert.deepEqual(seqs([said(1, 'marketing', 10)], 'profiling'), [1])
  assert.deepEqual(seqs([said(1, 'marketing', 10)], 'marketing'), [1])
  assert.deepEqual(seqs([said(1, 'profiling', 10)], 'marketing'), [])
})

test('an objection stands until it is taken back, later by its own time and on the log', () => {
  const withdrawnLater = [said(1, 'profiling', 10), said(2, 'profiling', 20, true)]
  assert.deepEqual(seqs(withdrawnLater, 'profiling'), [])
  assert.deepEqual(seqs(withdrawnLater.toReversed(), 'profiling'), [])
  // It counts from its record too: whoever took one back before that has not taken back this one.
  assert.deepEqual(seqs([said(1, 'profiling', 20, true), said(2, 'profiling', 10)], 'profiling'), [2])
  assert.deepEqual(seqs([said(1, 'profiling', 20, true), said(2, 'profiling', 30)], 'profiling'), [2])
})

test('of two sayings of one moment the later record counts', () => {
  assert.deepEqual(seqs([said(1, 'profiling', 10), said(2, 'profiling', 10, true)], 'profiling'), [])
  assert.deepEqual(seqs([said(2, 'profiling', 10), said(1, 'profiling', 10, true)], 'profiling'), [2])
})

test('taking back one objection leaves the other', () => {
  const history = [said(1, 'profiling', 10), said(2, 'marketing', 10), said(3, 'profiling', 20, true)]
  assert.deepEqual(seqs(history, 'profiling'), [2])
  assert.deepEqual(seqs([...history, said(4, 'marketing', 20, true)], 'profiling'), [])
})

test('an objection on one channel is one to marketing there, and to nothing else', () => {
  const sms = [{ ...said(1, 'marketing', 10), channel: 'sms' }]
  assert.deepEqual(seqs(sms, 'profiling'), [])
  assert.deepEqual(seqs(sms, 'marketing'), [1])
  assert.equal(standing(sms, 'marketing', 'sms').length, 1)
  assert.equal(standing(sms, 'marketing', 'email').length, 0)
  const back = { ...said(2, 'marketing', 20, true), channel: 'email' }
  assert.deepEqual(seqs([...sms, back], 'marketing'), [1])
  assert.deepEqual(seqs([...sms, said(2, 'marketing', 20, true)], 'marketing'), [])
  // Taken back on one channel, an objection to all of them stands.
  assert.deepEqual(seqs([said(1, 'marketing', 10), back], 'marketing'), [1])
})
