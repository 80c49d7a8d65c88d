import { Fault } from '../../fault.ts'
import { positionals, printJson, text, withClient, type Command } from '../command.ts'

const formats = ['statement', 'prov', 'openlineage'] as const

export const actionsExport: Command = {
  name: 'actions export',
  summary: 'what was signed of an action, or the action as W3C PROV or OpenLineage',
  usage: 'actions export ACTION',
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'statement (default), prov or openlineage' },
  },
  details: `
Of the statement it prints the DSSE envelope that stands: after an edit, that of the edited output. An approver signs it
with whence agents sign, and gives it to whence reviews approve --signed. With --json all versions are printed. Nothing
personal stands in clear in any of the three.`,
  async run(context, args) {
    const [id] = positionals(args, 'ACTION')
    const format = text(args, 'format') ?? 'statement'
    const known = formats.find((each) => each === format)
    if (known === undefined) throw new Fault('usage', `--format is ${formats.join(', ')}, not "${format}".`)
    const exported = await withClient(context, args, async (client) => {
      if (known === 'prov') return client.actionProv(id!)
      if (known === 'openlineage') return client.actionOpenLineage(id!)
      const stated = await client.actionStatement(id!)
      return args.values['json'] === true ? stated : stated.versions.at(-1)!.envelope
    })
    printJson(context, exported)
    return 0
  },
}
