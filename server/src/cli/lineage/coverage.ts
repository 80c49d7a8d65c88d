import { coverageText } from '../../govern/reports/lineage-diff-text.ts'
import { given, integer, positionals, text, withClient } from '../command.ts'
import { asOf } from '../options.ts'
import type { Command } from '../command.ts'
import { answer, formatOption } from './asking.ts'

export const lineageCoverage: Command = {
  name: 'lineage coverage',
  summary: 'which models, streams and jobs have complete lineage',
  usage: 'lineage coverage',
  options: {
    namespace: { type: 'string', value: 'GLOB', help: 'only jobs of these namespaces; * stands for any characters' },
    'as-of': asOf,
    ...formatOption('text|json'),
  },
  details: 'Exit code 1 when a policy in force (kind: LineagePolicy) is violated.',
  async run(context, args) {
    positionals(args)
    const query = given({ namespace: text(args, 'namespace'), asOf: integer(args, 'as-of') })
    const coverage = await withClient(context, args, (client) => client.lineageCoverage(query))
    answer(context, args, coverage, {
      text: () => coverageText(coverage, { color: context.color, width: context.columns }),
    })
    return coverage.violations.length > 0 ? 1 : 0
  },
}
