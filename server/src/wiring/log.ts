// The log, with the keys that open it: everything else is made from these.
import { randomBytes } from 'node:crypto'
import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config.ts'
import { recordBeginning } from '../record/ledger/beginning.ts'
import { Ledger } from '../record/ledger/ledger.ts'
import type { LedgerOptions } from '../record/ledger/ledger.ts'
import type { Clock } from '../record/time.ts'
import type { Files } from '../store/files.ts'
import { loadKek, openKeyStore } from '../store/keys.ts'
import type { KeyStore } from '../store/keys.ts'
import type { Closing } from './closing.ts'
import { dieAtOnce } from './recover.ts'

/** Opens the log, or begins it. Throws `refused_start` when folder, keys and pin contradict each other. */
export async function openLog(
  config: Config,
  parts: {
    files: Files
    clock: Clock
    ledger?: Partial<Pick<LedgerOptions, 'limits' | 'publishEvery' | 'ignorePin'>> | undefined
    onFatal?: ((error: unknown) => void) | undefined
  },
  closing: Closing,
): Promise<{ keys: KeyStore; ledger: Ledger }> {
  const { files, clock } = parts
  closing.add(() => files.close())
  const keys = await openKeyStore(
    files,
    config.keys,
    await loadKek(files, config.kek, files.read(`${config.keys}/secrets`) !== undefined),
  )
  closing.add(() => keys.close())
  const ledger = await Ledger.open({
    files,
    folder: config.data,
    keys,
    keyFolder: config.keys,
    stateFolder: config.state,
    origin: config.origin ?? `whence.local/${randomBytes(4).toString('hex')}`,
    clock,
    reserve: config.reserve,
    onFatal: parts.onFatal ?? dieAtOnce,
    ...parts.ledger,
  })
  closing.add(() => ledger.stop())
  ledger.subjects.beginErasing(keys.revived)
  await recordBeginning(ledger, packageJson.version)
  await files.replace(`${config.data}/log/vkey`, Buffer.from(`${ledger.vkey}\n`))
  return { keys, ledger }
}
