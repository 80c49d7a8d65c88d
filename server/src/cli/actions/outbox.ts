import type { Acknowledged, Claims, OutboxState } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, required, text, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { campaign } from '../options.ts'

export const outbox: Command = {
  name: 'outbox show',
  summary: 'how much was released and waits for a sender',
  usage: 'outbox show',
  options: {},
  async run(context, args) {
    positionals(args)
    const state = await withClient(context, args, (client) => client.outbox())
    if (flag(args, 'json')) printJson(context, state)
    else context.stdout(stateText(printable(state), context))
    return 0
  },
}

export const outboxClaim: Command = {
  name: 'outbox claim',
  summary: 'take released actions, to send them',
  usage: 'outbox claim',
  options: {
    channel: { type: 'string', value: 'C', help: 'only of this channel' },
    campaign,
    environment: { type: 'string', value: 'E', help: 'of this environment (default production)' },
    limit: { type: 'string', value: 'N', help: 'at most N (default 100)' },
    lease: { type: 'string', value: 'SECONDS', help: 'given out again unless acknowledged by then (default 300)' },
  },
  details: 'Prints one claim a line as JSON: it holds what is to be sent, and to whom.',
  async run(context, args) {
    positionals(args)
    const claims = await withClient(context, args, (client) =>
      client.claim(
        given({
          channel: text(args, 'channel'),
          campaign: text(args, 'campaign'),
          environment: text(args, 'environment'),
          limit: integer(args, 'limit', 1),
          lease: integer(args, 'lease', 1),
        }),
      ),
    )
    if (flag(args, 'json')) printJson(context, claims)
    else {
      context.stdout(claims.claims.map((claim) => `${JSON.stringify(claim)}\n`).join(''))
      context.stderr(claimsText(claims))
    }
    return 0
  },
}

export const outboxAcknowledge: Command = {
  name: 'outbox acknowledge',
  summary: 'say what became of a claim',
  usage: 'outbox acknowledge CLAIM --status sent|failed|returned',
  options: {
    status: { type: 'string', value: 'S', help: 'sent; failed, for good; or returned, to be given out again' },
    message: { type: 'string', value: 'ID', help: 'the id by which the provider calls the message' },
    reason: { type: 'string', value: 'TEXT', help: 'why it failed or was returned' },
  },
  async run(context, args) {
    const [claim] = positionals(args, 'CLAIM')
    const status = required(args, 'status', 'sent, failed or returned')
    if (status !== 'sent' && status !== 'failed' && status !== 'returned')
      throw new Fault('usage', '--status is sent, failed or returned.')
    if (!/^\d{1,15}$/.test(claim!)) throw new Fault('usage', 'CLAIM is the number that the claim was given.')
    const one = {
      claim: Number(claim),
      status,
      ...given({ providerId: text(args, 'message'), reason: text(args, 'reason') }),
    } as const
    const answer = await withClient(context, args, (client) => client.acknowledge([one]))
    if (flag(args, 'json')) printJson(context, answer)
    else context.stdout(acknowledgedText(printable(answer), context))
    return answer.results.every((result) => 'receipt' in result) ? 0 : 1
  },
}

function stateText({ queued, leased, campaigns }: OutboxState, { color, columns }: Context): string {
  const { dim } = paint(color)
  const rows = campaigns.map((one) => [number(one.queued), one.campaign, one.channel])
  const list =
    rows.length === 0
      ? ''
      : `${table([['queued', 'campaign', 'channel'].map(dim), ...rows], { right: [0], indent: '  ', columns })}\n`
  return `${list}  ${number(queued)} queued, ${number(leased)} with senders\n`
}

function claimsText({ claims, withheld, waiting }: Claims): string {
  const kept = withheld === 0 ? '' : `; ${number(withheld)} withheld: consent or a quarantine stands against them`
  return `${plural(claims.length, 'claim')}; ${number(waiting)} still waiting${kept}\n`
}

function acknowledgedText({ results }: Acknowledged, { color }: Context): string {
  const { green, red, yellow } = paint(color)
  return results
    .map((one) => {
      if (!('receipt' in one)) return `${red('✗')} claim ${number(one.claim)}: ${one.problem.message}\n`
      const late = one.late ? '; its lease was over' : ''
      const withdrawn =
        one.withdrawn === undefined ? '' : yellow(`; withdrawn meanwhile, record ${number(one.withdrawn)}`)
      return `${green('✓')} claim ${number(one.claim)} ${one.status}, record ${number(one.receipt.seq)}${late}${withdrawn}\n`
    })
    .join('')
}
