import { replayMarkdown, replayText } from '../govern/reports/replay-text.ts'
import { flag, given, positionals, withClient, type Command } from './command.ts'
import { following } from './following.ts'
import { answer, formatOption } from './lineage/asking.ts'
import { refuseOtherForms, selection, selectionOptions, several, share } from './selecting.ts'

export const replay: Command = {
  name: 'replay',
  summary: 'recompute past predictions and say how many agree exactly',
  usage: 'replay',
  options: {
    ...selectionOptions,
    by: {
      type: 'string',
      multiple: true,
      value: 'KEY',
      help: 'count apart by model, day, campaign, segment, score/0.1 …; may be repeated',
    },
    'min-exact': { type: 'string', value: 'SHARE', help: 'exit with 0 when at least this share agrees, as 0.99' },
    surely: { type: 'boolean', help: 'with --min-exact: the lower end of the 95 % interval must reach it' },
    ...formatOption('text|json|markdown'),
  },
  details: `
Exit code 1 when one that could be compared does not agree; with --min-exact, when less than that share does, or nothing
could be compared. Predictions about erased people are not compared.
KEY is model, day, decision, campaign, creative, segment, score, about.NAME, segment.NAME or
feature.NAME. Each miss has a cause:
docs/spec/replay.md says how it is found.`,
  async run(context, args) {
    positionals(args)
    refuseOtherForms(args)
    const by = several(args, 'by')
    const least = share(args, 'min-exact')
    const request = { ...selection(args), ...given({ by: by.length > 0 ? by : undefined }) }
    const result = await withClient(context, args, (client) =>
      following(context, client, 'replay', (job) => client.replay({ ...request, job })),
    )
    const reached = flag(args, 'surely') ? result.interval.low : result.exact / result.compared
    const met = least === undefined ? result.exact === result.compared : result.compared > 0 && reached >= least
    answer(context, args, result, {
      text: () => replayText(result, { color: context.color, width: context.columns, least, met }),
      markdown: () => replayMarkdown(result, { least, met }),
    })
    return met ? 0 : 1
  },
}
