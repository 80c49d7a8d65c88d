import type { AgentInfo } from '@whence/sdk'
import { number, paint, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, withClient, type Command } from '../command.ts'

export const agentsShow: Command = {
  name: 'agents show',
  summary: 'an agent or approver: its keys, and what was approved for it',
  usage: 'agents show NAME',
  options: { 'as-of': { type: 'string', value: 'POSITION', help: 'as it was at this position (default: now)' } },
  async run(context, args) {
    const [name] = positionals(args, 'NAME')
    const asOf = integer(args, 'as-of')
    const agent = await withClient(context, args, (client) => client.agent(name!, given({ asOf })))
    if (flag(args, 'json')) printJson(context, agent)
    else context.stdout(shown(printable(agent), paint(context.color).bold))
    return 0
  },
}

function shown(agent: AgentInfo, bold: (text: string) => string): string {
  const { name, version, seq, type, owner, mode, beside, signs, keys, configurations } = agent
  const rows = [
    ['record', number(seq)],
    ['type', type],
    ['owner', owner],
    ['mode', beside === undefined ? mode : `${mode} beside ${beside}`],
    ['signature', signs ? 'must be there' : 'may be missing'],
    ...keys.map(({ keyid, key }) => ['key', `${keyid}  ${key}`]),
    ...Object.entries(configurations).flatMap(([configuration, approved]) =>
      Object.entries(approved).map(([what, which]) => [configuration, `${what}: ${[which].flat().join(', ')}`]),
    ),
  ]
  return `${bold(`${name}@v${version}`)}\n${table(rows, { indent: '  ' })}\n`
}
