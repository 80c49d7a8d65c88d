import { printable } from '../../govern/reports/text.ts'
import {
  flag,
  given,
  integer,
  positionals,
  printJson,
  required,
  text,
  wholeNumber,
  withClient,
  type Command,
} from '../command.ts'
import { alarmText } from './text.ts'

export const monitorsAlarms: Command = {
  name: 'monitors alarms',
  summary: 'what monitors raised, newest first',
  usage: 'monitors alarms',
  options: {
    monitor: { type: 'string', value: 'NAME', help: 'only of this monitor' },
    group: { type: 'string', value: 'NAME', help: 'only of this campaign, prompt, …' },
    open: { type: 'boolean', help: 'only what nobody has cleared' },
    before: { type: 'string', value: 'RECORD', help: 'only what was raised before this record' },
    limit: { type: 'string', value: 'N', help: 'at most N (default 100)' },
  },
  async run(context, args) {
    positionals(args)
    const query = given({
      monitor: text(args, 'monitor'),
      group: text(args, 'group'),
      open: flag(args, 'open') ? ('true' as const) : undefined,
      before: integer(args, 'before'),
      limit: integer(args, 'limit', 1),
    })
    const found = await withClient(context, args, (client) => client.alarms(query))
    if (flag(args, 'json')) printJson(context, found)
    else if (found.alarms.length === 0) context.stdout('No alarm was raised.\n')
    else context.stdout(found.alarms.map((alarm) => alarmText(printable(alarm), context)).join('\n'))
    return 0
  },
}

export const monitorsClear: Command = {
  name: 'monitors clear',
  summary: 'an alarm is dealt with: its group is watched anew, gates that it raised are lowered',
  usage: 'monitors clear RECORD --note WHY',
  options: { note: { type: 'string', value: 'WHY', help: 'why; nothing personal' } },
  async run(context, args) {
    const [record] = positionals(args, 'RECORD')
    const seq = wholeNumber(record!, 'RECORD')
    const note = required(args, 'note', 'why it is cleared')
    const cleared = await withClient(context, args, (client) => client.clearAlarm(seq, { note }))
    if (flag(args, 'json')) printJson(context, cleared)
    else context.stdout(alarmText(printable(cleared), context))
    return 0
  },
}
