import { printable } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'
import { monitorsText } from './text.ts'

export const monitorsList: Command = {
  name: 'monitors list',
  summary: 'the monitors in force, and how much evidence there is in each group',
  usage: 'monitors list',
  options: {},
  details: `
Evidence may be looked at as often as you like: while nothing is wrong, the chance that it ever reaches its threshold is
alpha at most. Exit code 1 while an alarm stands that nobody has cleared.`,
  async run(context, args) {
    positionals(args)
    const found = await withClient(context, args, (client) => client.monitors())
    if (flag(args, 'json')) printJson(context, found)
    else context.stdout(monitorsText(printable(found), context))
    return found.monitors.some(({ groups }) => groups.some(({ alarmed }) => alarmed)) ? 1 : 0
  },
}
