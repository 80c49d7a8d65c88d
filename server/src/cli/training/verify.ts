import type { TrainingVerification } from '@whence/sdk'
import { number, paint, plural, printable } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, text, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { uploaded } from './create.ts'
import { differenceLines } from './differences.ts'

export const trainingVerify: Command = {
  name: 'training-set verify',
  summary: 'make a training set again from the ledger, and hold it against its record',
  usage: 'training-set verify ID',
  options: {
    spine: { type: 'string', value: 'FILE', help: 'the file that it was made of: then its spine is judged again too' },
    format: { type: 'string', value: 'csv|parquet', help: 'of the file; default: by its name' },
  },
  details: 'Exit code 1 when a row that nobody had erased is not made again as it was written.',
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const spine = text(args, 'spine')
    const verified = await withClient(context, args, async (client) => {
      if (spine === undefined) return client.verifyTrainingSet(id!)
      const from = await uploaded(context, args, client, spine)
      return client.verifyTrainingSet(id!, 'upload' in from ? { upload: from.upload } : {})
    })
    if (flag(args, 'json')) printJson(context, verified)
    else context.stdout(lines(context, printable(verified)))
    return verified.equal && verified.problems.length === 0 ? 0 : 1
  },
}

function lines(context: Context, verified: TrainingVerification): string {
  const { green, red, yellow } = paint(context.color)
  const { id, equal, rows, spine, objectedSince, differences, sample, problems } = verified
  return [
    `${equal ? green('✓') : red('✗')} training set ${id}   ${number(rows.equal)} of ${plural(rows.recorded, 'row')} made again as written   spine ${spine}`,
    ...differenceLines(differences),
    ...sample.map(
      (each) =>
        `    ${each.subject}   ${each.at}   ${each.column}: ${String(each.stored)} is now ${String(each.recomputed)}`,
    ),
    ...(objectedSince > 0
      ? [yellow(`  ! ${plural(objectedSince, 'person', 'people')} in it have objected to profiling since`)]
      : []),
    ...problems.map((problem) => red(`  ✗ ${problem}`)),
    '',
  ].join('\n')
}
