import { appendFile, readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readConfig } from '../config.ts'
import { plural } from '../govern/reports/text.ts'
import { BACKED_UP, copyAll, refuseFull } from './backup.ts'
import { dataFolder, flag, positionals, printJson, required, text, type Command } from './command.ts'

export type StartRestored = (
  folder: string,
  options: { private: true; rebuild: () => void; reapplyErasures: true },
) => Promise<{ erasuresReapplied: number; stop(): Promise<void> }>

export const restore = (start: StartRestored): Command => ({
  name: 'restore',
  summary: 'put a backup into a new data folder, and make the tables again',
  usage: 'restore DIR --keys DIR [--data NEW]',
  options: {
    keys: { type: 'string', value: 'DIR', help: 'the backup of the keys' },
    erasures: { type: 'string', value: 'FILE', help: 'a newer keys/erasures, whose erasures are carried out again' },
  },
  details: `
Whoever was erased stays erased: the erasures of the log, of the keys, and of --erasures are carried out again before
anything is served. If records were written after the backup was made, the checkpoint pinned on this machine is newer:
whence up then refuses to start, and whence recover begins a new origin.`,
  async run(context, args) {
    const [source] = positionals(args, 'DIR')
    const from = resolve(context.cwd, source!)
    const keysFrom = resolve(context.cwd, required(args, 'keys', 'nothing opens without the keys'))
    const folder = dataFolder(context, args)
    const config = readConfig(folder, context.env)
    await refuseFull(config.data)
    await refuseFull(config.keys)
    const files = await copyAll(from, config.data, BACKED_UP, new Set())
    await copyAll(
      keysFrom,
      config.keys,
      ['log.key', 'secrets', 'subjects', 'erasures', 'kek', 'erasing', 'webhooks'],
      new Set(),
      0o600,
    )
    const newer = text(args, 'erasures')
    if (newer !== undefined)
      await appendFile(join(config.keys, 'erasures'), await readFile(resolve(context.cwd, newer)))
    const server = await start(folder, { private: true, rebuild: () => {}, reapplyErasures: true })
    await server.stop()
    if (flag(args, 'json')) printJson(context, { files, erasuresReapplied: server.erasuresReapplied })
    else {
      context.stdout(`  ✓ restored ${plural(files, 'file')} to ${config.data}; tables made again\n`)
      if (server.erasuresReapplied > 0)
        context.stdout(`  ✓ ${plural(server.erasuresReapplied, 'erased key')} destroyed again\n`)
    }
    return 0
  },
})
