import { number, paint, plural, printable } from '../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from './command.ts'

export const tables: Command = {
  name: 'tables',
  summary: 'list the Iceberg tables, or show one with its snapshots',
  usage: 'tables [TABLE]',
  options: {},
  details: `
Engines read the tables from the folder "tables" of the data folder, or attach to the catalog of a running server:
its address with /iceberg behind it, and an API key with the scope "read" as its token.`,
  async run(context, args) {
    const [name] = positionals(args, '[TABLE]')
    const { dim, bold } = paint(context.color)
    return withClient(context, args, async (client) => {
      if (name === undefined) {
        const list = await client.tables()
        if (flag(args, 'json')) {
          printJson(context, list)
          return 0
        }
        if (list.tables.length === 0) context.stdout('no tables yet: whence materialize makes the first\n')
        for (const { name: table, rows, snapshots, seq } of printable(list.tables))
          context.stdout(
            `${bold(table)}   ${plural(rows, 'row')}   ${plural(snapshots, 'snapshot')}   ${dim(`record ${number(seq)}`)}\n`,
          )
        return 0
      }
      const table = await client.table(name)
      if (flag(args, 'json')) {
        printJson(context, table)
        return 0
      }
      const { columns, history, location, partition } = printable(table)
      context.stdout(`${bold(printable(table.name))}   ${plural(table.rows, 'row')}   ${dim(location)}\n`)
      context.stdout(`  ${columns.map((column) => `${column.name} ${column.type}`).join(', ')}\n`)
      for (const { column, transform } of partition) context.stdout(`  divided by ${transform} of ${column}\n`)
      for (const { id, at, operation, rows, files, summary } of history)
        context.stdout(
          `  ${id}   ${at}   ${operation}   ${plural(rows, 'row')} in ${plural(files, 'file')}   ${dim(summary['whence.run'] ?? '')}\n`,
        )
      return 0
    })
  },
}
