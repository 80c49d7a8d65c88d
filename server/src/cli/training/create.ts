import { openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Client, SpineColumns, SpineSource, TrainingSet, TrainingSetRequest } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { cut, number } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, required, text, withClient } from '../command.ts'
import type { Args, Command } from '../command.ts'
import type { Context } from '../context.ts'
import { asOf } from '../options.ts'
import { setLines } from './lines.ts'

/** Milliseconds between two looks at how far it is. */
const LOOK = 1000

export const trainingCreate: Command = {
  name: 'training-set create',
  summary: 'join features to a spine, each row as it was known at its time',
  usage: 'training-set create ID --view VIEW --spine FILE|stream:NAME --label NAME',
  options: {
    view: { type: 'string', multiple: true, value: 'VIEW', help: 'name, or name@vN; several are joined side by side' },
    spine: {
      type: 'string',
      value: 'FILE|stream:NAME|table:NAME',
      help: 'a CSV or Parquet file, the events of a stream, or a table',
    },
    label: { type: 'string', value: 'NAME', help: 'what the label says' },
    'label-column': {
      type: 'string',
      value: 'COLUMN',
      help: 'default: "label", or the name of the label; of a stream: SQL',
    },
    'at-column': { type: 'string', value: 'COLUMN', help: 'default: "at"; of a stream: SQL, default "time"' },
    'entity-column': { type: 'string', value: 'COLUMN', help: 'identifiers; default: "entity"' },
    'subject-column': { type: 'string', value: 'COLUMN', help: 'subject ids instead of identifiers' },
    'as-of-column': { type: 'string', value: 'COLUMN', help: 'a ledger position for each row' },
    where: { type: 'string', value: 'SQL', help: 'which events of the stream' },
    format: { type: 'string', value: 'csv|parquet', help: 'of the file; default: by its name' },
    'as-of': asOf,
    'ignore-knowledge': {
      type: 'boolean',
      help: 'count events that were not known yet at the row’s time: labels may leak',
    },
  },
  details: `
Each row of the spine says whom it is about, when, and what came of it. Rows about people of whom nothing is known, who
were erased, or who object to profiling are left out and counted. The file is deleted on the server when the set is made.
The same command again gives the same set.`,
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const views = [args.values.view ?? []].flat().filter((view) => typeof view === 'string')
    if (views.length === 0) throw new Fault('usage', '--view is missing: which features are joined')
    const label = required(args, 'label', 'what the label says, for example "opened within a week"')
    const spine = required(args, 'spine', 'the rows: a CSV or Parquet file, or stream:NAME')
    const request = {
      id: id!,
      ...(views.length === 1 ? { view: views[0]! } : { views }),
      label,
      ...given({ asOf: integer(args, 'as-of') }),
      ...(flag(args, 'ignore-knowledge') ? { knowledge: 'ignored' as const } : {}),
    }
    const began = context.now().getTime()
    const set = await withClient(context, args, async (client) => {
      const from = spine.startsWith('stream:')
        ? ofStream(args, spine)
        : spine.startsWith('table:')
          ? { table: spine.slice('table:'.length), ...columnsOf(args) }
          : await uploaded(context, args, client, spine)
      return waited(context, client, { ...request, from })
    })
    if (flag(args, 'json')) printJson(context, set)
    else context.stdout(setLines(context, set, { seconds: (context.now().getTime() - began) / 1000 }))
    return 0
  },
}

function ofStream(args: Args, spine: string): SpineSource {
  for (const name of ['entity-column', 'subject-column', 'as-of-column', 'format'])
    if (args.values[name] !== undefined)
      throw new Fault('usage', `--${name} is for files: an event says whom it is about`)
  const label = required(args, 'label-column', 'an SQL expression over one event, for example "amount > 0"')
  return {
    stream: spine.slice('stream:'.length),
    label,
    ...given({ where: text(args, 'where'), at: text(args, 'at-column') }),
  }
}

/** Sends a file as a spine, read while it is sent. */
export async function uploaded(context: Context, args: Args, client: Client, spine: string): Promise<SpineSource> {
  if (args.values.where !== undefined) throw new Fault('usage', '--where is for streams: filter the file beforehand')
  const path = resolve(context.cwd, spine)
  const found = await stat(path).catch((cause: unknown) => {
    throw new Fault('usage', `${spine} cannot be read: ${(cause as Error).message}`, { cause })
  })
  if (!found.isFile()) throw new Fault('usage', `${spine} is no file.`)
  const format =
    text(args, 'format') ?? (/\.(parquet|pq)$/i.test(spine) ? 'parquet' : /\.(csv|tsv|txt)$/i.test(spine) ? 'csv' : '')
  if (format !== 'csv' && format !== 'parquet')
    throw new Fault('usage', `Is ${spine} CSV or Parquet? Give --format csv or --format parquet.`)
  const { upload } = await client.uploadSpine(await openAsBlob(path), format)
  return { upload, ...columnsOf(args) }
}

function columnsOf(args: Args): { columns?: SpineColumns } {
  const columns = given({
    entity: text(args, 'entity-column'),
    subject: text(args, 'subject-column'),
    at: text(args, 'at-column'),
    label: text(args, 'label-column'),
    asOf: text(args, 'as-of-column'),
  })
  return Object.keys(columns).length > 0 ? { columns } : {}
}

/** Makes a set and, on a terminal, shows how far it is. */
async function waited(context: Context, client: Client, request: TrainingSetRequest): Promise<TrainingSet> {
  const made = client.createTrainingSet(request)
  if (!context.isTTY.stderr) return made
  let done = false
  const ended = made.then(
    () => void (done = true),
    () => void (done = true),
  )
  while (!done) {
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, LOOK).unref())])
    if (done) break
    // How far it is can be asked by whoever may read; where that fails, the set is still being made.
    const now = await client.trainingProgress(request.id).catch(() => undefined)
    if (now === undefined || now.state === 'none') continue
    const of = now.of === undefined ? '' : ` of ${number(now.of)}`
    context.stderr(`\r\x1b[2K${cut(`  ${now.state}  ${number(now.done)}${of} rows`, context.columns - 1)}`)
  }
  context.stderr('\r\x1b[2K')
  return made
}
