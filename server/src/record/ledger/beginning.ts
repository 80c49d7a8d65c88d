// How a log begins, and how it begins anew where an older copy of its folder was put back.
import { claimedCheckpoint, signCheckpointSync } from '@whence/ledger'
import { randomBytes } from 'node:crypto'
import { Fault } from '../../fault.ts'
import { Ledger } from './ledger.ts'
import type { LedgerOptions } from './ledger.ts'
import { logSigner } from './log-key.ts'
import { openPin } from './pin.ts'

export interface Recovery {
  origin: string
  previous: string
  /** Records that the new log keeps. */
  kept: number
  /** The checkpoint that was signed and is abandoned with the old origin. */
  abandoned: { size: number; note: string }
}

/** The first record of a log says its origin; after a recovery the first record of the new origin says what came before. */
export async function recordBeginning(ledger: Ledger, version: string, recovery?: Recovery): Promise<void> {
  if (ledger.size > 0 && !recovery) return
  await ledger.appendOne(
    {
      kind: 'log/1',
      stream: 'whence.log',
      source: 'whence',
      id: ledger.origin,
      time: Date.now() * 1000,
      refs: {
        origin: ledger.origin,
        ...(recovery ? { previous: recovery.previous, abandoned: String(recovery.abandoned.size) } : {}),
      },
      content: Buffer.from(JSON.stringify({ origin: ledger.origin, version, ...(recovery ? { recovery } : {}) })),
    },
    'whence',
  )
}

/**
 * Gives the log in a folder a new origin, because a checkpoint of it was signed that the folder no longer reaches. The
 * records that are there keep their positions. Throws `usage` when there is nothing to recover from.
 */
export async function recoverLog(options: LedgerOptions): Promise<Recovery> {
  const { files, folder } = options
  const stored = files.read(`${folder}/origin`)
  if (!stored) throw new Fault('usage', `${folder} holds no log`)
  const previous = Buffer.from(stored).toString('utf8').trim()
  const note = openPin(files, options.stateFolder, previous).read()
  const pinned = note === undefined ? undefined : claimedCheckpoint(note)
  const ledger = await Ledger.open({ ...options, ignorePin: true })
  const { size, root } = claimedCheckpoint(ledger.checkpoint)
  await ledger.stop()
  if (note === undefined || pinned === undefined || pinned.size <= size) {
    if (note !== undefined) await openPin(files, options.stateFolder, previous).write(note)
    throw new Fault(
      'usage',
      `there is nothing to recover from: the log in ${folder} reaches its pinned checkpoint. Start it with whence up.`,
    )
  }
  const origin = nextOrigin(previous)
  const signer = await logSigner(files, `${options.keyFolder}/log.key`, origin, false)
  await openPin(files, options.stateFolder, previous).write(note)
  await files.replace(`${folder}/origin`, Buffer.from(`${origin}\n`))
  await files.replace(`${folder}/log/checkpoint`, Buffer.from(signCheckpointSync({ origin, size, root }, signer)))
  await files.syncFolder(folder)
  await files.syncFolder(`${folder}/log`)
  return { origin, previous, kept: size, abandoned: { size: pinned.size, note } }
}

/**
 * `example.com/log` becomes `example.com/log/r2-5f0c…`, then `/r3-…`. The random part keeps two copies that are both
 * recovered from being taken for one log.
 */
function nextOrigin(origin: string): string {
  const match = /^(.*)\/r(\d+)-[0-9a-f]{8}$/.exec(origin)
  const next = match ? `${match[1]}/r${Number(match[2]) + 1}` : `${origin}/r2`
  return `${next}-${randomBytes(4).toString('hex')}`
}
