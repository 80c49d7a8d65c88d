// The log's key: it signs every checkpoint. Made at the first start, readable by its owner only.
import type { SyncSigner } from '@whence/ledger'
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { dirname } from 'node:path'
import { Fault } from '../../fault.ts'
import type { Files } from '../../store/files.ts'

/** Reads the key, or makes it for a log that begins. Throws `refused_start` when a log has lost its key. */
export async function logSigner(files: Files, path: string, origin: string, fresh: boolean): Promise<SyncSigner> {
  let pem = files.read(path)
  if (!pem) {
    if (!fresh)
      throw new Fault('refused_start', `the log's key ${path} is missing: restore it from a backup of the keys`)
    const { privateKey } = generateKeyPairSync('ed25519')
    pem = Buffer.from(privateKey.export({ type: 'pkcs8', format: 'pem' }))
    await files.replace(path, pem, { mode: 0o600 })
    await files.syncFolder(dirname(path))
  }
  const key = createPrivateKey(Buffer.from(pem))
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-32)
  return { name: origin, publicKey: new Uint8Array(publicKey), sign: (bytes) => new Uint8Array(sign(null, bytes, key)) }
}
