// FIPS 180-4, section 6.2. Tested against Node's implementation.
const ROUND = new Int32Array(64)
const INITIAL = new Int32Array(8)
fillConstants()
const schedule = new Int32Array(64)

/**
 * SHA-256 without any platform: 32 bytes.
 *
 * @example toHex(portableSha256(new Uint8Array())) // 'e3b0c442…b855'
 */
export function portableSha256(bytes: Uint8Array): Uint8Array {
  const state = Int32Array.from(INITIAL)
  const whole = bytes.length - (bytes.length % 64)
  for (let at = 0; at < whole; at += 64) compress(state, bytes, at)

  const rest = bytes.length - whole
  const tail = new Uint8Array(rest < 56 ? 64 : 128)
  tail.set(bytes.subarray(whole))
  tail[rest] = 0x80
  const length = new DataView(tail.buffer)
  length.setUint32(tail.length - 8, Math.floor(bytes.length / 0x20000000))
  length.setUint32(tail.length - 4, (bytes.length << 3) >>> 0)
  for (let at = 0; at < tail.length; at += 64) compress(state, tail, at)

  const hash = new Uint8Array(32)
  const words = new DataView(hash.buffer)
  for (let i = 0; i < 8; i++) words.setInt32(4 * i, state[i]!)
  return hash
}

function compress(state: Int32Array, bytes: Uint8Array, at: number): void {
  const w = schedule
  for (let i = 0; i < 16; i++, at += 4) {
    w[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15]!
    const y = w[i - 2]!
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[i] = (w[i - 16]! + s0 + w[i - 7]! + s1) | 0
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < 64; i++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + ROUND[i]! + w[i]!) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + t2) | 0
  }
  state[0]! += a
  state[1]! += b
  state[2]! += c
  state[3]! += d
  state[4]! += e
  state[5]! += f
  state[6]! += g
  state[7]! += h
}

/** The first 32 bits of the fractional parts of the cube and square roots of the first primes, in exact integers. */
function fillConstants(): void {
  let found = 0
  for (let candidate = 2n; found < 64; candidate++) {
    let prime = true
    for (let divisor = 2n; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0n) prime = false
    if (!prime) continue
    if (found < 8) INITIAL[found] = fraction(candidate, 2n)
    ROUND[found] = fraction(candidate, 3n)
    found++
  }
}

/** The first 32 bits after the point of the root of `value`, by bisection. */
function fraction(value: bigint, degree: bigint): number {
  const scaled = value << (32n * degree)
  let low = 0n
  let high = 1n << 40n
  while (high - low > 1n) {
    const middle = (low + high) / 2n
    if (middle ** degree <= scaled) low = middle
    else high = middle
  }
  return Number(BigInt.asIntN(32, low))
}
