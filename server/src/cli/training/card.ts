import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { printable } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, text, withClient, type Command } from '../command.ts'
import { complain } from '../complain.ts'

export const trainingCard: Command = {
  name: 'training-set card',
  summary: 'the data card of a training set: sources, clocks, columns, what was left out, limits, approvals',
  usage: 'training-set card ID',
  options: { output: { type: 'string', short: 'o', value: 'FILE', help: 'write to a file; default: standard output' } },
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const output = text(args, 'output')
    if (flag(args, 'json') && output === undefined) {
      printJson(context, await withClient(context, args, (client) => client.trainingCard(id!)))
      return 0
    }
    const card = await withClient(context, args, async (client) =>
      flag(args, 'json')
        ? `${JSON.stringify(await client.trainingCard(id!), null, 2)}\n`
        : client.trainingCardText(id!),
    )
    if (output === undefined) {
      context.stdout(`${card.trimEnd().split('\n').map(printable).join('\n')}\n`)
      return 0
    }
    await writeFile(resolve(context.cwd, output), card)
    complain(context, `written to ${output}`)
    return 0
  },
}
