import { resolve } from 'node:path'
import { printable } from '../../govern/reports/text.ts'
import { flag, given, positionals, printJson, time, withClient, type Command } from '../command.ts'
import { declarationsIn } from '../declarations.ts'
import { testedText } from './text.ts'

export const monitorsTest: Command = {
  name: 'monitors test',
  summary: 'which alarms the monitors in a folder would have raised, beside those that were',
  usage: 'monitors test DIR',
  options: {
    from: {
      type: 'string',
      value: 'TIME',
      help: 'as if they had come into force then (default: with the first record)',
    },
    to: { type: 'string', value: 'TIME', help: 'knowing what was recorded before (default: everything)' },
  },
  details: `
Replays what is on record and changes nothing. Settings that were chosen because they give the wished answer here say
nothing about the next time: alpha holds for data that nobody has looked at.`,
  async run(context, args) {
    const [folder] = positionals(args, 'DIR')
    const { files } = await declarationsIn(resolve(context.cwd, folder!))
    if (!flag(args, 'json')) context.stderr('replaying what is on record …\n')
    const request = { files, ...given({ from: time(args, 'from'), to: time(args, 'to') }) }
    const tested = await withClient(context, args, (client) => client.testMonitors(request))
    if (flag(args, 'json')) printJson(context, tested)
    else context.stdout(testedText(printable(tested), context))
    return 0
  },
}
