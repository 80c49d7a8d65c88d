import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { withDatabase } from '../../store/testing.ts'
import { keyOf, stored, unstored } from './stored.ts'

const hostile = ['', '\\', '\\0000', 'a\0b', '\ud800', '\udc00\ud800', '😀\\ud800', '%3A#']

/** UTF-16 units, whole characters or not. */
const units = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 0x5c, 0xd800, 0xdc00)))
  .map((codes) => String.fromCharCode(...codes))

test('any text comes back from the database as it was', (t) =>
  withDatabase(t, async (db) => {
    const check = async (text: string) => {
      const [row] = await db.query<{ text: string }>('select $1::text as text', [stored(text)])
      assert.equal(unstored(row!.text), text)
    }
    for (const text of hostile) await check(text)
    await fc.assert(fc.asyncProperty(units, check))
  }))

test('texts that UTF-8 cannot tell apart have different keys', () => {
  assert.equal(new Set(['\ud800', '\ud801', '\ufffd', '\\d800'].map(keyOf)).size, 4)
})
