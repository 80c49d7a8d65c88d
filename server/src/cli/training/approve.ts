import { Fault } from '../../fault.ts'
import { number, paint, printable } from '../../govern/reports/text.ts'
import { flag, given, positionals, printJson, required, text, withClient, type Command } from '../command.ts'

export const trainingApprove: Command = {
  name: 'training-set approve',
  summary: 'record that a training set is approved, or rejected, as whom and for what',
  usage: 'training-set approve ID --as ROLE',
  options: {
    as: { type: 'string', value: 'ROLE', help: 'for example "data protection officer"' },
    purpose: { type: 'string', value: 'TEXT', help: 'for what it may be used' },
    note: { type: 'string', value: 'TEXT', help: 'on the ledger in clear: name nobody in it' },
    reject: { type: 'boolean', help: 'record that it is rejected' },
    id: { type: 'string', value: 'ID', help: 'so that the same decision, sent again, is one' },
  },
  details:
    'Who decided is the key that is used. A decision changes nothing of the set; the data card shows all of them.',
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const role = required(args, 'as', 'the role in which you decide')
    if (role.length > 100) throw new Fault('usage', '--as has more than 100 characters.')
    const approval = await withClient(context, args, (client) =>
      client.approveTrainingSet(id!, {
        role,
        decision: flag(args, 'reject') ? 'rejected' : 'approved',
        ...given({ purpose: text(args, 'purpose'), note: text(args, 'note'), id: text(args, 'id') }),
      }),
    )
    if (flag(args, 'json')) printJson(context, approval)
    else {
      const { green } = paint(context.color)
      const said = printable(approval)
      context.stdout(`${green('✓')} ${said.decision} as ${said.role}   record ${number(said.seq)}   key ${said.by}\n`)
    }
    return 0
  },
}
