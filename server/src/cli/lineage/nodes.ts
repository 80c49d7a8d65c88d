import { number, printable, table } from '../../govern/reports/text.ts'
import { plainId } from '../../record/lineage/plain-id.ts'
import { given, integer, positionals, text, withClient } from '../command.ts'
import type { Command } from '../command.ts'
import { answer, formatOption, moment, momentOptions } from './asking.ts'

export const lineageNodes: Command = {
  name: 'lineage nodes',
  summary: 'find names in the lineage graph',
  usage: 'lineage nodes [TEXT]',
  options: {
    kinds: { type: 'string', value: 'KIND,…', help: 'only dataset, job, stream, view, training, model' },
    limit: { type: 'string', value: 'N', help: 'at most N (default 50)' },
    ...momentOptions,
    ...formatOption('text|json'),
  },
  details: 'Exit code 1 when there is none.',
  async run(context, args) {
    const [q] = positionals(args, '[TEXT]')
    const query = { ...given({ q, kinds: text(args, 'kinds'), limit: integer(args, 'limit', 1) }), ...moment(args) }
    const found = await withClient(context, args, (client) => client.lineageNodes(query))
    answer(context, args, found, {
      text() {
        const rows = printable(found.nodes).map(({ kind, id, appeared }) => [
          kind,
          plainId(id),
          `record ${number(appeared)}`,
        ])
        const more = found.truncated ? `  … and more; --limit shows them\n` : ''
        return rows.length === 0 ? 'No such name.\n' : `${table(rows, { indent: '  ' })}\n${more}`
      },
    })
    return found.nodes.length > 0 ? 0 : 1
  },
}
