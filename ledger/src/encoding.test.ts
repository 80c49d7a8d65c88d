import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { fromBase64, fromDecimal, fromHex, fromUtf8, joinBytes, toBase64, toHex, toUtf8 } from './encoding.ts'

const badEncoding = { code: 'bad-encoding' }

test('hex and base64 are what the platform writes, and come back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(toHex(bytes), Buffer.from(bytes).toString('hex'))
      assert.equal(toBase64(bytes), Buffer.from(bytes).toString('base64'))
      assert.deepEqual(fromHex(toHex(bytes)), Uint8Array.from(bytes))
      assert.deepEqual(fromBase64(toBase64(bytes)), Uint8Array.from(bytes))
    }),
  )
})

test('no two texts decode to the same base64 bytes', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('AQIgw4/+=-_ \n')), maxLength: 12 }), (text) => {
      let bytes: Uint8Array
      try {
        bytes = fromBase64(text)
      } catch {
        return
      }
      assert.equal(toBase64(bytes), text)
    }),
    { numRuns: 2000 },
  )
})

for (const text of [
  'A',
  'AQ',
  'AQ=',
  'AR==',
  'AQI',
  'AQJ=',
  'AQ==\n',
  ' AQ==',
  'A-_=',
  '====',
  'A===',
  'AQ==AQ==',
  'é===',
]) {
  test(`refuses ${JSON.stringify(text)} as base64`, () => assert.throws(() => fromBase64(text), badEncoding))
}

for (const text of ['0', 'AB', '0g', ' 00', '0x00', '00\n']) {
  test(`refuses ${JSON.stringify(text)} as hex`, () => assert.throws(() => fromHex(text), badEncoding))
}

for (const text of ['', '01', '+1', '-1', '1.0', '1e3', ' 1', '1\n', '9007199254740992', '99999999999999999999']) {
  test(`refuses ${JSON.stringify(text)} as a decimal number`, () => assert.throws(() => fromDecimal(text), badEncoding))
}

test('reads decimal numbers up to 2^53-1', () => {
  assert.equal(fromDecimal('0'), 0)
  assert.equal(fromDecimal('9007199254740991'), Number.MAX_SAFE_INTEGER)
})

test('refuses text and bytes that are not Unicode, and keeps a byte order mark', () => {
  assert.throws(() => toUtf8('\ud800'), badEncoding)
  assert.throws(() => fromUtf8(Uint8Array.of(0xc3)), badEncoding)
  assert.equal(fromUtf8(toUtf8('\ufeffé😀')), '\ufeffé😀')
})

test('joins bytes', () => {
  assert.deepEqual(joinBytes(Uint8Array.of(1), new Uint8Array(), Uint8Array.of(2, 3)), Uint8Array.of(1, 2, 3))
})
