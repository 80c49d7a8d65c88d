import { lineageDiffText } from '../../govern/reports/lineage-diff-text.ts'
import { given, integer, positionals, withClient } from '../command.ts'
import type { Command } from '../command.ts'
import { answer, formatOption, moment, momentOptions } from './asking.ts'

export const lineageDiff: Command = {
  name: 'lineage diff',
  summary: 'what differs between two versions, and by which run upstream',
  usage: 'lineage diff FROM TO',
  options: {
    depth: { type: 'string', value: 'N', help: 'how far upstream (default 20)' },
    ...momentOptions,
    ...formatOption('text|json'),
  },
  details: `
FROM and TO are each a model version (opens@1), a run (run:ID), a snapshot (snapshot/42), or a version of a dataset
(ID@VERSION; without a version its latest).`,
  async run(context, args) {
    const [from, to] = positionals(args, 'FROM', 'TO')
    const query = { from: from!, to: to!, ...moment(args), ...given({ depth: integer(args, 'depth', 1) }) }
    const diff = await withClient(context, args, (client) => client.lineageDiff(query))
    answer(context, args, diff, {
      text: () => lineageDiffText(diff, { color: context.color, width: context.columns }),
    })
    return 0
  },
}
