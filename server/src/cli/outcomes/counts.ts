import { OutcomeBy } from '@whence/sdk'
import type { OutcomeCounts } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'

export const outcomesCounts: Command = {
  name: 'outcomes counts',
  summary: 'how many were sent, and what came of them',
  usage: 'outcomes counts [--by campaign|creative|agent|prompt|model|provider]',
  options: {
    by: { type: 'string', value: 'WHAT', help: 'campaign (default), creative, agent, prompt, model or provider' },
    since: { type: 'string', value: 'T', help: 'that happened at this time or later' },
    until: { type: 'string', value: 'T', help: 'that happened before this time' },
    environment: { type: 'string', value: 'E', help: 'of this environment' },
    'as-of': { type: 'string', value: 'SEQ', help: 'knowing only records before this position' },
  },
  details: 'An outcome of an action that was opened twice counts twice; "of N" are the different actions.',
  async run(context, args) {
    positionals(args)
    const counts = await withClient(context, args, (client) =>
      client.outcomeCounts(
        given({
          by: byOf(text(args, 'by')),
          since: time(args, 'since'),
          until: time(args, 'until'),
          environment: text(args, 'environment'),
          asOf: integer(args, 'as-of', 0),
        }),
      ),
    )
    if (flag(args, 'json')) printJson(context, counts)
    else context.stdout(countsText(printable(counts), context))
    return 0
  },
}

function byOf(word: string | undefined): OutcomeBy | undefined {
  if (word === undefined) return undefined
  const read = OutcomeBy.safeParse(word)
  if (read.success) return read.data
  throw new Fault('usage', `--by ${word}: give one of ${OutcomeBy.options.join(', ')}.`)
}

function countsText({ by, groups, untied, asOf }: OutcomeCounts, { color, columns }: Context): string {
  const { dim } = paint(color)
  if (groups.length === 0) return `Nothing was sent and nothing came of it, as of record ${number(asOf)}.\n`
  const types = [...new Set(groups.flatMap(({ outcomes }) => Object.keys(outcomes)))].toSorted()
  const head = [by, 'sent', ...types].map(dim)
  const rows = groups.map(({ key, sent, outcomes }) => [
    key === '' ? dim('none') : key,
    number(sent),
    ...types.map((type) => {
      const one = outcomes[type]
      if (one === undefined) return ''
      return one.events === one.actions ? number(one.events) : `${number(one.events)} of ${number(one.actions)}`
    }),
  ])
  const right = head.map((_, i) => i).slice(1)
  const sum = `${plural(untied, 'outcome')} tied to no action, as of record ${number(asOf)}`
  return `${table([head, ...rows], { right, indent: '  ', columns })}\n  ${sum}\n`
}
