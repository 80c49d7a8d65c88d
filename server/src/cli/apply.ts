import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, resolve, sep } from 'node:path'
import type { Applied, Declarations } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'

export const apply: Command = {
  name: 'apply',
  summary: 'put the contracts and feature views of a folder into force',
  usage: 'apply DIR',
  options: {},
  details: 'Sends every .yaml and .yml file under DIR (or the one file given). All come into force, or none.',
  async run(context, args) {
    const [folder] = positionals(args, 'DIR')
    const declarations = await collect(resolve(context.cwd, folder!))
    const applied = await withClient(context, args, (client) => client.apply(declarations))
    if (flag(args, 'json')) printJson(context, applied)
    else context.stdout(report(printable(applied), context))
    return 0
  },
}

async function collect(root: string): Promise<Declarations> {
  const found = await stat(root).catch((cause: unknown) => {
    throw new Fault('usage', `${root} cannot be read; give the folder that holds contracts/ and features/.`, { cause })
  })
  const paths = found.isDirectory() ? await yamlFiles(root) : [root]
  if (paths.length === 0) throw new Fault('usage', `${root} holds no .yaml file.`)
  if (paths.length > 1000) {
    throw new Fault(
      'usage',
      `${root} holds ${number(paths.length)} .yaml files, more than 1,000; give a folder further in.`,
    )
  }
  const files = paths.map(async (path) => ({
    path: path === root ? basename(path) : relative(root, path).replaceAll(sep, '/'),
    text: await utf8(path),
  }))
  return { files: await Promise.all(files) }
}

async function yamlFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(^|[/\\])(\.|node_modules[/\\])/.test(relative(root, path)))
    .toSorted()
}

async function utf8(path: string): Promise<string> {
  const bytes = await readFile(path)
  if (bytes.length > 1 << 20) throw new Fault('usage', `${path} is larger than 1 MiB, too large for a declaration.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('usage', `${path} is not UTF-8; save it as UTF-8 and apply it again.`, { cause })
  }
}

function report({ applied }: Applied, context: Context): string {
  const { green, dim } = paint(context.color)
  const changed = applied.filter(({ change }) => change !== 'unchanged').length
  const rows = applied.map(({ change, kind, name, version, path }) => [
    change === 'unchanged' ? dim('=') : green('✓'),
    kind,
    `${name}@${/^\d+$/.test(version) ? 'v' : ''}${version}`,
    change === 'unchanged' ? dim(change) : change,
    dim(path),
  ])
  const sum = `${plural(changed, 'change')}, ${number(applied.length - changed)} unchanged`
  return `${table(rows, { indent: '  ' })}\n  ${sum}\n`
}
