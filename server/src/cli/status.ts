import type { Status, Stream } from '@whence/sdk'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'

export const status: Command = {
  name: 'status',
  summary: 'the log, the streams with their accounting, and what deserves attention',
  usage: 'status',
  options: {},
  async run(context, args) {
    positionals(args)
    const [log, streams] = await withClient(context, args, (client) => Promise.all([client.status(), client.streams()]))
    if (flag(args, 'json')) printJson(context, { ...log, streams })
    else context.stdout(report(printable(log), printable(streams), context))
    return 0
  },
}

function report(log: Status, streams: Stream[], { color, columns }: Context): string {
  const { bold, dim, yellow } = paint(color)
  const kinds = Object.entries(log.records).toSorted(([, a], [, b]) => b - a)
  const { anchored, follower } = log
  const rows = [
    ['log', `${bold(log.origin)}   ${plural(log.size, 'record')}, ${number(log.published)} published`],
    ['records', kinds.map(([kind, count]) => `${kind} ${number(count)}`).join(' · ') || 'none'],
    ['anchored', anchored ? anchor(anchored) : yellow('not yet independently anchored; see: whence anchor --help')],
    [
      'database',
      `${log.database}, follower at ${number(follower.next)}${follower.lag > 0 ? `, ${plural(follower.lag, 'record')} behind` : ''}`,
    ],
    ['verifier key', log.vkey],
    ['version', log.version],
  ].map(([label, what]) => [dim(label!), what!])
  return [
    ...log.warnings.map((warning) => `${yellow('!')} ${warning}\n`),
    `${table(rows, { indent: '  ', columns })}\n`,
    streams.length > 0 ? `\n${accounts(streams, color)}` : '',
  ].join('')
}

function anchor({ time, where, size, independent }: NonNullable<Status['anchored']>): string {
  return `${number(size)} records, ${time}, ${where}${independent ? '' : ' (not independent)'}`
}

const outcomes = ['passed', 'flagged', 'quarantined', 'dropped', 'conflict', 'released'] as const

function accounts(streams: Stream[], color: boolean): string {
  const { dim, yellow } = paint(color)
  const head = ['stream', 'contract', ...outcomes].map(dim)
  const rows = streams.map(({ stream, contract, recorded }) => [
    stream,
    contract,
    ...outcomes.map((outcome) => number(recorded[outcome])),
  ])
  const gaps = streams.flatMap(({ stream, gaps }) =>
    gaps.map(
      ({ source, from, to, missing }) =>
        `${yellow('!')} ${stream}: ${missing} missing between ${from} and ${to} of ${source}’s sequence numbers\n`,
    ),
  )
  return `${table([head, ...rows], { right: [2, 3, 4, 5, 6, 7], indent: '  ' })}\n${gaps.join('')}`
}
