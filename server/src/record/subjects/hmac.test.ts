import { strict as assert } from 'node:assert'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmac, hmacKey } from './hmac.ts'

test('gives what the platform’s HMAC gives', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('sha256', 'sha512'),
      fc.uint8Array({ maxLength: 64 }),
      fc.uint8Array({ maxLength: 9000 }),
      (algorithm, key, message) => {
        assert.deepEqual(hmac(hmacKey(algorithm, key), message), createHmac(algorithm, key).update(message).digest())
      },
    ),
  )
})
