import { OutcomeType } from '@whence/sdk'
import type { FoundOutcomes } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { before, campaign, subjectType } from '../options.ts'

export const outcomesList: Command = {
  name: 'outcomes list',
  summary: 'what came of actions: deliveries, opens, complaints, tickets',
  usage: 'outcomes list [--action ID] [--campaign C] …',
  options: {
    action: { type: 'string', value: 'ID', help: 'of this action, by its id or seq:N' },
    id: { type: 'string', value: 'IDENTIFIER', help: 'of the person with this identifier' },
    type: subjectType,
    campaign,
    kind: { type: 'string', value: 'KIND', help: 'delivered, opened, complained, …' },
    untied: { type: 'boolean', help: 'only what is tied to no action' },
    from: { type: 'string', value: 'T', help: 'that happened at this time or later' },
    to: { type: 'string', value: 'T', help: 'that happened before this time' },
    limit: { type: 'string', value: 'N', help: 'at most N, newest first (default 50)' },
    before,
  },
  async run(context, args) {
    positionals(args)
    const found = await withClient(context, args, (client) =>
      client.outcomes(
        given({
          action: text(args, 'action'),
          identifier: text(args, 'id'),
          subjectType: text(args, 'type'),
          campaign: text(args, 'campaign'),
          type: kindOf(text(args, 'kind')),
          untied: flag(args, 'untied') ? ('true' as const) : undefined,
          from: time(args, 'from'),
          to: time(args, 'to'),
          limit: integer(args, 'limit', 1),
          before: integer(args, 'before', 0),
        }),
      ),
    )
    if (flag(args, 'json')) printJson(context, found)
    else context.stdout(listText(printable(found), context))
    return 0
  },
}

function kindOf(word: string | undefined): OutcomeType | undefined {
  if (word === undefined) return undefined
  const read = OutcomeType.safeParse(word)
  if (read.success) return read.data
  throw new Fault('usage', `--kind ${word}: give one of ${OutcomeType.options.join(', ')}.`)
}

function listText({ outcomes, next, asOf }: FoundOutcomes, { color, columns }: Context): string {
  const { dim } = paint(color)
  if (outcomes.length === 0) return `No outcome is known that fits, as of record ${number(asOf)}.\n`
  const head = ['record', 'time', 'outcome', 'action', 'campaign', 'by'].map(dim)
  const rows = outcomes.map(({ seq, time: at, type, action, tie, campaign, provider, webhook, late }) => [
    number(seq),
    at.replace(/\.\d+Z$/, 'Z'),
    late ? `${type} (told late)` : type,
    action === undefined ? dim('untied') : `${number(action)}${tie === 'message' ? '' : ` by ${tie}`}`,
    campaign ?? '',
    webhook === undefined ? provider : `${provider} ${webhook}`,
  ])
  const page = next === undefined ? '' : `; there are more: add --before ${next}`
  const sum = `${plural(outcomes.length, 'outcome')}, as of record ${number(asOf)}${page}`
  return `${table([head, ...rows], { right: [0], indent: '  ', columns })}\n  ${sum}\n`
}
