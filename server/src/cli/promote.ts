import { PromotionReason } from '@whence/sdk'
import type { Promotion } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, given, positionals, printJson, required, text, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'

export const promote: Command = {
  name: 'promote',
  summary: 'recover what was left out of a prediction, because somebody complained',
  usage: 'promote ID --reason complaint',
  options: {
    reason: { type: 'string', value: 'complaint|appeal|review', help: 'why' },
    note: { type: 'string', value: 'TEXT', help: 'kept with it, sealed under the person' },
  },
  details: `
Of a routine prediction little is kept. This computes its inputs again from the events, its score and reasons by the model,
selects the events that counted, says what could not be had any more, and keeps all of it. What was promoted before is
shown as it was then.

Exit code 1 when something could not be had any more.`,
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const read = PromotionReason.safeParse(required(args, 'reason', 'complaint, appeal or review'))
    if (!read.success) throw new Fault('usage', '--reason is complaint, appeal or review.')
    const request = { reason: read.data, ...given({ note: text(args, 'note') }) }
    const promotion = await withClient(context, args, (client) => client.promote(id!, request))
    if (flag(args, 'json')) printJson(context, promotion)
    else context.stdout(report(printable(promotion), context))
    return promotion.missing.length > 0 ? 1 : 0
  },
}

function report(promotion: Promotion, { color, columns }: Context): string {
  const { green, yellow, bold, dim } = paint(color)
  const { prediction, reason, inputs, inputsAre, score, contributors, reasons, reasonsAre, missing, seq, receipt } =
    promotion
  const events = new Set(Object.values(contributors ?? {}).flat()).size
  const before = receipt.status === 'duplicate' ? `, promoted before (${promotion.reason})` : ''
  const lines = [
    `${missing.length > 0 ? yellow('!') : green('✓')} ${bold(prediction.id)}   ${reason}   record ${number(seq)}${before}\n`,
  ]
  const rows = [
    ['inputs', inputs ? `${plural(Object.keys(inputs).length, 'value')}, ${inputsAre ?? ''}` : dim('none')],
    ['score', score === undefined ? dim('not recomputed') : `${score}`],
    ['reasons', reasons ? `${number(reasons.length)}, ${reasonsAre ?? ''}` : dim('none')],
    ['events', number(events)],
    ...missing.map(({ what, why }) => [yellow('missing'), `${what}: ${why}`]),
  ]
  lines.push(`${table(rows, { indent: '  ', columns })}\n`)
  return lines.join('')
}
