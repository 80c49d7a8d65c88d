import type { RecordedConsent } from '@whence/sdk'
import { number, printable } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, withClient, type Command } from '../command.ts'
import { asOf, subjectType } from '../options.ts'

export const consentsShow: Command = {
  name: 'consents show',
  summary: 'the consent receipts of a person, newest first',
  usage: 'consents show IDENTIFIER',
  options: {
    type: subjectType,
    'as-of': asOf,
    limit: { type: 'string', value: 'N', help: 'how many (default 100)' },
  },
  async run(context, args) {
    const [identifier] = positionals(args, 'IDENTIFIER')
    const answer = await withClient(context, args, (client) =>
      client.consents({
        identifier: identifier!,
        ...given({ subjectType: text(args, 'type'), asOf: integer(args, 'as-of'), limit: integer(args, 'limit', 1) }),
      }),
    )
    if (flag(args, 'json')) printJson(context, answer)
    else if (answer.consents.length === 0)
      context.stdout(
        answer.known ? 'no receipt of this person is on record\n' : 'nothing is recorded about such a person\n',
      )
    else context.stdout(`${printable(answer).consents.map(line).join('\n')}\n`)
    return 0
  },
}

function line({ seq, receipt, quoted, conflict }: RecordedConsent): string {
  const purposes = receipt.purposes
    .map(
      ({ purpose, state = receipt.state, channels }) =>
        `${purpose}${channels ? ` (${channels.join(', ')})` : ''}: ${state}`,
    )
    .join(' · ')
  const notice = receipt.notice
    ? `   notice ${receipt.notice.version}${quoted ? `, ${quoted.sha256.slice(0, 12)}… on the log` : ''}`
    : ''
  const mark = conflict ? '   in conflict: of it only what denies counts' : ''
  return `${number(seq)}   ${receipt.time}   ${purposes}   receipt ${receipt.id} version ${receipt.version}${notice}${mark}`
}
