import type { Release } from '@whence/sdk'
import { number, plural, printable, table } from '../govern/reports/text.ts'
import { flag, given, positionals, printJson, withClient, wholeNumber, type Command } from './command.ts'

export const release: Command = {
  name: 'release',
  summary: 'judge quarantined events again, by the contract of now',
  usage: 'release STREAM',
  options: {
    seq: { type: 'string', multiple: true, value: 'N', help: 'only this record; may be given again (default: all)' },
  },
  details: 'What passes now is recorded as an event; what does not stays in quarantine, and the reason is said.',
  async run(context, args) {
    const [stream] = positionals(args, 'STREAM')
    const chosen = args.values.seq as string[] | undefined
    const seqs = chosen?.flatMap((value) => value.split(/[\s;]+/)).map((value) => wholeNumber(value, '--seq'))
    const result = await withClient(context, args, (client) => client.release({ stream: stream!, ...given({ seqs }) }))
    if (flag(args, 'json')) printJson(context, result)
    else context.stdout(report(printable(result), context.columns))
    return seqs && result.kept.length > 0 ? 1 : 0
  },
}

function report({ contract, released, kept }: Release, columns: number): string {
  const sum = `${plural(released.length, 'event')} released under ${contract}, ${number(kept.length)} kept\n`
  const rows = kept.map(({ seq, reason, violations }) => [number(seq), violations[0]?.message ?? reason])
  const shown = rows.slice(0, 10)
  const rest = rows.length > 10 ? `  … and ${number(rows.length - 10)} more\n` : ''
  return sum + (rows.length > 0 ? `${table(shown, { right: [0], indent: '  ', columns })}\n` : '') + rest
}
