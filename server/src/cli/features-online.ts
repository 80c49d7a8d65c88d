import type { Online } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, printable, table } from '../govern/reports/text.ts'
import { flag, given, integer, printJson, text, time, withClient } from './command.ts'
import { asOf, eventTime } from './options.ts'
import type { Args, Command } from './command.ts'

export const featuresOnline: Command = {
  name: 'features online',
  summary: 'show features of some people as of now, or as of any two clocks',
  usage: 'features online VIEW… --entity ID',
  options: {
    entity: { type: 'string', multiple: true, value: 'ID', help: 'an identifier, as the source sends it; repeatable' },
    subject: { type: 'string', multiple: true, value: 'ID', help: 'a subject id, as snapshots hold it; repeatable' },
    'subject-type': { type: 'string', value: 'TYPE', help: 'of the identifiers (default: the entity of the views)' },
    at: eventTime,
    'as-of': asOf,
  },
  details:
    'VIEW is a name, for its newest version, or name@vN. An event counts as soon as it is acknowledged, late ones too.\n\n' +
    'Exit code 1 when somebody is unknown or erased, or a value could not be computed.',
  async run(context, args) {
    if (args.positionals.length === 0) throw new Fault('usage', 'VIEW is missing.')
    const [entities, subjects] = [list(args, 'entity'), list(args, 'subject')]
    if (!entities && !subjects) throw new Fault('usage', '--entity is missing: name an identifier, or a --subject.')
    const request = {
      views: args.positionals,
      ...given({
        entities,
        subjects,
        subjectType: text(args, 'subject-type'),
        at: time(args, 'at'),
        asOf: integer(args, 'as-of'),
      }),
    }
    const answer = await withClient(context, args, (client) => client.onlineMany(request))
    if (flag(args, 'json')) printJson(context, answer)
    else context.stdout(shown(printable(answer), context.color))
    const whole = answer.entities.every(
      ({ state, views }) => state === 'known' && views.every(({ problem }) => problem === undefined),
    )
    return whole ? 0 : 1
  },
}

function list(args: Args, name: string): string[] | undefined {
  const values = args.values[name]
  return Array.isArray(values) ? values.map(String) : undefined
}

const states = { known: '', unknown: 'nobody of this name was ever recorded', erased: 'erased on request' }

function shown(answer: Online, color: boolean): string {
  const { bold, dim, red } = paint(color)
  const lines = [dim(`at ${answer.at}   as of record ${number(answer.asOf)}`)]
  for (const { entity, subject, state, views } of answer.entities) {
    lines.push('', `${bold(entity ?? subject ?? '')}${state === 'known' ? '' : `   ${red(states[state])}`}`)
    for (const { view, present, values, newest, age, stale, problem } of views) {
      const seen = newest === undefined ? 'no events' : `newest event ${newest}, ${duration(age!)} before`
      const marks = [present ? '' : 'not in a snapshot', stale === true ? 'stale' : ''].filter(Boolean)
      lines.push(`  ${view}   ${dim(seen)}${marks.length > 0 ? `   ${red(marks.join(', '))}` : ''}`)
      if (problem !== undefined) lines.push(`    ${red(problem)}`)
      const rows = Object.entries(values).map(([name, value]) => [name, value === null ? 'none' : String(value)])
      if (rows.length > 0) lines.push(table(rows, { indent: '    ' }))
    }
  }
  return `${lines.join('\n')}\n`
}

function duration(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${number(seconds / 86_400, 1)} days`
  if (seconds >= 2 * 3600) return `${number(seconds / 3600, 1)} hours`
  return `${number(seconds, 1)} s`
}
