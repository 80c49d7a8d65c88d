import { explainedText } from '../../govern/reports/lineage-text.ts'
import { positionals, withClient } from '../command.ts'
import type { Command } from '../command.ts'
import { answer, formatOption, moment, walk, walkOptions } from './asking.ts'

export const lineageExplain: Command = {
  name: 'lineage explain',
  summary: 'where a dataset, column, run, view or model comes from',
  usage: 'lineage explain NODE',
  options: { ...walkOptions, ...formatOption('text|json') },
  details: `
NODE is an id (dataset:NAMESPACE:NAME, dataset:NAMESPACE:NAME#COLUMN, model:NAME@N, run:ID …) or a name that only one
node has. What the answer may lack is said first.`,
  async run(context, args) {
    const [node] = positionals(args, 'NODE')
    const query = { node: node!, ...walk(args), ...moment(args) }
    const explained = await withClient(context, args, (client) => client.lineageExplain(query))
    answer(context, args, explained, {
      text: () => explainedText(explained, { color: context.color, width: context.columns }),
    })
    return 0
  },
}
