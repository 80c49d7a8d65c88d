// Runs a real witness (omniwitness) on 127.0.0.1 for one log:
//
//   node interop/witness/run.ts PORT VKEY_FILE [FOLDER]
//
// Prints its address and its verifier key, and runs until it is stopped. FOLDER keeps its key and what it has seen; by
// default both are gone afterwards.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

import { COSIGNATURE, parseVerifierKey, signerFromSeed, toBase64, verifierKey } from '@whence/ledger'

import { buildOmniwitness } from '../tools.ts'

export type Witness = {
  /** To POST to: `url` + `add-checkpoint`. */
  readonly url: string
  /** Its verifier key, of type 4 (cosignature/v1). */
  readonly vkey: string
  stop(): Promise<void>
}

const NAME = 'witness.example/interop'

/**
 * Starts a witness for the log with this verifier key, and waits until it listens. Throws if it does not within ten
 * seconds.
 */
export async function startWitness(port: number, logKey: string, folder?: string): Promise<Witness> {
  const home = folder ?? mkdtempSync(join(tmpdir(), 'witness-'))
  mkdirSync(home, { recursive: true })

  const seedFile = join(home, 'seed')
  if (!existsSync(seedFile)) writeFileSync(seedFile, randomBytes(32), { mode: 0o600 })
  const seed = readFileSync(seedFile)
  const { publicKey } = await signerFromSeed(NAME, seed)
  // The signer key of golang.org/x/mod/sumdb/note. Its id is that of an ordinary signature, not of a cosignature.
  const signerKey = `PRIVATE+KEY+${NAME}+${verifierKey(NAME, publicKey).id}+${toBase64(Uint8Array.of(1, ...seed))}`
  writeFileSync(join(home, 'signer-key'), signerKey, { mode: 0o600 })

  const { name: origin } = parseVerifierKey(logKey)
  const log = { Origin: origin, PublicKey: logKey, URL: 'http://127.0.0.1:1/' }
  writeFileSync(join(home, 'logs.yaml'), `Logs:\n  - ${JSON.stringify(log)}\n`)

  const program = spawn(
    buildOmniwitness(),
    [
      `--listen=127.0.0.1:${port}`,
      '--metrics_listen=',
      `--private_key_path=${join(home, 'signer-key')}`,
      `--db_file=${join(home, 'witness.db')}`,
      `--additional_logs=${join(home, 'logs.yaml')}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  let said = ''
  program.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const ended = once(program, 'exit')

  const deadline = Date.now() + 10_000
  while (!(await listens(port))) {
    if (program.exitCode !== null || Date.now() > deadline) {
      program.kill()
      throw new Error(`the witness does not listen on port ${port}: ${said}`)
    }
    await setTimeout(50)
  }
  return {
    url: `http://127.0.0.1:${port}/`,
    vkey: verifierKey(NAME, publicKey, COSIGNATURE).text,
    async stop() {
      program.kill()
      await ended
      if (folder === undefined) rmSync(home, { recursive: true, force: true })
    },
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

if (import.meta.main) {
  const [port, vkeyFile, folder] = process.argv.slice(2)
  if (port === undefined || vkeyFile === undefined) {
    console.error('usage: node interop/witness/run.ts PORT VKEY_FILE [FOLDER]')
    process.exit(2)
  }
  const witness = await startWitness(Number(port), readFileSync(vkeyFile, 'utf8').trim(), folder)
  console.log(`url ${witness.url}`)
  console.log(`vkey ${witness.vkey}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void witness.stop().then(() => process.exit(0)))
  }
}
