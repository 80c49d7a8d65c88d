import { tmpdir } from 'node:os'
import { plural } from '../govern/reports/text.ts'
import { dataFolder, flag, printJson, text, type Command } from './command.ts'
import type { Context } from './context.ts'
import { sweepCopies } from './drill-copies.ts'
import { showSample } from './demo.ts'

/** What `up` needs of a started server. */
export interface Running {
  url: string
  token: string
  adminKey: string | undefined
  origin: string
  vkey: string
  warnings: string[]
  stop(): Promise<void>
}

export type Start = (
  folder: string,
  options: { host?: string | undefined; port?: string | undefined; onFatal?: (error: unknown) => void },
) => Promise<Running>

export const up = (start: Start): Command => ({
  name: 'up',
  summary: 'start the server on a data folder, and serve until it is stopped',
  usage: 'up [--sample]',
  options: {
    host: { type: 'string', value: 'ADDRESS', help: 'address to listen on (WHENCE_HOST, else 127.0.0.1)' },
    port: { type: 'string', value: 'N', help: 'port to listen on (WHENCE_PORT, else 4600)' },
    sample: { type: 'boolean', help: 'on an empty log, first run the e-mail sample' },
  },
  async run(context, args) {
    const folder = dataFolder(context, args)
    const left = await sweepCopies(tmpdir())
    if (left > 0) context.stderr(`whence: ${plural(left, 'copy', 'copies')} of drills that were killed removed\n`)
    const server = await start(folder, { host: text(args, 'host'), port: text(args, 'port') })
    const { url, adminKey, origin, vkey, warnings } = server
    if (flag(args, 'json')) printJson(context, { url, origin, vkey, data: folder, adminKey, warnings })
    else introduce(context, folder, server)
    const stopped = interrupted(context)
    try {
      if (flag(args, 'sample')) await showSample(context, folder, server)
      if (!flag(args, 'json')) context.stdout(`\n  Serving at ${url}. Stop with Ctrl-C.\n`)
      const signal = await stopped
      context.stderr(`whence: ${signal}: finishing what was accepted …\n`)
    } finally {
      await server.stop()
    }
    return 0
  },
})

function introduce(context: Context, folder: string, { adminKey, origin, warnings }: Running): void {
  const rows = [`data ${folder}   log ${origin}`]
  if (adminKey !== undefined) rows.push(`admin key (shown once)   ${adminKey}`)
  context.stdout(`  Whence   ${rows.join('\n  ')}\n`)
  for (const warning of warnings) context.stdout(`  ! ${warning}\n`)
  if (warnings.length > 0) context.stdout(`  ${plural(warnings.length, 'warning')}; whence status shows them again\n`)
}

function interrupted(context: Context): Promise<string> {
  return new Promise((resolve) => {
    context.onInterrupt(() => resolve('interrupted'))
    process.once('SIGTERM', () => resolve('asked to stop'))
  })
}
