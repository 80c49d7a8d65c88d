import type { Emitter } from '@whence/sdk'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, given, positionals, printJson, text, withClient, type Command } from './command.ts'

export const emitters: Command = {
  name: 'emitters',
  summary: 'what emitters were given, what they lost, and which of their numbers are missing',
  usage: 'emitters',
  options: { stream: { type: 'string', value: 'STREAM', help: 'only of this stream (whence.predictions too)' } },
  details: `
"said" is an emitter's own last word; "on record" is counted on the ledger. A number is unexplained when it is missing
and the emitter does not say what became of it: then the exit code is 1.`,
  async run(context, args) {
    positionals(args)
    const answer = await withClient(context, args, (client) => client.emitters(given({ stream: text(args, 'stream') })))
    const all = answer.emitters
    if (flag(args, 'json')) printJson(context, answer)
    else if (all.length === 0) context.stdout('No emitter has sent anything yet.\n')
    else context.stdout(report(printable(all), context.color))
    return all.some(({ unexplained }) => unexplained > 0) ? 1 : 0
  },
}

const counts = ['emitted', 'recorded', 'duplicate', 'conflict', 'refused', 'sampledOut', 'dropped', 'waiting'] as const

function report(all: readonly Emitter[], color: boolean): string {
  const { dim, yellow } = paint(color)
  const head = ['stream', 'source', 'emitter', ...counts, 'on record', 'missing'].map(dim)
  const rows = all.map(({ stream, source, emitter, said, numbers, missing }) => [
    stream,
    source,
    emitter,
    ...counts.map((name) => (said ? number(said[name]) : '?')),
    number(numbers),
    number(missing),
  ])
  const remarks = all.flatMap(({ stream, emitter, said, unexplained, gaps }) => [
    ...(said && said.unknown > 0
      ? [`${stream}: a run of ${emitter} was killed; at most ${plural(said.unknown, 'record')} of it are lost`]
      : []),
    ...Object.entries(said?.reasons ?? {}).map(
      ([code, count]) => `${stream}: ${emitter} lost ${number(count)}: ${code}`,
    ),
    ...(unexplained > 0
      ? [
          `${stream}: ${plural(unexplained, 'number')} of ${emitter} missing and not explained, the first from ${number(gaps[0]!.from)} to ${number(gaps[0]!.to)}`,
        ]
      : []),
  ])
  const right = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
  return `${table([head, ...rows], { right, indent: '  ' })}\n${remarks.map((line) => `${yellow('!')} ${line}\n`).join('')}`
}
