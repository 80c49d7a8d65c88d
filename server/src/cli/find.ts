import type { Found } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'
import { made, subjectType } from './options.ts'

export const find: Command = {
  name: 'find',
  summary: 'decisions by person, campaign, model or time',
  usage: 'find [--id IDENTIFIER] [--campaign C] …',
  options: {
    id: { type: 'string', value: 'IDENTIFIER', help: 'about the person with this identifier' },
    type: subjectType,
    campaign: { type: 'string', value: 'C', help: 'made for this campaign' },
    model: { type: 'string', value: 'M', help: 'by this model, name or name@version' },
    ...made,
    limit: { type: 'string', value: 'N', help: 'at most N, newest first (default 50)' },
    before: {
      type: 'string',
      value: 'SEQ[/ROW]',
      help: 'only records, and rows of that one, before this: the next page',
    },
  },
  async run(context, args) {
    positionals(args)
    const query = given({
      identifier: text(args, 'id'),
      subjectType: text(args, 'type'),
      campaign: text(args, 'campaign'),
      model: text(args, 'model'),
      from: time(args, 'from'),
      to: time(args, 'to'),
      limit: integer(args, 'limit', 1),
      ...beforeOf(text(args, 'before')),
    })
    const found = await withClient(context, args, async (client) => {
      let page = await client.find(query)
      // Many batches were looked through, and nothing in them fits.
      while (page.predictions.length === 0 && page.next !== undefined) {
        if (context.isTTY.stderr) context.stderr(`\r\x1b[2K  looked down to record ${number(page.next)}`)
        page = await client.find(given({ ...query, before: page.next, beforeRow: page.nextRow }))
      }
      if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
      return page
    })
    if (flag(args, 'json')) printJson(context, found)
    else context.stdout(report(printable(found), context))
    return 0
  },
}

/** Where a page goes on: a record, or a row in a batch. */
function beforeOf(place: string | undefined): { before?: number; beforeRow?: number } {
  if (place === undefined) return {}
  const match = /^(\d{1,15})(?:\/(\d{1,10}))?$/.exec(place)
  if (!match) throw new Fault('usage', `--before ${place}: give the number of a record, or SEQ/ROW in a batch.`)
  return { before: Number(match[1]), ...(match[2] === undefined ? {} : { beforeRow: Number(match[2]) }) }
}

function report({ predictions, next, nextRow, asOf }: Found, { color, columns }: Context): string {
  const { dim } = paint(color)
  const known = `as of record ${number(asOf)}`
  if (predictions.length === 0) return `No prediction is known that fits, ${known}.\n`
  const rows = predictions.map(({ seq, id, model, score, time: made, campaign, erased }) => [
    number(seq),
    made.replace(/\.0+Z$/, 'Z'),
    erased ? '' : score === undefined ? '' : score.toFixed(4),
    model,
    erased ? dim('erased') : (id ?? ''),
    campaign ?? '',
  ])
  const head = ['record', 'time', 'score', 'model', 'prediction', 'campaign'].map(dim)
  const page =
    next === undefined ? '' : `; there are more: add --before ${next}${nextRow === undefined ? '' : `/${nextRow}`}`
  const sum = `${plural(predictions.length, 'prediction')}, ${known}${page}`
  return `${table([head, ...rows], { right: [0, 2], indent: '  ', columns })}\n  ${sum}\n`
}
