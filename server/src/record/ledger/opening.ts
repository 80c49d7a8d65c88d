// What a start finds of a log on the disk, and what is refused of it: folder, key, checkpoint, tree, payloads, pin and
// clock must tell one story, before anything is taken up or cut off.
import { GrowingTiles, sameBytes, verifierKey, verifyCheckpoint } from '@whence/ledger'
import type { SyncSigner } from '@whence/ledger'
import { Fault } from '../../fault.ts'
import type { Files } from '../../store/files.ts'
import { SECOND } from '../time.ts'
import type { Micros } from '../time.ts'
import { Archive } from './archive.ts'
import type { Entry } from './entry.ts'
import { logSigner } from './log-key.ts'
import type { Pin } from './pin.ts'

const CLOCK_TOLERANCE: Micros = 300 * SECOND

/** A log as it was published last; what the journal holds beyond it is not looked at yet. */
export interface FoundLog {
  origin: string
  signer: SyncSigner
  vkey: string
  /** Records that the checkpoint covers. */
  size: number
  checkpoint: string | undefined
  growing: GrowingTiles
  archive: Archive
}

/** Finds the log of a data folder, or begins it. Throws `refused_start` when its parts contradict each other. */
export async function findLog(options: {
  files: Files
  folder: string
  keyFolder: string
  origin: string
}): Promise<FoundLog> {
  const { files, folder, keyFolder } = options
  const logFolder = `${folder}/log`
  if (files.read(`${folder}/origin`) === undefined) await beginLog(options)
  const origin = Buffer.from(files.read(`${folder}/origin`)!)
    .toString('utf8')
    .trim()
  const signer = await logSigner(files, `${keyFolder}/log.key`, origin, false)
  const vkey = verifierKey(origin, signer.publicKey)

  const note = files.read(`${logFolder}/checkpoint`)
  const published = note ? await readCheckpoint(note, vkey.text, `${logFolder}/checkpoint`) : undefined
  const size = published?.size ?? 0
  let growing: GrowingTiles
  try {
    growing = GrowingTiles.resume(size, (path) => files.read(`${logFolder}/${path}`))
  } catch (cause) {
    throw new Fault(
      'refused_start',
      `the tree in ${logFolder} is damaged: ${(cause as Error).message}. Restore the folder from a backup.`,
      { cause },
    )
  }
  if (published && !sameBytes(growing.root(), published.root)) {
    throw new Fault(
      'refused_start',
      `the tree in ${logFolder} contradicts its checkpoint at record ${size}: a tile was altered. Run whence verify ${logFolder} to see which, and restore the folder from a backup.`,
    )
  }
  const archive = await Archive.open(files, `${folder}/payloads`, size)
  if (!(archive instanceof Archive)) {
    throw new Fault(
      'refused_start',
      `the checkpoint in ${logFolder} is at record ${size}, but the payloads end at record ${archive.have}. An older copy of part of the folder has been put back. Restore the whole folder from one backup.`,
    )
  }
  const checkpoint = note && Buffer.from(note).toString('utf8')
  return { origin, signer, vkey: vkey.text, size, checkpoint, growing, archive }
}

async function beginLog({
  files,
  folder,
  keyFolder,
  origin,
}: {
  files: Files
  folder: string
  keyFolder: string
  origin: string
}): Promise<void> {
  if (files.list(`${folder}/journal`).length > 0 || files.read(`${folder}/log/checkpoint`)) {
    throw new Fault(
      'refused_start',
      `${folder}/origin is missing, but the folder holds a log: restore the file from a backup`,
    )
  }
  // The key first: a folder with an origin and without a key is refused.
  await logSigner(files, `${keyFolder}/log.key`, origin, true)
  await files.replace(`${folder}/origin`, Buffer.from(`${origin}\n`))
  await files.syncFolder(folder)
}

/** Throws `refused_start` for one that this log's key has not signed. */
export async function readCheckpoint(
  note: string | Uint8Array,
  vkey: string,
  where: string,
): Promise<{ size: number; root: Uint8Array }> {
  try {
    return await verifyCheckpoint(note, vkey)
  } catch (cause) {
    throw new Fault(
      'refused_start',
      `the checkpoint in ${where} is not signed by this log's key: ${(cause as Error).message}. The key or the checkpoint was exchanged; restore both from one backup.`,
      { cause },
    )
  }
}

/** Refuses a log that is shorter than the one that was pinned, or another one. */
export async function checkPin(
  pin: Pin,
  log: { vkey: string; size: number; rootAt(size: number): Uint8Array },
): Promise<void> {
  const note = pin.read()
  if (note === undefined) return
  const pinned = await readCheckpoint(note, log.vkey, pin.path)
  const advice = 'Restore the newer one, or run `whence recover --help`.'
  if (pinned.size > log.size) {
    throw new Fault(
      'refused_start',
      `the checkpoint pinned in ${pin.path} is at record ${pinned.size}, but the log ends at ${log.size}. An older copy of the folder has been put back. ${advice}`,
    )
  }
  if (!sameBytes(log.rootAt(pinned.size), pinned.root)) {
    throw new Fault(
      'refused_start',
      `the log is not the one whose checkpoint is pinned in ${pin.path}: at record ${pinned.size} their trees differ. ${advice}`,
    )
  }
}

/** Refuses a clock that would record what comes now before what is on record. */
export function checkClock(now: Micros, last: Entry): void {
  const behind = Date.parse(last.recorded) * 1000 - now
  if (behind > CLOCK_TOLERANCE) {
    throw new Fault(
      'refused_start',
      `the clock is ${Math.round(behind / SECOND)} s behind the last record: set it right, then start again`,
    )
  }
}

/** Before anything beyond the checkpoint is cut off: that it is the checkpoint, and the last line, that were written. */
export function checkArchive(
  folder: string,
  archive: Archive,
  log: { size: number; published: number; entry(seq: number): Entry },
): void {
  if (log.published === 0 && log.size === 0 && archive.lineCount > 0) {
    throw new Fault(
      'refused_start',
      `${folder}/log/checkpoint is missing, but ${folder}/payloads holds records: restore the file from a backup`,
    )
  }
  if (log.published === 0) return
  const { sealed, payload } = log.entry(log.published - 1)
  if (!archive.endsWith((sealed ?? payload)!.bytes)) {
    throw new Fault(
      'refused_start',
      `${folder}/payloads/index is altered: its line of record ${log.published - 1} is not the one that was written. Restore the folder from a backup.`,
    )
  }
}
