import { agentComparisonText } from '../../govern/reports/agent-comparison-text.ts'
import { flag, given, integer, positionals, printJson, time, withClient, type Command } from '../command.ts'
import { decided } from '../options.ts'

export const agentsCompare: Command = {
  name: 'agents compare',
  summary: 'an agent in shadow beside the one whose place it would take',
  usage: 'agents compare SHADOW [INCUMBENT]',
  options: {
    ...decided,
    limit: { type: 'string', value: 'N', help: 'proposals of each, the newest first (default 10,000)' },
  },
  details: `
Two proposals are a pair when they concern the same person, campaign, channel and type, and name a prediction in common; else
when they were decided on the same day (UTC). INCUMBENT is beside whom the file of SHADOW says that it proposes, unless given.
Outcomes are those of what the incumbent sent: what would have come of the shadow's is not known.

Exit code 1 when nothing could be compared.`,
  async run(context, args) {
    const [shadow, incumbent] = positionals(args, 'SHADOW', '[INCUMBENT]')
    const query = given({
      incumbent,
      since: time(args, 'since'),
      until: time(args, 'until'),
      limit: integer(args, 'limit', 1),
    })
    const compared = await withClient(context, args, (client) => client.agentComparison(shadow!, query))
    if (flag(args, 'json')) printJson(context, compared)
    else context.stdout(agentComparisonText(compared, { color: context.color, width: context.columns }))
    return compared.pairs === 0 ? 1 : 0
  },
}
