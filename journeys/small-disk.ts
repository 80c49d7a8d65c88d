// A file system with room for almost nothing.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export function mountSmallDisk(folder: string, size = '3m'): void {
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr || error?.message)
}

/** Why a small file system cannot be mounted here, for who may not. In CI it is tried all the same, and fails. */
export function noSmallDisk(): string | false {
  if (process.env.CI === 'true') return false
  const folder = mkdtempSync(join(tmpdir(), 'whence-mount-'))
  try {
    mountSmallDisk(folder)
    spawnSync('umount', ['-l', folder])
    return false
  } catch (error) {
    return `a small file system cannot be mounted here: ${(error as Error).message.trim()}`
  } finally {
    rmdirSync(folder)
  }
}
