import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault, isFault } from './fault.ts'

test('a fault carries a code, a sentence and a cause, and knows what doors answer', () => {
  const cause = new Error('ENOSPC')
  const fault = new Fault('disk_full', 'The disk is full; free some space.', { cause })
  assert.deepEqual([fault.code, fault.status, fault.exit, fault.cause], ['disk_full', 507, 1, cause])
  assert.deepEqual([new Fault('usage', 'x').status, new Fault('usage', 'x').exit], [400, 2])
})

test('any thrown value becomes a fault, and a fault stays itself', () => {
  const fault = new Fault('conflict', 'x')
  assert.equal(Fault.from(fault), fault)
  assert.equal(Fault.from(new TypeError('y')).code, 'internal')
  assert.equal(Fault.from('z').message, 'z')
  assert.equal(Fault.from(undefined).code, 'internal')
  assert.equal(Fault.from(Object.assign(new Error('write'), { code: 'ENOSPC' })).code, 'disk_full')
  assert.ok(isFault(fault, 'conflict') && !isFault(fault, 'invalid') && !isFault(new Error('x')))
})
