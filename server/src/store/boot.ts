// PGlite does not sync what it writes: a power loss can tear its files, while the end of a process cannot. So a folder
// that was open when the machine went down is not to be trusted.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Names this run of the machine; where the system does not tell, every start counts as another. */
function thisBoot(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  } catch {
    return `unknown ${process.pid} ${Date.now()}`
  }
}

/**
 * Notes in `path` that the folder is in use. `torn` says that it was in use when the machine went down: then it must be
 * made again. `done` takes the note away at an orderly end.
 */
export function noteOpen(path: string): { torn: boolean; done(): void } {
  let before: string | undefined
  try {
    before = readFileSync(path, 'utf8').trim()
  } catch {}
  const boot = thisBoot()
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `${boot}\n`)
  return { torn: before !== undefined && before !== boot, done: () => rmSync(path, { force: true }) }
}
