// Murmur3, x86, 32 bits, seed 0: the hash of Iceberg's bucket transform (spec, appendix B).

const C1 = 0xcc9e2d51
const C2 = 0x1b873593

/** A signed 32-bit hash. */
export function murmur3(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const whole = bytes.length & ~3
  let hash = 0
  for (let at = 0; at < whole; at += 4) {
    hash ^= mixed(view.getUint32(at, true))
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64
  }
  let rest = 0
  for (let at = bytes.length - 1; at >= whole; at--) rest = (rest << 8) | bytes[at]!
  if (bytes.length > whole) hash ^= mixed(rest)
  hash ^= bytes.length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}

function mixed(word: number): number {
  const first = Math.imul(word, C1)
  return Math.imul((first << 15) | (first >>> 17), C2)
}
