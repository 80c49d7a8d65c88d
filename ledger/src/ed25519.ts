// Ed25519 (RFC 8032) through WebCrypto, which Node and browsers share. It is asynchronous; whoever signs many
// checkpoints hands in a signer of their own.
import { LedgerFault } from './fault.ts'
import type { Signer } from './note.ts'

const PUBLIC_KEY_BYTES = 32
const SEED_BYTES = 32
/** PKCS #8 before the seed of an Ed25519 key (RFC 8410, section 7): WebCrypto takes private keys in no barer form. */
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20)

/**
 * Whether the signature (64 bytes) over the message is by the holder of the public key (32 bytes). Throws `bad-key` if
 * the key has another length or is refused by the platform.
 *
 * @example await verifyEd25519(publicKey, message, signature) // true
 */
export async function verifyEd25519(
  publicKey: Uint8Array,
  message: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const key = await importKey('raw', publicKey, PUBLIC_KEY_BYTES, 'verify')
  return globalThis.crypto.subtle.verify('Ed25519', key, owned(signature), owned(message))
}

/**
 * A signer from a seed (32 bytes, RFC 8032's private key). Throws `bad-key` if the seed has another length.
 *
 * @example const signer = await signerFromSeed('ledger.example/demo', seed)
 */
export async function signerFromSeed(name: string, seed: Uint8Array): Promise<Signer> {
  const privateKey = await importKey('pkcs8', seed, SEED_BYTES, 'sign')
  const { x } = await globalThis.crypto.subtle.exportKey('jwk', privateKey)
  const publicKey = Uint8Array.from(atob(x!.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
  return {
    name,
    publicKey,
    sign: async (message) => new Uint8Array(await globalThis.crypto.subtle.sign('Ed25519', privateKey, owned(message))),
  }
}

async function importKey(format: 'raw' | 'pkcs8', bytes: Uint8Array, length: number, use: 'sign' | 'verify') {
  if (bytes.length !== length)
    throw new LedgerFault('bad-key', `an Ed25519 key has ${length} bytes, not ${bytes.length}`)
  const encoded = format === 'raw' ? owned(bytes) : Uint8Array.of(...PKCS8, ...bytes)
  try {
    return await globalThis.crypto.subtle.importKey(format, encoded, 'Ed25519', use === 'sign', [use])
  } catch (cause) {
    throw new LedgerFault(
      'bad-key',
      'this platform cannot use the Ed25519 key: is it one, and is WebCrypto there?',
      cause,
    )
  }
}

/** WebCrypto refuses views onto shared memory. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}
