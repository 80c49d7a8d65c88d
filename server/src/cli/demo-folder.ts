// Where a demo works: a folder of its own that is deleted afterwards, or the one that --data names.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dataFolder, flag, text, type Args } from './command.ts'
import type { Context } from './context.ts'

export const keeps = (args: Args): boolean => flag(args, 'keep') || text(args, 'data') !== undefined

/** Lends a data folder and one for work files beside it. What was made for the demo alone is deleted afterwards. */
export async function inFolder<T>(
  context: Context,
  args: Args,
  use: (data: string, work: string) => Promise<T>,
): Promise<T> {
  const own = await mkdtemp(join(tmpdir(), 'whence-demo-'))
  const work = join(own, 'work')
  await mkdir(work)
  const named = text(args, 'data') !== undefined
  const restore = named ? () => {} : isolate(context.env, join(own, 'state'))
  try {
    return await use(named ? dataFolder(context, args) : join(own, 'data'), work)
  } finally {
    restore()
    await rm(keeps(args) && !named ? work : own, { recursive: true, force: true })
  }
}

/** A log that is soon deleted must not meet the keys, the database and the pinned checkpoints of one that stays. */
function isolate(env: Context['env'], state: string): () => void {
  const before = { ...env }
  for (const name of ['DATABASE_URL', 'WHENCE_KEYS', 'WHENCE_KEK', 'WHENCE_KEK_FILE', 'WHENCE_ORIGIN']) delete env[name]
  env['WHENCE_STATE'] = state
  return () => {
    delete env['WHENCE_STATE']
    Object.assign(env, before)
  }
}
