import { number, paint, plural, printable } from '../govern/reports/text.ts'
import { flag, integer, printJson, required, time, withClient, type Command } from './command.ts'
import { Fault } from '../fault.ts'

const DAY = 86_400_000

export const expire: Command = {
  name: 'expire',
  summary: 'let old snapshots of tables go, but for those that are needed',
  usage: 'expire [TABLE…] --before T',
  options: {
    before: {
      type: 'string',
      value: 'T',
      help: 'made before this time: 2026-03-20, 2026-03-20T10:00:00Z, or 30d (days ago)',
    },
    keep: { type: 'string', value: 'N', help: 'newest snapshots of each table that stay in any case (default: 1)' },
    'dry-run': { type: 'boolean', help: 'only say what would go' },
  },
  details: `
The current snapshot of a table stays, and so does a snapshot from which predictions were made, or whose view a live
model (one that an alias points at) takes its inputs from. What goes cannot be read again: an explanation says that the
snapshot has expired, and still recomputes the values from the events.`,
  async run(context, args) {
    const given = required(args, 'before', 'say how old a snapshot must be.')
    const days = /^(\d{1,5})d$/.exec(given)?.[1]
    const before =
      days === undefined ? time(args, 'before')! : new Date(context.now().getTime() - Number(days) * DAY).toISOString()
    const keep = integer(args, 'keep', 1)
    const tables = args.positionals
    if (tables.length > 1000) throw new Fault('usage', 'name at most 1,000 tables, or none for all of them.')
    const answer = await withClient(context, args, (client) =>
      client.expireTables({
        before,
        dryRun: flag(args, 'dry-run'),
        ...(keep === undefined ? {} : { keep }),
        ...(tables.length === 0 ? {} : { tables }),
      }),
    )
    if (flag(args, 'json')) {
      printJson(context, answer)
      return 0
    }
    const { dim, green } = paint(context.color)
    const { expired, kept } = printable(answer)
    for (const { table, snapshot } of expired) context.stdout(`${dim('-')} ${table}   ${snapshot}\n`)
    for (const { table, snapshot, why } of kept)
      context.stdout(`${green('=')} ${table}   ${snapshot}   ${why.join('; ')}\n`)
    const verb = answer.dryRun ? 'would go' : 'expired'
    context.stdout(
      `${plural(expired.length, 'snapshot')} ${verb}, ${number(kept.length)} kept because they are needed\n`,
    )
    return 0
  },
}
