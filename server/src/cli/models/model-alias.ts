import type { Alias } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, printable, table } from '../../govern/reports/text.ts'
import {
  flag,
  given,
  integer,
  positionals,
  printJson,
  text,
  wholeNumber,
  withClient,
  type Command,
} from '../command.ts'

export const modelAlias: Command = {
  name: 'model alias',
  summary: 'let an alias point at a version of a model, or list its aliases with their history',
  usage: 'model alias NAME [ALIAS] [VERSION]',
  options: {
    environment: { type: 'string', value: 'NAME', help: 'default: production' },
    reason: { type: 'string', value: 'TEXT', help: 'why; kept with the change' },
    expected: {
      type: 'string',
      value: 'VERSION',
      help: 'refuse unless it points at this version now; none: at nothing',
    },
    none: { type: 'boolean', help: 'take the alias away' },
  },
  details: 'What an alias points at is live. Every change stays on record.',
  async run(context, args) {
    const [name, alias, version] = positionals(args, 'NAME', '[ALIAS]', '[VERSION]')
    const none = flag(args, 'none')
    if (alias !== undefined && version === undefined && !none)
      throw new Fault('usage', 'VERSION is missing: name one, or take the alias away with --none.')
    if (none && (alias === undefined || version !== undefined))
      throw new Fault('usage', '--none takes an ALIAS away, and no VERSION beside it.')
    const aliases = await withClient(context, args, async (client) => {
      if (alias === undefined) return client.aliases(name!)
      const request = {
        version: none ? null : wholeNumber(version!.replace(/^v/, ''), 'VERSION', 1),
        ...given({ environment: text(args, 'environment'), reason: text(args, 'reason') }),
        ...(args.values.expected === undefined
          ? {}
          : { expected: args.values.expected === 'none' ? null : integer(args, 'expected', 1)! }),
      }
      return [await client.setAlias(name!, alias, request)]
    })
    if (flag(args, 'json')) printJson(context, alias === undefined ? { aliases } : aliases[0])
    else context.stdout(`${shown(printable(aliases), name!, paint(context.color).dim)}\n`)
    return 0
  },
}

function shown(aliases: readonly Alias[], name: string, dim: (text: string) => string): string {
  if (aliases.length === 0) return `${name} has no alias: nothing says which version is live.`
  const rows = aliases.flatMap(({ alias, environment, history }) =>
    history.map(({ version, seq, recorded, by, reason }, i) => [
      i === 0 ? `${name}@${alias}` : '',
      i === 0 ? environment : '',
      version === null ? 'nothing' : `version ${version}`,
      i === 0 ? 'now' : dim('before'),
      `${recorded.slice(0, 19)}Z`,
      `record ${number(seq)}`,
      [by, reason].filter(Boolean).join(': '),
    ]),
  )
  return table(rows, { columns: 140 })
}
