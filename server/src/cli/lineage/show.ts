import { nodeText, runText } from '../../govern/reports/lineage-shown-text.ts'
import { positionals, withClient } from '../command.ts'
import type { Command } from '../command.ts'
import { answer, formatOption, moment, momentOptions } from './asking.ts'

export const lineageShow: Command = {
  name: 'lineage show',
  summary: 'what is known of one name, or of one run and why it failed',
  usage: 'lineage show NODE|run:ID',
  options: { ...momentOptions, ...formatOption('text|json') },
  async run(context, args) {
    const [node] = positionals(args, 'NODE|run:ID')
    const asked = moment(args)
    const options = { color: context.color, width: context.columns }
    await withClient(context, args, async (client) => {
      if (node!.startsWith('run:')) {
        const run = await client.lineageRun({ run: node!, ...asked })
        answer(context, args, run, { text: () => runText(run, options) })
      } else {
        const found = await client.lineageNode({ node: node!, ...asked })
        answer(context, args, found, { text: () => nodeText(found, options) })
      }
    })
    return 0
  },
}
