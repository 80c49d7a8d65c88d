import { impactText } from '../../govern/reports/lineage-text.ts'
import { given, positionals, time, withClient } from '../command.ts'
import type { Command } from '../command.ts'
import { answer, formatOption, moment, walk, walkOptions } from './asking.ts'

export const lineageImpact: Command = {
  name: 'lineage impact',
  summary: 'what depends on it: views, models, predictions, people',
  usage: 'lineage impact NODE',
  options: {
    ...walkOptions,
    since: { type: 'string', value: 'TIME', help: 'predictions and people from this time on (default: all)' },
    ...formatOption('text|json'),
  },
  details: `
NODE is an id or a name, as for whence lineage explain. A model version is deployed when there are predictions of it
since --since. People are distinct subjects; who was erased is not among them.`,
  async run(context, args) {
    const [node] = positionals(args, 'NODE')
    const query = { node: node!, ...walk(args), ...moment(args), ...given({ since: time(args, 'since') }) }
    const impact = await withClient(context, args, (client) => client.lineageImpact(query))
    answer(context, args, impact, {
      text: () => impactText(impact, { color: context.color, width: context.columns }),
    })
    return 0
  },
}
