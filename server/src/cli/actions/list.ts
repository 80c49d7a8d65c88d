import { ActionState } from '@whence/sdk'
import type { FoundActions } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { before, campaign, decided, subjectType } from '../options.ts'

/** Of one request. */
const PAGE = 1000

export const actionsList: Command = {
  name: 'actions list',
  summary: 'actions by person, message, campaign, agent, state or time, newest first',
  usage: 'actions list [--subject-identifier IDENTIFIER] [--message ID] …',
  options: {
    'subject-identifier': { type: 'string', value: 'IDENTIFIER', help: 'about the person with this identifier' },
    type: subjectType,
    message: { type: 'string', value: 'ID', help: 'the id by which the provider calls the message' },
    campaign,
    agent: { type: 'string', value: 'NAME', help: 'of this agent, user or service' },
    state: { type: 'string', value: 'S', help: ActionState.options.join(', ') },
    ...decided,
    limit: { type: 'string', value: 'N', help: 'at most N (default 50)' },
    before,
  },
  details: 'Exit code 1 when none fits. whence explain ID goes from one of them to everything behind it.',
  async run(context, args) {
    positionals(args)
    const state = text(args, 'state')
    const known = ActionState.safeParse(state)
    if (state !== undefined && !known.success)
      throw new Fault('usage', `--state is one of ${ActionState.options.join(', ')}.`)
    const most = integer(args, 'limit', 1) ?? 50
    const query = given({
      identifier: text(args, 'subject-identifier'),
      subjectType: text(args, 'type'),
      message: text(args, 'message'),
      campaign: text(args, 'campaign'),
      agent: text(args, 'agent'),
      state: known.data,
      from: time(args, 'since'),
      to: time(args, 'until'),
    })
    const found = await withClient(context, args, async (client) => {
      const page = (had: number, before?: number): Promise<FoundActions> =>
        client.actions({ ...query, limit: Math.min(PAGE, most - had), ...given({ before }) })
      let so = await page(0, integer(args, 'before'))
      while (so.next !== undefined && so.actions.length < most) {
        if (context.isTTY.stderr) context.stderr(`\r\x1b[2K  … ${number(so.actions.length)} found`)
        const { actions, next } = await page(so.actions.length, so.next)
        so = { actions: [...so.actions, ...actions], asOf: so.asOf, ...given({ next }) }
      }
      if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
      return so
    })
    if (flag(args, 'json')) printJson(context, found)
    else context.stdout(report(printable(found), context))
    return found.actions.length === 0 ? 1 : 0
  },
}

function report({ actions, next, asOf }: FoundActions, { color, columns }: Context): string {
  const { dim } = paint(color)
  const known = `as of record ${number(asOf)}`
  if (actions.length === 0) return `No action is known that fits, ${known}.\n`
  const rows = actions.map(({ seq, id, time: at, type, actor, campaign, channel, state }) => [
    number(seq),
    at.replace(/\.\d+Z$/, 'Z'),
    state,
    id ?? dim('erased'),
    [type, channel].filter(Boolean).join(' '),
    actor,
    campaign ?? '',
  ])
  const head = ['record', 'time', 'state', 'action', 'type', 'by', 'campaign'].map(dim)
  const page = next === undefined ? '' : `; there are more: raise --limit, or add --before ${next}`
  const sum = `${plural(actions.length, 'action')}, ${known}${page}`
  return `${table([head, ...rows], { right: [0], indent: '  ', columns })}\n  ${sum}\n`
}
