import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { SchemaChange } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { whatIfPage } from '../../govern/reports/what-if-page.ts'
import { whatIfCsv, whatIfMarkdown, whatIfText } from '../../govern/reports/what-if-text.ts'
import { flag, given, integer, positionals, text, time, withClient } from '../command.ts'
import { asOf } from '../options.ts'
import type { Args, Command } from '../command.ts'
import { answer, formatOption } from './asking.ts'

export const lineageWhatIf: Command = {
  name: 'lineage what-if',
  summary: 'what dropping, renaming or retyping columns would break',
  usage: 'lineage what-if',
  options: {
    drop: { type: 'string', multiple: true, value: 'DATASET#COLUMN', help: 'a column that goes; may be repeated' },
    rename: { type: 'string', multiple: true, value: 'DATASET#COLUMN=NAME', help: 'a column that gets another name' },
    retype: { type: 'string', multiple: true, value: 'DATASET#COLUMN=TYPE', help: 'a column that gets another type' },
    since: { type: 'string', value: 'TIME', help: 'predictions and people from this time on (default: all)' },
    'as-of': asOf,
    html: { type: 'string', value: 'FILE', help: 'write the report as one page, to read or to print' },
    'exit-zero': { type: 'boolean', help: 'exit with 0 even when something breaks' },
    ...formatOption('text|json|csv|markdown|html'),
  },
  details: `
DATASET is an id or a name that only one dataset has. --format markdown is fit for a comment on a pull request.
Exit code 1 when something breaks.`,
  async run(context, args) {
    positionals(args)
    const changes = [...changesOf(args, 'drop'), ...changesOf(args, 'rename'), ...changesOf(args, 'retype')]
    if (changes.length === 0) throw new Fault('usage', 'say what changes: --drop, --rename or --retype DATASET#COLUMN.')
    const request = { changes, ...given({ since: time(args, 'since'), asOf: integer(args, 'as-of') }) }
    const report = await withClient(context, args, (client) => client.whatIf(request))
    answer(context, args, report, {
      text: () => whatIfText(report, { color: context.color, width: context.columns }),
      csv: () => whatIfCsv(report),
      markdown: () => whatIfMarkdown(report),
      html: () => whatIfPage(report),
    })
    const file = text(args, 'html')
    if (file !== undefined) {
      await writeFile(resolve(context.cwd, file), whatIfPage(report)).catch((cause: unknown) => {
        throw new Fault('usage', `${file} cannot be written: ${(cause as Error).message}`, { cause })
      })
      context.stderr(`written: ${file}\n`)
    }
    const breaks = report.consequences.some(({ certainty }) => certainty === 'breaks')
    return breaks && !flag(args, 'exit-zero') ? 1 : 0
  },
}

/** A `#` in the name of a dataset is percent-encoded in its id; so the last one stands before the column. */
function changesOf(args: Args, change: SchemaChange['change']): SchemaChange[] {
  const values = args.values[change]
  return (Array.isArray(values) ? values : []).map((value) => {
    const [, dataset, field, to] = /^(.+)#([^#=]+)(?:=(.+))?$/s.exec(String(value)) ?? []
    if (dataset === undefined || field === undefined)
      throw new Fault('usage', `--${change} takes DATASET#COLUMN, not "${String(value)}".`)
    if (change !== 'drop' && to === undefined)
      throw new Fault('usage', `--${change} "${String(value)}" lacks what it becomes: write DATASET#COLUMN=NEW.`)
    return { dataset, field, change, ...(to === undefined ? {} : { to }) }
  })
}
