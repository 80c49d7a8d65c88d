// Files that commands about agents read: keys, proposals, envelopes.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { LedgerFault } from '@whence/ledger'
import { readAgentKey } from '@whence/sdk'
import type { AgentKey } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Context } from '../context.ts'

/** No batch of proposals is larger. */
const MOST_BYTES = 64 << 20

/** The text of a file; `-` stands for standard input. */
export async function textOf(context: Context, file: string): Promise<string> {
  const bytes = file === '-' ? await standardInput(context) : await read(context, file)
  if (bytes.length > MOST_BYTES) throw new Fault('too_large', `${file} has more than 64 MiB: send it in pieces.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('invalid', `${file} is not UTF-8.`, { cause })
  }
}

/** A key that signs, from its file. */
export async function keyOf(context: Context, file: string): Promise<AgentKey> {
  const text = await textOf(context, file)
  return readAgentKey(text).catch((cause: unknown) => {
    if (!(cause instanceof LedgerFault)) throw cause
    throw new Fault('invalid', `${file}: ${cause.message}`, { cause })
  })
}

async function read(context: Context, file: string): Promise<Uint8Array> {
  return readFile(resolve(context.cwd, file)).catch((cause: unknown) => {
    throw new Fault('usage', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  })
}

async function standardInput(context: Context): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of context.stdin) {
    pieces.push(piece)
    bytes += piece.length
    if (bytes > MOST_BYTES) break
  }
  return Buffer.concat(pieces)
}
