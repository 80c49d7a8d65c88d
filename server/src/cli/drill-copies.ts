// The copies that drills work on. A copy is deleted when its drill ends, whatever became of it. One that was killed leaves
// its copy behind, with keys in it: the next drill in that folder, and the next start of a server, removes it.
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readLock, takeLock } from '../store/lock.ts'

const NAME = 'whence-drill-'
/** A folder without a lock may be one whose drill begins right now. */
const BEGINNING = 3_600_000

/** A new folder for a copy, which lives as long as this process. */
export async function makeCopy(folder: string): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(folder, NAME))
  const lock = takeLock(path)
  return {
    path,
    async remove() {
      await removeAll(path)
      lock.release()
    },
  }
}

/** Removes the copies that killed drills have left in a folder, as far as they are this user's; gives how many. */
export async function sweepCopies(folder: string, now = Date.now()): Promise<number> {
  let removed = 0
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isDirectory() || !entry.name.startsWith(NAME)) continue
    const path = join(folder, entry.name)
    if (readLock(path)) continue
    try {
      const locked = await stat(join(path, 'lock')).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return false
          throw error
        },
      )
      if (!locked && now - (await stat(path)).mtimeMs < BEGINNING) continue
      await removeAll(path)
      removed++
    } catch {
      // Somebody else's, or removed by another at this moment.
    }
  }
  return removed
}

function removeAll(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true, maxRetries: 5 })
}
