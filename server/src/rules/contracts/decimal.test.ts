import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fits, isMultiple, plain, survives } from './decimal.ts'

test('a number survives when the decimal that was written comes out again', () => {
  for (const text of [
    '0',
    '-0',
    '0.0',
    '1.0',
    '0.10',
    '1e2',
    '1E+2',
    '100e-2',
    '0e9999999999',
    '9007199254740991',
    '1e21',
    '5e-324',
    '123456789012345680000',
  ]) {
    assert.equal(survives(text), true, text)
  }
  for (const text of [
    '9007199254740993',
    '1e400',
    '-1e400',
    '1e-400',
    '0.1000000000000000055',
    '12345678901234567890',
    '1.7976931348623159e308',
    '4e-324',
    '0.30000000000000001',
  ]) {
    assert.equal(survives(text), false, text)
  }
})

test('every number that JavaScript writes survives', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      assert.equal(survives(String(value)), true)
      assert.equal(survives(value.toExponential()), true)
    }),
  )
})

test('megabytes of digits take linear time', () => {
  assert.equal(survives('0'.repeat(2_000_000)), true)
  assert.equal(survives(`1${'0'.repeat(2_000_000)}1`), false)
  assert.equal(survives(`0.${'0'.repeat(2_000_000)}1`), false)
})

test('a decimal holds what its digits hold', () => {
  assert.equal(fits(12.34, 4, 2), true)
  assert.equal(fits(-12.34, 4, 2), true)
  assert.equal(fits(12.345, 5, 2), false)
  assert.equal(fits(123, 4, 2), false)
  assert.equal(fits(0.1 + 0.2, 10, 2), false)
  assert.equal(fits(0, 1, 1), true)
  assert.equal(fits(100, 3, 0), true)
  assert.equal(fits(1e21, 22, 0), true)
  assert.equal(fits(1e-7, 9, 7), true)
})

test('plain writes the same number without exponent', () => {
  assert.equal(plain(1.5e-7), '0.00000015')
  assert.equal(plain(-1e21), '-1000000000000000000000')
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e30, max: 1e30 }), (value) => {
      assert.match(plain(value), /^-?\d+(\.\d+)?$/)
      assert.equal(Number(plain(value)), value === 0 ? 0 : value)
    }),
  )
})

test('multiples are those of decimals', () => {
  assert.equal(isMultiple(0.3, 0.1), true)
  assert.equal(isMultiple(0.35, 0.1), false)
  assert.equal(isMultiple(-1.1, 0.01), true)
  assert.equal(isMultiple(10, 5), true)
  assert.equal(isMultiple(0, 0.7), true)
  assert.equal(isMultiple(1e21, 7), false)
  assert.equal(isMultiple(1e300, 1e-300), true)
})
