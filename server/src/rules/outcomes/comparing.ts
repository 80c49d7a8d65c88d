// Secrets and signatures, compared in constant time.
import { createHmac, createPublicKey, hash, timingSafeEqual, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** Whether two texts are the same, in a time that says nothing about where they differ, nor how long the secret is. */
export function sameSecret(given: string, secret: string): boolean {
  return timingSafeEqual(
    Buffer.from(hash('sha256', given, 'hex'), 'hex'),
    Buffer.from(hash('sha256', secret, 'hex'), 'hex'),
  )
}

export function hmacIs(
  algorithm: 'sha256' | 'sha1',
  key: Uint8Array,
  message: Uint8Array | string,
  given: string | undefined,
  encoding: 'hex' | 'base64',
): boolean {
  if (given === undefined) return false
  return sameSecret(given.trim(), createHmac(algorithm, key).update(message).digest(encoding))
}

/** A public key as providers show it: PEM, or the base64 of its DER. */
export function publicKeyOf(key: Uint8Array): KeyObject | undefined {
  const text = Buffer.from(key).toString('utf8').trim()
  try {
    if (text.startsWith('-----BEGIN')) return createPublicKey(text)
    return createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' })
  } catch {
    return undefined
  }
}

/** Whether a signature in base64 is of this message under this key. */
export function signedBy(
  algorithm: 'sha256' | 'sha1',
  message: Uint8Array,
  key: KeyObject | undefined,
  given: string | undefined,
): boolean {
  if (key === undefined || given === undefined || given === '') return false
  try {
    return verify(algorithm, message, key, Buffer.from(given, 'base64'))
  } catch {
    return false
  }
}
