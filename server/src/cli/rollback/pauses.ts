import type { ActionScope, Pause, PauseDone } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, printable, table } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, required, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'

const kinds = ['agent', 'campaign', 'creative', 'model', 'prompt'] as const

const reason = { type: 'string', value: 'TEXT', help: 'why; it is recorded' } as const

export const pause: Command = {
  name: 'pause',
  summary: 'stop what an agent, a campaign, a model or a prompt sends',
  usage: 'pause KIND:NAME --reason TEXT',
  options: { reason },
  details: `
KIND is agent, campaign, creative, model or prompt; a model or prompt is named with its version (name@version), or without
for all of them. From the moment of the answer no sender gets anything of it: what is queued stays where it is, and what is
proposed is held. What a sender has claimed already is counted; "whence rollback" goes further.`,
  async run(context, args) {
    const scope = scopeOf(positionals(args, 'KIND:NAME')[0]!)
    const why = required(args, 'reason', 'why it is paused')
    const done = await withClient(context, args, (client) => client.pause({ ...scope, reason: why }))
    return tell(context, args, done)
  },
}

export const resume: Command = {
  name: 'resume',
  summary: 'let it go on',
  usage: 'resume KIND:NAME --reason TEXT',
  options: { reason },
  async run(context, args) {
    const scope = scopeOf(positionals(args, 'KIND:NAME')[0]!)
    const why = required(args, 'reason', 'why it goes on')
    const done = await withClient(context, args, (client) => client.resume({ ...scope, reason: why }))
    return tell(context, args, done)
  },
}

export const pauses: Command = {
  name: 'pauses',
  summary: 'what is paused, and what waits under it',
  usage: 'pauses',
  options: {},
  async run(context, args) {
    positionals(args)
    const all = await withClient(context, args, (client) => client.pauses())
    if (flag(args, 'json')) printJson(context, all)
    else if (all.length === 0) context.stdout('nothing is paused\n')
    else
      context.stdout(
        table(
          printable(all).map((one) => [
            `${one.kind}:${one.name}`,
            `since ${one.since.slice(0, 19)}Z`,
            waits(one),
            one.reason,
          ]),
        ),
      )
    return 0
  },
}

/** Reads `campaign:spring`, also for other commands. Throws `usage`. */
export function scopeOf(given: string): ActionScope {
  const colon = given.indexOf(':')
  const kind = kinds.find((one) => one === given.slice(0, Math.max(colon, 0)))
  const name = given.slice(colon + 1)
  if (kind === undefined || name === '')
    throw new Fault(
      'usage',
      `"${given}" names nothing: say ${kinds.join(', ')}, a colon, and its name: campaign:spring.`,
    )
  return { kind, name }
}

function tell(context: Context, args: Parameters<Command['run']>[1], done: PauseDone): number {
  if (flag(args, 'json')) printJson(context, done)
  else {
    const { green } = paint(context.color)
    const { kind, name, paused, seq, receipt } = printable(done)
    const already = receipt.status === 'duplicate' ? ' already' : ''
    context.stdout(
      `${green('✓')} the ${kind} ${name} is ${paused ? 'paused' : 'running again'}${already}   ${waits(done)}   record ${seq}\n`,
    )
  }
  return 0
}

function waits({ quarantined, claimed }: Pause): string {
  return `${number(quarantined)} queued · ${number(claimed)} with a sender`
}
