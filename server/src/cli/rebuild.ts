import { number } from '../govern/reports/text.ts'
import { dataFolder, flag, printJson, type Command } from './command.ts'

export type StartRebuilding = (
  folder: string,
  options: { private: true; rebuild: (next: number, size: number) => void },
) => Promise<{ stop(): Promise<void> }>

export const rebuild = (start: StartRebuilding): Command => ({
  name: 'rebuild',
  summary: 'drop every table and make it again from the ledger and the keys',
  usage: 'rebuild',
  options: {},
  async run(context, args) {
    const began = context.now().getTime()
    let records = 0
    const server = await start(dataFolder(context, args), {
      private: true,
      rebuild(next, size) {
        records = size
        if (context.isTTY.stderr) context.stderr(`\r  ${number(next)} of ${number(size)} records`)
      },
    })
    await server.stop()
    const seconds = (context.now().getTime() - began) / 1000
    if (context.isTTY.stderr) context.stderr('\n')
    if (flag(args, 'json')) printJson(context, { records, seconds })
    else context.stdout(`  ✓ rebuilt from ${number(records)} records   ${seconds.toFixed(1)} s\n`)
    return 0
  },
})
