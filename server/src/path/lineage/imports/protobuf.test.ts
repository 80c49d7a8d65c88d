import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { isFault } from '../../../fault.ts'
import { readRegistry } from './feast-registry.ts'
import { readMessage } from './protobuf.ts'
import type { Schema } from './protobuf.ts'

// protobuf.dev/programming-guides/encoding: field 1 = 150, field 2 = "testing", field 3 = { field 1 = 150 }.
const examples = Uint8Array.from(Buffer.from(['089601', '120774657374696e67', '1a03089601'].join(''), 'hex'))
const inner: Schema = { 1: ['a', 'number'] }
const schema: Schema = { 1: ['a', 'number'], 2: ['b', 'text'], 3: ['c', () => inner] }

test('reads the examples of the format', () => {
  assert.deepEqual(readMessage(examples, schema), { a: 150, b: 'testing', c: { a: 150 } })
})

test('skips fields that it has no name for, of every wire type', () => {
  const others = [0x50, 0x01, 0x59, 1, 2, 3, 4, 5, 6, 7, 8, 0x65, 1, 2, 3, 4, 0x72, 0x02, 0xff, 0xff]
  assert.deepEqual(readMessage(Uint8Array.from([...others, ...examples]), schema), {
    a: 150,
    b: 'testing',
    c: { a: 150 },
  })
})

test('a map with a hostile key is a map', () => {
  const entry = [0x0a, 9, ...Buffer.from('__proto__'), 0x12, 1, 0x78]
  const read = readMessage(Uint8Array.from([0x0a, entry.length, ...entry]), { 1: ['m', 'text', 'map'] })
  assert.deepEqual(Object.keys(read.m as object), ['__proto__'])
})

test('cut anywhere it is refused, or is the message of its whole fields', () => {
  for (let end = 0; end < examples.length; end++) {
    try {
      assert.ok(Object.keys(readMessage(examples.subarray(0, end), schema)).length < 3)
    } catch (error) {
      assert.ok(isFault(error, 'invalid'), String(error))
    }
  }
})

test('any bytes are refused with a sentence, or read', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        readRegistry(bytes, 'registry.db')
      } catch (error) {
        assert.ok(isFault(error, 'invalid'), String(error))
      }
    }),
  )
})

test('nested for ever it is refused', () => {
  let bytes = Uint8Array.from([])
  for (let depth = 0; depth < 60; depth++) bytes = Uint8Array.from([0x0a, bytes.length, ...bytes])
  const self = (): Schema => ({ 1: ['again', self] })
  assert.throws(
    () => readMessage(bytes, self()),
    (error) => isFault(error, 'invalid'),
  )
})
