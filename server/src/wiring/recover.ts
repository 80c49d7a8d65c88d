// A folder's log taken up again after damage, without tables and doors; and how a process ends that may not go on.
import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config.ts'
import { recordBeginning, recoverLog } from '../record/ledger/beginning.ts'
import type { Recovery } from '../record/ledger/beginning.ts'
import { Ledger } from '../record/ledger/ledger.ts'
import type { LedgerOptions } from '../record/ledger/ledger.ts'
import { systemClock } from '../record/time.ts'
import { localFiles } from '../store/files.ts'
import { loadKek, openKeyStore } from '../store/keys.ts'
import { takeLock } from '../store/lock.ts'

/** `whence recover`: see beginning.ts. */
export async function recoverFolder(config: Config): Promise<Recovery> {
  const lock = takeLock(config.data)
  const files = localFiles()
  const kek = await loadKek(files, config.kek, files.read(`${config.keys}/secrets`) !== undefined)
  const options = {
    files,
    folder: config.data,
    keyFolder: config.keys,
    stateFolder: config.state,
    origin: '',
    clock: systemClock,
    onFatal: dieAtOnce,
  }
  const withLedger = async <T>(work: (options: LedgerOptions) => Promise<T>): Promise<T> => {
    const keys = await openKeyStore(files, config.keys, kek)
    try {
      return await work({ ...options, keys })
    } finally {
      await keys.close()
    }
  }
  try {
    const recovery = await withLedger(recoverLog)
    await withLedger(async (given) => {
      const ledger = await Ledger.open(given)
      await recordBeginning(ledger, packageJson.version, recovery)
      await ledger.stop()
    })
    return recovery
  } finally {
    files.close()
    lock.release()
  }
}

/** After a failed write of the journal nothing in memory may be trusted to be on the disk: the process must not go on. */
export function dieAtOnce(error: unknown): void {
  console.error(
    `whence: stopping at once: ${(error as Error).message}. What was acknowledged is in the journal; the next start recovers it.`,
  )
  process.exit(70)
}
