// One server a data folder. The lock file names the one that runs and holds the token with which this user's own
// commands reach it; it is readable by nobody else.
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { Fault } from '../fault.ts'

export interface Lock {
  readonly pid: number
  /** What tells this process from an earlier one with the same number: its start, in clock ticks since boot. */
  readonly started: string
  readonly url?: string
  readonly token?: string
}

export interface HeldLock {
  /** Tells other commands where the server listens. */
  announce(url: string, token: string): void
  release(): void
}

/** Takes the lock. Throws `refused_start` when another process holds it. */
export function takeLock(folder: string): HeldLock {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = `${folder}/lock`
  const mine: Lock = { pid: process.pid, started: startOf(process.pid) ?? '' }
  const draft = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  const write = (lock: Lock, to: string): void => writeFileSync(to, `${JSON.stringify(lock)}\n`, { mode: 0o600 })
  write(mine, draft)
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        linkSync(draft, path)
        break
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = readLock(folder)
      if (holder || attempt > 3) {
        throw new Fault(
          'refused_start',
          `${folder} is in use by process ${holder?.pid ?? '?'}${holder?.url ? ` (${holder.url})` : ''}: stop it first, or give another folder with --data`,
        )
      }
      // The holder is dead. Only one contender's rename finds the stale file; the others try again.
      const stale = `${draft}.stale`
      try {
        renameSync(path, stale)
        rmSync(stale)
      } catch {}
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    announce(url, token) {
      write({ ...mine, url, token }, draft)
      renameSync(draft, path)
    },
    release: () => rmSync(path, { force: true }),
  }
}

/** Who holds the lock, if that process is alive. */
export function readLock(folder: string): Lock | undefined {
  let lock: Lock
  try {
    lock = JSON.parse(readFileSync(`${folder}/lock`, 'utf8')) as Lock
  } catch {
    return undefined
  }
  try {
    process.kill(lock.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined
  }
  const started = startOf(lock.pid)
  return started === undefined || started === lock.started ? lock : undefined
}

/** Linux tells when a process began; elsewhere its number must do. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return statSync('/proc', { throwIfNoEntry: false }) ? 'gone' : undefined
  }
}
