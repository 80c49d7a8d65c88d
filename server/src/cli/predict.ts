import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { Readable } from 'node:stream'
import type { PredictionBatchReceived } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number, paint, printable } from '../govern/reports/text.ts'
import {
  flag,
  given,
  integer,
  positionals,
  printJson,
  required,
  text,
  time,
  withClient,
  type Command,
} from './command.ts'
import { complain } from './complain.ts'
import type { Context } from './context.ts'
import { ReadProgress } from './files/read-progress.ts'

export const predict: Command = {
  name: 'predict',
  summary: 'record a file of predictions as one batch',
  usage: 'predict FILE --model M',
  options: {
    model: { type: 'string', value: 'M', help: 'the model version that made them, name@version' },
    snapshot: { type: 'string', value: 'N', help: 'the feature snapshot that they were scored from' },
    batch: {
      type: 'string',
      value: 'ID',
      help: 'name of the batch (default: the name of FILE); it must name no person',
    },
    time: { type: 'string', value: 'T', help: 'when those were made that state no time (default: now)' },
    rows: { type: 'string', value: 'N', help: 'how many there are: a file that is cut off is then refused' },
    consequential: { type: 'boolean', help: 'keep all of them in full, and which events contributed' },
    format: { type: 'string', value: 'ndjson|parquet', help: 'default: by the extension; ndjson on standard input' },
  },
  details: `
FILE is .ndjson, .jsonl or .parquet, also .ndjson.gz, or - for standard input: one prediction a row, with id, entity (or
subject), score, and what else there is of time, inputs, reasons, about, decision, segments, consequential.

All of it is recorded, or nothing. Every row is accounted for. The same batch again is recognised, in whatever order its
rows come; other content under its name is refused.

Exit code 1 when rows were refused.`,
  async run(context, args) {
    const [path] = positionals(args, 'FILE')
    const source = await open(context, path!, text(args, 'format'))
    const query = {
      batch: text(args, 'batch') ?? source.name,
      model: required(args, 'model', 'which model version made the predictions?'),
      ...given({
        snapshot: integer(args, 'snapshot'),
        time: time(args, 'time'),
        rows: integer(args, 'rows'),
        consequential: flag(args, 'consequential') || undefined,
      }),
    }
    const received = await withClient(context, args, (client) =>
      client.predictBatch(query, source.stream, { format: source.format, gzip: source.gzip }),
    ).finally(() => source.progress.clear())
    if (flag(args, 'json')) printJson(context, received)
    else {
      context.stdout(report(printable(received), context, source.progress.seconds))
      tell(context, source.name, received)
    }
    return received.accounting.refused > 0 ? 1 : 0
  },
}

interface Source {
  /** The name without folders. */
  name: string
  format: 'ndjson' | 'parquet'
  gzip: boolean
  progress: ReadProgress
  stream(): ReadableStream<Uint8Array>
}

async function open(context: Context, path: string, stated: string | undefined): Promise<Source> {
  const gzip = /\.gz$/i.test(path)
  const name = basename(gzip ? path.slice(0, -3) : path)
  const format = stated ?? (path === '-' ? 'ndjson' : formats[/\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''])
  if (format !== 'ndjson' && format !== 'parquet')
    throw new Fault('usage', `Is ${stated ?? path} NDJSON or Parquet? Give --format ndjson or --format parquet.`)
  const full = resolve(context.cwd, path)
  const found =
    path === '-'
      ? undefined
      : await stat(full).catch((cause: unknown) => {
          throw new Fault('usage', `${path} cannot be read: ${(cause as Error).message}`, { cause })
        })
  if (found?.isDirectory()) throw new Fault('usage', `${path} is a folder; give one file.`)
  if (found?.isFile() && found.size === 0)
    throw new Fault('invalid', `${path} is empty (0 bytes): there is nothing to record.`)
  const progress = new ReadProgress(context, path === '-' ? 'standard input' : name, found?.size)
  let begun = false
  return {
    name: path === '-' ? 'standard input' : name,
    format,
    gzip,
    progress,
    stream() {
      if (begun && path === '-') throw new Fault('unavailable', 'standard input cannot be sent twice: run it again')
      begun = true
      const bytes = path === '-' ? context.stdin : createReadStream(full, { highWaterMark: 1 << 18 })
      return Readable.toWeb(
        Readable.from(progress.counting(bytes), { objectMode: false }),
      ) as ReadableStream<Uint8Array>
    },
  }
}

const formats: Record<string, 'ndjson' | 'parquet'> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  json: 'ndjson',
  parquet: 'parquet',
  pq: 'parquet',
}

function report(received: PredictionBatchReceived, { color }: Context, seconds: number): string {
  const { green, yellow, bold, dim } = paint(color)
  const { accounting, tiers, model, batch, seq, receipt, root } = received
  const parts = [`${number(accounting.recorded)} recorded`]
  if (accounting.duplicate > 0) parts.push(`${number(accounting.duplicate)} already recorded`)
  if (accounting.refused > 0) parts.push(`${number(accounting.refused)} refused`)
  const mark = accounting.refused > 0 ? yellow('!') : green('✓')
  const rows = `${number(accounting.received)} ${accounting.received === 1 ? 'row' : 'rows'}`
  const head = `${mark} ${batch}   ${bold(rows)}   ${parts.join(' · ')}   ${number(seconds, 1)} s\n`
  if (seq === undefined) return `${head}  nothing was recorded\n`
  const kept = Object.entries(tiers)
    .map(([tier, n]) => `${number(n)} ${tier}`)
    .join(' · ')
  const where = `record ${number(seq)}${receipt?.status === 'duplicate' ? ', from before' : ''}`
  return `${head}  ${model}   ${where}   kept: ${kept}\n  ${dim(`root ${root ?? ''}`)}\n`
}

function tell(context: Context, name: string, { accounting, examples }: PredictionBatchReceived): void {
  for (const { line, message } of examples.slice(0, 10)) complain(context, `${name} row ${number(line)}: ${message}`)
  const rest = accounting.refused - Math.min(10, examples.length)
  if (rest > 0) complain(context, `… and ${number(rest)} more were refused`)
}
