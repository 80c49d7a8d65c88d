import type { Client, OutcomeRow, OutcomesQuery, OutcomeType } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from '../command.ts'
import { before, subjectType } from '../options.ts'

const kinds = { ticket: 'ticket', complaint: 'complained', appeal: 'appeal' } as const
/** Rows of one request. */
const PAGE = 200

export const ticketsList: Command = {
  name: 'tickets list',
  summary: 'tickets, complaints and appeals, and the actions that they are about',
  usage: 'tickets list [--kind KIND] [--untied] …',
  options: {
    kind: { type: 'string', value: 'KIND', help: 'ticket, complaint or appeal (default: all)' },
    action: { type: 'string', value: 'ID', help: 'about this action, by its id or seq:N' },
    id: { type: 'string', value: 'IDENTIFIER', help: 'of the person with this identifier' },
    type: subjectType,
    untied: { type: 'boolean', help: 'only what is tied to no action' },
    from: { type: 'string', value: 'T', help: 'written at this time or later' },
    to: { type: 'string', value: 'T', help: 'written before this time' },
    limit: { type: 'string', value: 'N', help: 'at most N, newest first (default 50)' },
    before,
  },
  details: `
What support recorded, by "whence tickets add" or POST /v1/tickets. Complaints that providers told of are outcomes:
"whence outcomes list --kind complained" has them too. What was written is sealed: it is not shown here.`,
  async run(context, args) {
    positionals(args)
    const kind = text(args, 'kind')
    if (kind !== undefined && !Object.hasOwn(kinds, kind))
      throw new Fault('usage', `--kind ${kind}: give one of ${Object.keys(kinds).join(', ')}.`)
    const types: readonly OutcomeType[] =
      kind === undefined ? Object.values(kinds) : [kinds[kind as keyof typeof kinds]]
    const limit = integer(args, 'limit', 1) ?? 50
    const query: OutcomesQuery = given({
      action: text(args, 'action'),
      identifier: text(args, 'id'),
      subjectType: text(args, 'type'),
      untied: flag(args, 'untied') ? ('true' as const) : undefined,
      from: time(args, 'from'),
      to: time(args, 'to'),
      before: integer(args, 'before', 0),
    })
    const { tickets, more, asOf } = await withClient(context, args, (client) => newest(client, types, query, limit))
    const next = more ? tickets.at(-1)!.seq : undefined
    if (flag(args, 'json')) printJson(context, { tickets, ...given({ next }), asOf })
    else {
      const { dim } = paint(context.color)
      const head = ['record', 'written', 'kind', 'action', 'campaign'].map(dim)
      const rows = printable(tickets).map(({ seq, time: at, type, action, tie, campaign, late }) => [
        number(seq),
        at.replace(/\.\d+Z$/, 'Z'),
        `${type === 'complained' ? 'complaint' : type}${late ? ' (told late)' : ''}`,
        action === undefined ? dim('untied') : `${number(action)} by ${tie}`,
        campaign ?? '',
      ])
      const page = next === undefined ? '' : `; there are more: add --before ${next}`
      context.stdout(
        tickets.length === 0
          ? `No ticket is known that fits, as of record ${number(asOf)}.\n`
          : `${table([head, ...rows], { right: [0], indent: '  ', columns: context.columns })}\n  ${plural(tickets.length, 'ticket')}, as of record ${number(asOf)}${page}\n`,
      )
    }
    return 0
  },
}

/** The newest of several types, of what support recorded. */
async function newest(
  client: Client,
  types: readonly OutcomeType[],
  query: OutcomesQuery,
  limit: number,
): Promise<{ tickets: OutcomeRow[]; more: boolean; asOf: number }> {
  const all: OutcomeRow[] = []
  let last = 0
  for (const type of types) {
    let cursor = query.before
    const own: OutcomeRow[] = []
    for (;;) {
      const { outcomes, next, asOf } = await client.outcomes({
        ...query,
        type,
        limit: PAGE,
        ...(cursor === undefined ? {} : { before: cursor }),
      })
      last = asOf
      own.push(...outcomes.filter(({ provider }) => provider === 'ticket'))
      // One more than is shown tells that there are more.
      if (next === undefined || own.length > limit) break
      cursor = next
    }
    all.push(...own)
  }
  all.sort((a, b) => b.seq - a.seq)
  return { tickets: all.slice(0, limit), more: all.length > limit, asOf: last }
}
