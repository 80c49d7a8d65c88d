import type { Webhooks } from '@whence/sdk'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'

export const webhooksList: Command = {
  name: 'webhooks list',
  summary: 'the webhooks that are configured, and what they got',
  usage: 'webhooks list',
  options: {},
  details: 'Requests are counted since the server started; outcomes on record are of all time.',
  async run(context, args) {
    positionals(args)
    const webhooks = await withClient(context, args, (client) => client.webhooks())
    if (flag(args, 'json')) printJson(context, webhooks)
    else context.stdout(webhooksText(printable(webhooks), context))
    return 0
  },
}

function webhooksText({ webhooks, unknown }: Webhooks, { color, columns }: Context): string {
  const { dim, red } = paint(color)
  if (webhooks.length === 0)
    return 'No webhook is configured: apply a file of the kind Webhook (docs/spec/outcomes.md).\n'
  const head = ['webhook', 'provider', 'received', 'events', 'refused', 'unreadable', 'on record', 'last'].map(dim)
  const rows = webhooks.map(({ name, provider, received, events, refused, unreadable, recorded, last }) => [
    name,
    provider,
    number(received),
    number(events),
    refused === 0 ? '0' : red(number(refused)),
    unreadable === 0 ? '0' : red(number(unreadable)),
    number(recorded),
    last?.replace(/\.\d+Z$/, 'Z') ?? '',
  ])
  const lacking = webhooks.flatMap(({ name, problem }) =>
    problem === undefined ? [] : [`  ${red('!')} ${name}: ${problem}\n`],
  )
  const strangers =
    unknown === 0 ? '' : `  ${plural(unknown, 'request')} to webhooks that are not configured, refused\n`
  return `${table([head, ...rows], { right: [2, 3, 4, 5, 6], indent: '  ', columns })}\n${lacking.join('')}${strangers}`
}
