import { number } from '../govern/reports/text.ts'
import { dataFolder, flag, printJson, type Command } from './command.ts'
import { Fault } from '../fault.ts'

export type Recover = (
  folder: string,
) => Promise<{ origin: string; previous: string; kept: number; abandoned: { size: number } }>

export const recover = (run: Recover): Command => ({
  name: 'recover',
  summary: 'go on from an older copy of the data folder, under a new origin',
  usage: 'recover --yes',
  options: { yes: { type: 'boolean', help: 'the newer folder is lost: go on without its records' } },
  details: `
A log never goes back: its checkpoints are signed, and somebody may hold one that is newer than this folder. If the
newer folder still exists, restore it instead. If it is lost, this command gives the log a new origin. The records that
are here keep their positions, and the first record of the new origin names the checkpoint that was abandoned.`,
  async run(context, args) {
    if (!flag(args, 'yes'))
      throw new Fault('usage', 'This abandons every record after the copy. Say --yes if the newer folder is lost.')
    const { origin, previous, kept, abandoned } = await run(dataFolder(context, args))
    if (flag(args, 'json')) printJson(context, { origin, previous, kept, abandoned: abandoned.size })
    else
      context.stdout(
        `  ✓ ${origin} goes on with ${number(kept)} records; ${previous} was abandoned at ${number(abandoned.size)}\n`,
      )
    return 0
  },
})
