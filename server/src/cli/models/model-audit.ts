import { modelAuditText } from '../../govern/reports/model-audit-text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'

export const modelAudit: Command = {
  name: 'model audit',
  summary: 'what a model version was made from, checked again, and compared with what is in production now',
  usage: 'model audit NAME@VERSION',
  options: {
    diff: { type: 'boolean', help: 'show the lines that changed: of views, contracts, parameters' },
    text: { type: 'boolean', help: 'show the exact definitions as they were' },
  },
  details: 'The exit code is 1 where something on record is contradicted.',
  async run(context, args) {
    const [name] = positionals(args, 'NAME@VERSION')
    const audit = await withClient(context, args, (client) => client.modelAudit(name!))
    if (flag(args, 'json')) printJson(context, audit)
    else
      context.stdout(
        modelAuditText(audit, {
          color: context.color,
          width: context.columns,
          diff: flag(args, 'diff'),
          text: flag(args, 'text'),
        }),
      )
    return audit.alerts.some(({ truth }) => truth === 'contradicted') ? 1 : 0
  },
}
