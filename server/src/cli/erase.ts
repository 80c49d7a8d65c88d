import type { Erasure } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, positionals, printJson, required, text, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'
import { subjectType } from './options.ts'

export const erase: Command = {
  name: 'erase',
  summary: 'make what is sealed about a person unreadable, for ever',
  usage: 'erase IDENTIFIER --basis TEXT',
  options: {
    basis: { type: 'string', value: 'TEXT', help: 'why, for the record: "request of the person, ticket 4711"' },
    type: subjectType,
    yes: { type: 'boolean', help: 'do not ask' },
  },
  details: `
Destroys the person's keys, deletes what was derived about them, and appends a record that says what is gone, what
remains, and on which basis. It cannot be undone. The basis is kept in the open: do not name the person in it.`,
  async run(context, args) {
    const [identifier] = positionals(args, 'IDENTIFIER')
    const subjectType = text(args, 'type') ?? 'customer'
    const basis = required(args, 'basis', 'say why, as in --basis "request of the person, ticket 4711".')
    if (basis.includes(identifier!)) {
      throw new Fault('usage', 'The basis names the identifier, and it is kept in the open; leave the identifier out.')
    }
    if (!flag(args, 'yes') && !(await agreed(context, subjectType, identifier!))) {
      context.stderr('Nothing was erased.\n')
      return 1
    }
    const request = { identifier: identifier!, subjectType, basis }
    const erasure = await withClient(context, args, (client) => client.erase(request))
    if (flag(args, 'json')) printJson(context, erasure)
    else context.stdout(report(printable(erasure), context))
    return 0
  },
}

async function agreed(context: Context, type: string, identifier: string): Promise<boolean> {
  if (!context.isTTY.stdin) {
    throw new Fault('usage', 'This cannot be undone, and there is no terminal to ask on; add --yes.')
  }
  const answer = await context.ask(`Erase ${type} "${printable(identifier)}" for ever? Type yes to go on: `)
  return answer.trim().toLowerCase() === 'yes'
}

function report(erasure: Erasure, { color, columns }: Context): string {
  const { green, bold, dim } = paint(color)
  const { keysDestroyed, recordsUnreadable, rowsDeleted, filesRewritten, remains, basis, seq } = erasure
  const deleted = Object.entries(rowsDeleted).filter(([, rows]) => rows > 0)
  const rows = [
    ['unreadable', `${plural(recordsUnreadable, 'record')}: ${plural(keysDestroyed, 'key')} destroyed`],
    ['deleted', deleted.map(([name, count]) => `${plural(count, 'row')} of ${name}`).join(' · ') || 'no derived rows'],
    ...filesRewritten.map(({ path, after, removed }) => [
      'rewritten',
      `${path}: ${plural(removed, 'row')} removed${after === null ? ', nothing left of it' : ''}`,
    ]),
    ...remains.map(({ what, why }) => ['remains', `${what}: ${why}`]),
    ['basis', basis],
  ].map(([label, what]) => [dim(label!), what!])
  return `${green('✓')} ${bold('erased')}, record ${number(seq)}\n${table(rows, { indent: '  ', columns })}\n`
}
