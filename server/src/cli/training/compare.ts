import { number, paint, printable } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'
import { differenceLines } from './differences.ts'

export const trainingCompare: Command = {
  name: 'training-set compare',
  summary: 'which rows and columns of two training sets differ, and why',
  usage: 'training-set compare ID OTHER',
  options: {},
  details: 'Rows are matched by subject, time and label. Exit code 1 when the sets differ.',
  async run(context, args) {
    const [a, b] = positionals(args, 'ID', 'OTHER')
    const compared = await withClient(context, args, (client) => client.compareTrainingSets(a!, b!))
    if (flag(args, 'json')) {
      printJson(context, compared)
      return compared.equal ? 0 : 1
    }
    const { green, red } = paint(context.color)
    const { equal, rows, columns, differences, ...named } = printable(compared)
    const only = (name: string, list: readonly string[]): string[] =>
      list.length === 0 ? [] : [`  columns in ${name} only: ${list.join(', ')}`]
    context.stdout(
      [
        `${equal ? green('✓') : red('✗')} ${named.a} and ${named.b}   ${number(rows.equal)} rows equal   ${number(rows.differing)} with other values   ${number(rows.onlyA)} in ${named.a} only   ${number(rows.onlyB)} in ${named.b} only`,
        ...only(named.a, columns.onlyA),
        ...only(named.b, columns.onlyB),
        ...differenceLines(differences),
        '',
      ].join('\n'),
    )
    return equal ? 0 : 1
  },
}
