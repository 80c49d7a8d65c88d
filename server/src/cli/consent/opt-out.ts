import type { Client, OptOut, OptOutResults } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { cut, number, paint } from '../../govern/reports/text.ts'
import { flag, given, positionals, printJson, text, time, withClient, type Command } from '../command.ts'
import { complain } from '../complain.ts'
import type { Context } from '../context.ts'
import { subjectType } from '../options.ts'
import { openSource } from '../files/source.ts'
import { optOutList } from './opt-out-list.ts'

const AT_ONCE = 500

export const optOut: Command = {
  name: 'opt-out',
  summary: 'record that people want no marketing any more: a list, or one of them',
  usage: 'opt-out FILE | opt-out --who IDENTIFIER',
  options: {
    who: { type: 'string', value: 'IDENTIFIER', help: 'one person, instead of a list' },
    identifier: {
      type: 'string',
      value: 'COLUMN',
      help: 'names the person in the list (default: identifier, customer, email, …)',
    },
    channel: { type: 'string', value: 'CHANNEL', help: 'where the list has none (default: every channel)' },
    at: { type: 'string', value: 'T', help: 'when it was said, where the list has no time (default: now)' },
    type: subjectType,
    format: { type: 'string', value: 'csv|ndjson', help: 'default: by the extension' },
    delimiter: { type: 'string', value: 'C', help: 'of CSV (default: comma)' },
    note: { type: 'string', value: 'TEXT', help: 'where it was said; sealed with each person’s key' },
  },
  details: `
FILE is .csv, .tsv or .ndjson, also .gz, or - for standard input, with a column that names the person and, if there are,
channel and time. Each line is an objection to marketing; from the answer on nothing that it covers can be sent. A line that
cannot be read is told, and the others are recorded. With times, running it again adds nothing.

Exit code 1 when lines were refused.`,
  async run(context, args) {
    const who = text(args, 'who')
    const [path] = positionals(args, '[FILE]')
    if ((who === undefined) === (path === undefined)) throw new Fault('usage', 'Give a FILE, or --who IDENTIFIER.')
    const common = given({ channel: text(args, 'channel'), time: time(args, 'at'), subjectType: text(args, 'type') })
    const note = given({ note: text(args, 'note') })
    const tally = new Tally()
    await withClient(context, args, async (client) => {
      if (who !== undefined) return tally.take(client, [{ line: 1, optOut: { identifier: who, ...common, ...note } }])
      const source = await openSource(
        context,
        path!,
        given({ format: text(args, 'format'), delimiter: text(args, 'delimiter') }),
      )
      let waiting: { line: number; optOut: OptOut }[] = []
      const list = optOutList(source, { ...common, identifier: text(args, 'identifier') })
      try {
        for await (const each of list) {
          if ('problem' in each) tally.refuse(each.line, each.problem)
          else waiting.push({ line: each.line, optOut: { ...each.optOut, ...note } })
          if (waiting.length < AT_ONCE) continue
          await tally.take(client, waiting)
          waiting = []
          show(context, tally, source.size === undefined ? undefined : source.read / source.size)
        }
      } finally {
        // What was read is recorded, whatever stopped the reading.
        if (waiting.length > 0) await tally.take(client, waiting)
        if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
      }
    })
    if (flag(args, 'json')) printJson(context, tally.answer)
    else {
      for (const { line, message } of tally.problems.slice(0, 10))
        complain(context, `${who === undefined ? `${path} line ${number(line)}` : 'refused'}: ${message}`)
      if (tally.problems.length > 10) complain(context, `… and ${number(tally.problems.length - 10)} more were refused`)
      context.stdout(summary(context, tally))
    }
    return tally.problems.length > 0 ? 1 : 0
  },
}

class Tally {
  recorded = 0
  duplicate = 0
  conflict = 0
  suppressed = 0
  withSenders = 0
  flagged = 0
  told = false
  readonly problems: { line: number; message: string }[] = []

  get answer(): object {
    const { recorded, duplicate, conflict, suppressed, withSenders, flagged, told, problems } = this
    const effects = told ? { suppressed, withSenders, flagged } : {}
    return { recorded, duplicate, conflict, refused: problems.length, ...effects, problems: problems.slice(0, 1000) }
  }

  async take(client: Client, some: readonly { line: number; optOut: OptOut }[]): Promise<void> {
    const answer: OptOutResults = await client.optOut({ optOuts: some.map((each) => each.optOut) })
    this.recorded += answer.recorded
    this.duplicate += answer.duplicate
    this.conflict += answer.conflict
    for (const [at, result] of answer.results.entries()) {
      if (result.status === 'refused') this.refuse(some[at]!.line, result.problem.message)
      else if (result.effects) {
        this.told = true
        this.suppressed += result.effects.suppressed
        this.withSenders += result.effects.withSenders
        this.flagged += result.effects.flagged
      }
    }
  }

  refuse(line: number, message: string): void {
    this.problems.push({ line, message })
  }
}

function show(context: Context, { recorded, duplicate }: Tally, share: number | undefined): void {
  if (!context.isTTY.stderr) return
  const read = share === undefined ? '' : `${Math.floor(Math.min(1, share) * 100)} %  `
  const line = `  ${read}${number(recorded)} recorded · ${number(duplicate)} already recorded`
  context.stderr(`\r\x1b[2K${cut(line, context.columns - 1)}`)
}

function summary(
  { color }: Context,
  { recorded, duplicate, conflict, problems, suppressed, withSenders, flagged, told }: Tally,
): string {
  const { green, yellow } = paint(color)
  const parts = [
    `${number(recorded)} recorded`,
    duplicate > 0 ? `${number(duplicate)} already recorded` : '',
    conflict > 0 ? `${number(conflict)} with other content under a known id` : '',
    problems.length > 0 ? `${number(problems.length)} refused` : '',
    told ? `${number(suppressed)} queued sends suppressed` : '',
    withSenders > 0 ? `${number(withSenders)} already with a sender` : '',
    told ? `${number(flagged)} sends flagged` : '',
  ].filter((part) => part !== '')
  return `${problems.length > 0 ? yellow('!') : green('✓')} opt-outs   ${parts.join(' · ')}\n`
}
