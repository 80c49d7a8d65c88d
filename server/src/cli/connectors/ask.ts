import { ConnectedObject } from '@whence/sdk'
import type { ConnectedState } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, printable } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'

export const connectorsAsk: Command = {
  name: 'connectors ask',
  summary: 'how a campaign, price, flag or segment stands now in the system that owns it',
  usage: 'connectors ask campaign|price|flag|segment ID',
  options: {},
  async run(context, args) {
    const [kind, id] = positionals(args, 'KIND', 'ID')
    const object = ConnectedObject.safeParse({ kind, id })
    if (!object.success) throw new Fault('usage', 'KIND is campaign, price, flag or segment, and ID its name.')
    const state = await withClient(context, args, (client) => client.connectedState(object.data))
    if (flag(args, 'json')) printJson(context, state)
    else context.stdout(stateText(printable(state), context))
    return state.state === 'answered' ? 0 : 1
  },
}

function stateText({ object, connector, state, detail, value, counts, asked }: ConnectedState, context: Context) {
  const { dim, red } = paint(context.color)
  const whose = connector === undefined ? '' : dim(`  ${connector}${asked === undefined ? '' : `, asked ${asked}`}`)
  const what = `${object.kind} ${object.id}`
  if (state !== 'answered') return `${red('✗')} ${what}: ${state}: ${detail}${whose}\n`
  const shown = value === undefined ? 'nothing there' : typeof value === 'string' ? value : JSON.stringify(value)
  const sent =
    counts?.sent === undefined
      ? ''
      : `, ${number(counts.sent)} sent${counts.toSend === undefined ? '' : ` of ${number(counts.toSend)}`}`
  return `${what}: ${shown}${sent}${whose}\n`
}
