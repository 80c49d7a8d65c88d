// Where the real data lie: they were made by others, and are no part of the repository.
import { resolve } from 'node:path'

/** `WHENCE_SHARED`, else `../shared/data` beside the repository. */
export function realData(env: Record<string, string | undefined> = process.env): string {
  return resolve(env['WHENCE_SHARED'] ?? new URL('../../shared/data', import.meta.url).pathname)
}
