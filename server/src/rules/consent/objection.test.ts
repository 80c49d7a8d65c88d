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

test('what was said last counts, whenever it arrived', () => {
  const withdrawnLater = [said(1, 'profiling', 10), said(2, 'profiling', 20, true)]
  assert.deepEqual(seqs(withdrawnLater, 'profiling'), [])
  assert.deepEqual(seqs(withdrawnLater.toReversed(), 'profiling'), [])
  assert.deepEqual(seqs([said(1, 'profiling', 20, true), said(2, 'profiling', 10)], 'profiling'), [])
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
