import { resolve } from 'node:path'
import type { AnchorRequest } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, printable } from '../govern/reports/text.ts'
import { flag, positionals, printJson, required, text, withClient, type Args, type Command } from './command.ts'

export const anchor: Command = {
  name: 'anchor',
  summary: 'hand the signed checkpoint to somebody who keeps it',
  usage: 'anchor (--file PATH | --git DIR | --witness URL --vkey VKEY)',
  options: {
    file: { type: 'string', value: 'PATH', help: 'write it to a file' },
    git: { type: 'string', value: 'DIR', help: 'commit it in a Git working tree; push it from there' },
    witness: { type: 'string', value: 'URL', help: 'have a C2SP witness cosign it' },
    vkey: { type: 'string', value: 'VKEY', help: 'the verifier key of that witness' },
  },
  details: `
A checkpoint that others keep convicts anyone who rewrites the log, its operator included. A file or a repository on this
machine does so once a copy of it is kept elsewhere.`,
  async run(context, args) {
    positionals(args)
    const request = where(args, context.cwd)
    const result = await withClient(context, args, (client) => client.anchor(request))
    if (flag(args, 'json')) {
      printJson(context, result)
      return 0
    }
    const { green, yellow } = paint(context.color)
    const { where: place, size, time, independent, cosignature } = printable(result)
    const signed = cosignature === undefined ? '' : `  ${cosignature}\n`
    const warning = independent
      ? ''
      : yellow('  not yet independently anchored: keep a copy of it with another party\n')
    context.stdout(`${green('✓')} ${number(size)} records anchored   ${place}   ${time}\n${signed}${warning}`)
    return 0
  },
}

function where(args: Args, cwd: string): AnchorRequest {
  const [file, git, witness] = [text(args, 'file'), text(args, 'git'), text(args, 'witness')]
  if ([file, git, witness].filter((given) => given !== undefined).length !== 1) {
    throw new Fault('usage', 'Say where to: one of --file PATH, --git DIR, or --witness URL with --vkey VKEY.')
  }
  if (file !== undefined) return { to: 'file', path: resolve(cwd, file) }
  if (git !== undefined) return { to: 'git', path: resolve(cwd, git) }
  const vkey = required(args, 'vkey', 'the verifier key that the witness publishes, name+hash+key.')
  return { to: 'witness', url: witness!, vkey }
}
