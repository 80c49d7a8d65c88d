// The accounts of a lane, kept beside its segments, so that counting and numbering go on in the next run.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Account } from './accounts.ts'
import type { Saved } from './accounts.ts'
import { destinationOfKey } from './destination.ts'
import { decodeSegment } from './segment.ts'

/** Numbers that are skipped when the file was lost. */
const SKIPPED = 10_000

const name = 'accounts.json'

/** `lost`: there were segments, and no accounts that read; the numbers go on beyond those of the segments. */
export function readAccounts(folder: string): { accounts: Account[]; lost: boolean } {
  try {
    const { streams } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { streams: Record<string, Saved> }
    return { accounts: Object.entries(streams).map(([stream, saved]) => new Account(stream, saved)), lost: false }
  } catch {
    const segments = readdirSync(folder).filter((file) => file.endsWith('.spool'))
    return { accounts: fromSegments(segments.map((file) => join(folder, file))), lost: segments.length > 0 }
  }
}

function fromSegments(paths: readonly string[]): Account[] {
  const accounts = new Map<string, Account>()
  for (const path of paths) {
    for (const { to, n } of decodeSegment(readFileSync(path)).items) {
      const stream = destinationOfKey(to)?.stream
      if (stream === undefined) continue
      const account = accounts.get(stream) ?? new Account(stream)
      accounts.set(stream, account)
      account.n = Math.max(account.n, n)
    }
  }
  for (const account of accounts.values()) {
    account.n += SKIPPED
    account.reserved = account.n
  }
  return [...accounts.values()]
}

export async function writeAccounts(folder: string, accounts: Iterable<Account>): Promise<void> {
  const draft = join(folder, `${name}.draft`)
  await writeFile(draft, encoded(accounts), { mode: 0o600 })
  await rename(draft, join(folder, name))
}

/** Blocking: the process ends. */
export function writeAccountsNow(folder: string, accounts: Iterable<Account>): void {
  const draft = join(folder, `${name}.last`)
  writeFileSync(draft, encoded(accounts), { mode: 0o600 })
  renameSync(draft, join(folder, name))
}

function encoded(accounts: Iterable<Account>): string {
  return JSON.stringify({
    streams: Object.fromEntries([...accounts].map((account) => [account.stream, account.saved])),
  })
}
