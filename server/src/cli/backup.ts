import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { readConfig } from '../config.ts'
import { Fault } from '../fault.ts'
import { number, plural } from '../govern/reports/text.ts'
import { walk } from '../store/files.ts'
import { dataFolder, flag, positionals, printJson, required, type Command } from './command.ts'

/** What a backup holds besides the log's checkpoint, in the order in which it is copied. */
export const BACKED_UP = [
  'origin',
  'log',
  'payloads',
  'features',
  'training',
  'predictions',
  'tables',
  'artifacts',
] as const

export const backup: Command = {
  name: 'backup',
  summary: 'copy the log and its payloads to one folder, and the keys to another',
  usage: 'backup DIR --keys DIR',
  options: { keys: { type: 'string', value: 'DIR', help: 'where the keys go: apart, or the copy protects nothing' } },
  details: `
May run beside the server. The backup is the log as of the checkpoint that was published when it began: the checkpoint
is read first and written last, and everything that it commits to lies on the disk before it is published. Tables and
column files are not copied: whence restore makes them again.

Whoever has both folders can read everything. Keep them in different places, and destroy old copies of the keys: after
an erasure they would still open what was erased.`,
  async run(context, args) {
    const [target] = positionals(args, 'DIR')
    const config = readConfig(dataFolder(context, args), context.env)
    const to = resolve(context.cwd, target!)
    const keysTo = resolve(context.cwd, required(args, 'keys', 'keys are kept apart from what they open'))
    if (keysTo === to || keysTo.startsWith(`${to}/`) || to.startsWith(`${keysTo}/`))
      throw new Fault('usage', 'The keys must not lie in the same folder as the log.')
    for (const folder of [to, keysTo]) await refuseFull(folder)
    const checkpoint = await readFile(join(config.data, 'log', 'checkpoint')).catch(() => {
      throw new Fault('not_found', `${config.data} holds no published log yet`)
    })
    const files = await copyAll(config.data, to, BACKED_UP, new Set(['log/checkpoint']))
    const keys = await copyAll(
      config.keys,
      keysTo,
      ['log.key', 'secrets', 'subjects', 'erasures', 'kek', 'erasing', 'webhooks'],
      new Set(),
      0o600,
    )
    await mkdir(join(to, 'log'), { recursive: true })
    await writeFile(join(to, 'log', 'checkpoint'), checkpoint)
    const size = Number(checkpoint.toString('utf8').split('\n')[1])
    const withKek = await stat(join(keysTo, 'kek')).then(
      () => true,
      () => false,
    )
    if (flag(args, 'json')) printJson(context, { size, files, keys, to, keysTo, keyEncryptionKeyCopied: withKek })
    else {
      context.stdout(
        `  ✓ ${plural(size, 'record')}, ${number(files)} files to ${to}\n  ✓ ${plural(keys, 'key file')} to ${keysTo}\n`,
      )
      if (withKek)
        context.stdout(
          '  ! the key-encryption key was copied too, because it lies beside the keys: keep this copy safe\n',
        )
      else
        context.stdout(
          '  ! the key-encryption key is not in this copy: keep it where you keep secrets, nothing opens without it\n',
        )
    }
    return 0
  },
}

/** Copies files and folders by name, leaving some out; what vanishes meanwhile (a partial tile) has a full successor. */
export async function copyAll(
  from: string,
  to: string,
  names: readonly string[],
  without: ReadonlySet<string>,
  mode?: number,
): Promise<number> {
  let copied = 0
  for (const name of names) {
    const found = await stat(join(from, name)).catch(() => undefined)
    if (!found) continue
    const paths = found.isDirectory() ? (await walk(join(from, name))).map((path) => `${name}/${path}`) : [name]
    for (const path of paths) {
      if (without.has(path) || path.endsWith('.tmp') || path.includes('/.draft-')) continue
      await mkdir(dirname(join(to, path)), { recursive: true, ...(mode === undefined ? {} : { mode: 0o700 }) })
      const done = await copyFile(join(from, path), join(to, path)).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return false
          throw error
        },
      )
      if (done) copied++
    }
  }
  return copied
}

export async function refuseFull(folder: string): Promise<void> {
  const inside = await readdir(folder).catch(() => [])
  if (inside.length > 0) throw new Fault('usage', `${folder} is not empty: name a new folder.`)
}
