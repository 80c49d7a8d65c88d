// A lane: the folder of one emitter in a spool. Its name carries its owner, and is changed by an atomic rename, so that
// no two processes ever write in one lane; what a dead process left is adopted by the next.
//
//     EMITTER                        nobody's: closed in good order
//     EMITTER@HOST~PID~START~NONCE   owned
import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, utimesSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** A lane of another machine that nobody has touched for so long is taken for abandoned. */
const ABANDONED = 10 * 60 * 1000

export interface Lane {
  readonly emitter: string
  readonly folder: string
}

const host = hostname()
  .replaceAll(/[^A-Za-z0-9.-]/g, '-')
  .slice(0, 60)

/** Takes a lane that nobody holds, or makes one. Throws what the file system throws. */
export function takeLane(spool: string): Lane {
  mkdirSync(spool, { recursive: true, mode: 0o700 })
  const owner = `${host}~${process.pid}~${startOf(process.pid) ?? ''}~${randomBytes(4).toString('hex')}`
  for (const name of readdirSync(spool).toSorted()) {
    const [, emitter, held] = /^([0-9a-f]{16})(?:@(.+))?$/.exec(name) ?? []
    if (emitter === undefined || (held !== undefined && isHeld(held, join(spool, name)))) continue
    const folder = join(spool, `${emitter}@${owner}`)
    try {
      renameSync(join(spool, name), folder)
      return { emitter, folder }
    } catch (error) {
      // Somebody else was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  const emitter = randomBytes(8).toString('hex')
  const folder = join(spool, `${emitter}@${owner}`)
  mkdirSync(folder, { mode: 0o700 })
  return { emitter, folder }
}

/** Gives the lane back, for whoever comes next. */
export function releaseLane({ folder }: Lane): void {
  renameSync(folder, folder.slice(0, folder.lastIndexOf('@')))
}

/** Says that the owner lives, to machines that cannot see it. */
export function touchLane({ folder }: Lane): void {
  const now = new Date()
  utimesSync(folder, now, now)
}

function isHeld(owner: string, folder: string): boolean {
  const [where, pid, started] = owner.split('~')
  if (where !== host) {
    const touched = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now()
    return Math.abs(Date.now() - touched) < ABANDONED
  }
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(Number(pid))
  return now === undefined || now === started
}

/** When a process began, in clock ticks since boot: tells it from an earlier one with the same number. Linux only. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return statSync('/proc/self', { throwIfNoEntry: false }) ? 'gone' : undefined
  }
}
