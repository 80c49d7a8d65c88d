import { number, paint, printable } from '../../govern/reports/text.ts'
import {
  flag,
  given,
  integer,
  positionals,
  printJson,
  required,
  text,
  time,
  withClient,
  type Command,
} from '../command.ts'
import { subjectType } from '../options.ts'

export const consentsCheck: Command = {
  name: 'consents check',
  summary: 'whether a person may be asked for a purpose, and why',
  usage: 'consents check IDENTIFIER --purpose P',
  options: {
    purpose: { type: 'string', value: 'P', help: 'as the Purposes in force call it' },
    channel: { type: 'string', value: 'CHANNEL', help: 'default: all of them' },
    jurisdiction: { type: 'string', value: 'CODE', help: 'a place like DE or US-CA' },
    type: subjectType,
    at: { type: 'string', value: 'T', help: 'what held at this time' },
    'as-of': { type: 'string', value: 'N', help: 'by the records and policies before this one' },
  },
  details: `
Unknown denies. Exit code 0 when it is allowed, 1 when it is not.`,
  async run(context, args) {
    const [identifier] = positionals(args, 'IDENTIFIER')
    const check = await withClient(context, args, (client) =>
      client.checkConsent({
        identifier: identifier!,
        purpose: required(args, 'purpose', 'for what?'),
        ...given({
          channel: text(args, 'channel'),
          jurisdiction: text(args, 'jurisdiction'),
          subjectType: text(args, 'type'),
          at: time(args, 'at'),
          asOf: integer(args, 'as-of'),
        }),
      }),
    )
    if (flag(args, 'json')) printJson(context, check)
    else {
      const { green, red } = paint(context.color)
      const { allowed, code, reason, policy, receipt, because } = printable(check)
      const rests = receipt
        ? `   receipt ${receipt.id} version ${receipt.version}, record ${number(receipt.seq)}`
        : because === undefined
          ? ''
          : `   record ${number(because)}`
      const by = policy === undefined ? '' : `   by ${policy}`
      context.stdout(`${allowed ? green('✓ allowed') : red('✗ not allowed')} (${code})   ${reason}${rests}${by}\n`)
    }
    return check.allowed ? 0 : 1
  },
}
