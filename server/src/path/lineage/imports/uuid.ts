import { createHash } from 'node:crypto'

/** Of Whence's imports: a UUID of its own, made once. */
const NAMESPACE = Buffer.from('6f1d9f0c5b0e4d3aa3a6c1f2e87b9d44', 'hex')

/** A UUID of version 5 (RFC 9562, section 5.5): the same name always gives the same one. */
export function namedUuid(name: string): string {
  const bytes = createHash('sha1').update(NAMESPACE).update(name).digest().subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
