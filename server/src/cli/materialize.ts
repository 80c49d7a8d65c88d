import { number, paint, plural, printable } from '../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, time, withClient, type Command } from './command.ts'
import { asOf, eventTime } from './options.ts'

export const materialize: Command = {
  name: 'materialize',
  summary: 'compute a feature view into an immutable snapshot',
  usage: 'materialize VIEW',
  options: {
    at: eventTime,
    'as-of': asOf,
  },
  details: 'VIEW is a name, for its newest version, or name@vN.',
  async run(context, args) {
    const [view] = positionals(args, 'VIEW')
    const request = { view: view!, ...given({ at: time(args, 'at'), asOf: integer(args, 'as-of') }) }
    const began = context.now().getTime()
    const snapshot = await withClient(context, args, (client) => client.materialize(request))
    if (flag(args, 'json')) {
      printJson(context, snapshot)
      return 0
    }
    const { green, dim } = paint(context.color)
    const seconds = number((context.now().getTime() - began) / 1000, 1)
    const { view: name, rows, features, at, asOf, id, files } = printable(snapshot)
    const size = `${plural(rows, 'row')} × ${plural(features.length, 'feature')}`
    context.stdout(
      `${green('✓')} snapshot ${number(id)}   ${name}   ${size}   at ${at}   as of record ${number(asOf)}   ${seconds} s\n` +
        files.map(({ path, sha256 }) => dim(`  ${path}   sha256 ${sha256}\n`)).join(''),
    )
    return 0
  },
}
