// Keys with which agents and approvers sign. Ed25519 (RFC 8032) through WebCrypto, so that signing and verifying work in
// a browser too.
import { fromBase64, LedgerFault, sha256, signerFromSeed, toBase64, toHex } from '@whence/ledger'

/** A public key under its id: the first 16 hex digits of the SHA-256 of its 32 bytes. */
export interface PublicKey {
  readonly keyid: string
  readonly raw: Uint8Array
  /** Whether the signature is this key's, over exactly these bytes. A signature of another length is not. */
  verify(message: Uint8Array, signature: Uint8Array): Promise<boolean>
}

/** A key that signs. The private half stays inside. */
export interface AgentKey {
  readonly keyid: string
  readonly publicKey: PublicKey
  sign(message: Uint8Array): Promise<Uint8Array>
}

export type KeyFormat = 'jwk' | 'pem'

const KEY_BYTES = 32

/** PKCS #8 before a seed, and SubjectPublicKeyInfo before a public key (RFC 8410, sections 7 and 4). */
const PRIVATE_PREFIX = '302e020100300506032b657004220420'
const PUBLIC_PREFIX = '302a300506032b6570032100'

/**
 * Points of small order, the sign bit left out. Under such a key a signature says nothing: for many verifiers one can be
 * made for any message by whoever has no private key at all.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

/**
 * A public key from its 32 bytes. Throws `bad-key` for another length, and for a key under which anybody could sign.
 *
 * @example publicKeyOf(raw).keyid // '3b6a27bcceb6a42d'
 */
export function publicKeyOf(raw: Uint8Array): PublicKey {
  if (raw.length !== KEY_BYTES)
    throw new LedgerFault('bad-key', `a public key has ${KEY_BYTES} bytes, not ${raw.length}`)
  const point = Uint8Array.from(raw)
  point[KEY_BYTES - 1]! &= 0x7f
  if (SMALL_ORDER.has(toHex(point)))
    throw new LedgerFault('bad-key', 'the public key is of small order: anybody could sign under it; make another')
  const own = Uint8Array.from(raw)
  let imported: Promise<CryptoKey> | undefined
  return {
    keyid: toHex(sha256(own)).slice(0, 16),
    raw: own,
    async verify(message, signature) {
      imported ??= globalThis.crypto.subtle.importKey('raw', own, 'Ed25519', false, ['verify'])
      return globalThis.crypto.subtle.verify('Ed25519', await imported, owned(signature), owned(message))
    },
  }
}

/**
 * Reads a public key: base64 of its 32 bytes, PEM (`BEGIN PUBLIC KEY`), or a JWK (RFC 8037). Throws `bad-key`, for a
 * private key too: that one has no place where public keys stand.
 */
export function readPublicKey(text: string): PublicKey {
  const bare = text.trim()
  if (bare.includes('PRIVATE KEY')) throw new LedgerFault('bad-key', 'this is a private key: give the public one')
  if (bare.startsWith('-----')) return publicKeyOf(fromPem(bare, 'PUBLIC KEY', PUBLIC_PREFIX))
  if (!bare.startsWith('{')) return publicKeyOf(bytesOf(bare, 'the base64 of a public key'))
  const jwk = readJwk(bare)
  if ('d' in jwk) throw new LedgerFault('bad-key', 'this JWK holds a private key (member d): give the public one')
  return publicKeyOf(fromUrlSafe(jwk.x, 'x'))
}

/** The public key as a policy lists it: base64 of its 32 bytes. */
export function formatPublicKey(key: PublicKey): string {
  return toBase64(key.raw)
}

/** A new key, and the file that keeps its private half. Whoever has the file can sign. */
export async function createAgentKey(format: KeyFormat = 'jwk'): Promise<{ key: AgentKey; file: string }> {
  const seed = globalThis.crypto.getRandomValues(new Uint8Array(KEY_BYTES))
  const key = await keyFromSeed(seed)
  if (format === 'pem') {
    const der = Uint8Array.from([...hexBytes(PRIVATE_PREFIX), ...seed])
    return { key, file: `-----BEGIN PRIVATE KEY-----\n${toBase64(der)}\n-----END PRIVATE KEY-----\n` }
  }
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: key.keyid, x: urlSafe(key.publicKey.raw), d: urlSafe(seed) }
  return { key, file: `${JSON.stringify(jwk)}\n` }
}

/**
 * Reads a key file: a JWK (RFC 8037), or PEM of PKCS #8 as `openssl genpkey -algorithm ed25519` writes it. Throws
 * `bad-key` for anything else, a JWK included whose public half is not that of its private one.
 */
export async function readAgentKey(text: string): Promise<AgentKey> {
  const bare = text.trim()
  if (bare.startsWith('-----')) return keyFromSeed(fromPem(bare, 'PRIVATE KEY', PRIVATE_PREFIX))
  const jwk = readJwk(bare)
  if (typeof jwk.d !== 'string') throw new LedgerFault('bad-key', 'the JWK holds no private key (member d)')
  const key = await keyFromSeed(fromUrlSafe(jwk.d, 'd'))
  if (jwk.x !== urlSafe(key.publicKey.raw))
    throw new LedgerFault('bad-key', 'the public key of the JWK (x) does not belong to its private key (d)')
  return key
}

async function keyFromSeed(seed: Uint8Array): Promise<AgentKey> {
  const { publicKey: raw, sign } = await signerFromSeed('agent', seed)
  const publicKey = publicKeyOf(raw)
  return { keyid: publicKey.keyid, publicKey, sign: async (message) => sign(message) }
}

function readJwk(text: string): { x: unknown; d?: unknown } {
  let jwk: unknown
  try {
    jwk = JSON.parse(text)
  } catch (cause) {
    throw new LedgerFault('bad-key', 'no key: neither PEM nor a JWK', cause)
  }
  const { kty, crv, x, d } = (jwk ?? {}) as Record<string, unknown>
  if (kty !== 'OKP' || crv !== 'Ed25519')
    throw new LedgerFault('bad-key', 'the JWK is no Ed25519 key: kty must be OKP, and crv Ed25519')
  return { x, ...(d === undefined ? {} : { d }) }
}

function fromPem(text: string, what: string, prefix: string): Uint8Array {
  const inner = new RegExp(`^-----BEGIN ${what}-----([A-Za-z0-9+/=\\s]*)-----END ${what}-----$`).exec(text)?.[1]
  if (inner === undefined) throw new LedgerFault('bad-key', `the PEM is not one whole "${what}"`)
  const der = bytesOf(inner.replaceAll(/\s/g, ''), 'the PEM')
  const hex = toHex(der)
  if (!hex.startsWith(prefix) || der.length !== prefix.length / 2 + KEY_BYTES)
    throw new LedgerFault('bad-key', 'the PEM holds no Ed25519 key; openssl genpkey -algorithm ed25519 makes one')
  return der.subarray(prefix.length / 2)
}

function bytesOf(base64: string, what: string): Uint8Array {
  try {
    return fromBase64(base64)
  } catch (cause) {
    throw new LedgerFault('bad-key', `${what} is not in base64`, cause)
  }
}

function fromUrlSafe(value: unknown, member: string): Uint8Array {
  if (typeof value !== 'string' || !/^[A-Za-z0-9_-]{43}$/.test(value))
    throw new LedgerFault('bad-key', `the member ${member} of the JWK is not ${KEY_BYTES} bytes in base64url`)
  return bytesOf(`${value.replaceAll('-', '+').replaceAll('_', '/')}=`, `the member ${member} of the JWK`)
}

function urlSafe(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function hexBytes(hex: string): number[] {
  return hex.match(/../g)!.map((digits) => Number.parseInt(digits, 16))
}

/** WebCrypto refuses views onto shared memory. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
