import type { AgentInfo } from '@whence/sdk'
import { paint, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, withClient, type Command } from '../command.ts'

export const agentsList: Command = {
  name: 'agents list',
  summary: 'who may act and approve, in which mode, with how many keys',
  usage: 'agents list',
  options: { 'as-of': { type: 'string', value: 'POSITION', help: 'as it was at this position (default: now)' } },
  async run(context, args) {
    positionals(args)
    const asOf = integer(args, 'as-of')
    const answer = await withClient(context, args, (client) => client.agents(given({ asOf })))
    if (flag(args, 'json')) printJson(context, answer)
    else if (answer.agents.length > 0) context.stdout(report(printable(answer.agents), context.color))
    else context.stdout('No agent is in force: declare one with kind: Agent, and whence apply.\n')
    return 0
  },
}

function report(agents: readonly AgentInfo[], color: boolean): string {
  const head = ['name', 'type', 'owner', 'mode', 'keys', 'configurations'].map(paint(color).dim)
  const rows = agents.map(({ name, version, type, owner, mode, beside, signs, keys, configurations }) => [
    `${name}@v${version}`,
    type,
    owner,
    beside === undefined ? mode : `${mode} beside ${beside}`,
    `${keys.length}${signs ? ', must sign' : ''}`,
    Object.keys(configurations).join(', '),
  ])
  return `${table([head, ...rows], { indent: '  ' })}\n`
}
