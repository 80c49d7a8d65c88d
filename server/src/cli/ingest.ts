import { basename } from 'node:path'
import type { Client, Ingested } from '@whence/sdk'
import { number, paint, printable } from '../govern/reports/text.ts'
import { flag, given, positionals, printJson, text, withClient, type Command } from './command.ts'
import { complain } from './complain.ts'
import type { Context } from './context.ts'
import { batches, csvPieces, ndjsonPieces, type Batch, type Piece } from './files/batches.ts'
import { csvOptions } from './files/columns.ts'
import { lines } from '../rules/files/lines.ts'
import { Progress } from './files/progress.ts'
import { openSource, type Source } from './files/source.ts'
import { Tally, type Exception } from './files/tally.ts'

export const ingest: Command = {
  name: 'ingest',
  summary: 'send the events of a CSV or NDJSON file',
  usage: 'ingest STREAM FILE',
  options: {
    format: { type: 'string', value: 'csv|ndjson', help: 'default: by the extension; ndjson on standard input' },
    delimiter: { type: 'string', value: 'C', help: 'between the fields of CSV (default a comma; a tab in .tsv)' },
    source: { type: 'string', value: 'S', help: 'who the events come from (default: the source of the key)' },
    file: { type: 'string', value: 'NAME', help: 'what the events give as their file (default: the name of FILE)' },
  },
  details: `
FILE is .csv, .tsv, .ndjson, .jsonl or .json (one event a line), each also as .gz, or - for standard input. Every line is
accounted for: recorded, already recorded, or named with its reason. Running it again is safe: what is recorded is
recognised, by the event id of the contract or by file and line, and nothing is added.

Exit code 1 when something was refused or contradicts what is recorded.`,
  async run(context, args) {
    const [stream, path] = positionals(args, 'STREAM', 'FILE')
    const options = given({
      format: text(args, 'format'),
      delimiter: text(args, 'delimiter'),
      name: text(args, 'file'),
    })
    const source = await openSource(context, path!, options)
    const origin = given({ source: text(args, 'source') })
    const run = (client: Client) => send(context, client, stream!, source, origin)
    const { tally, stopped, seconds } = await withClient(context, args, run, origin)

    if (flag(args, 'json')) printJson(context, account(stream!, source, tally, stopped))
    else {
      context.stdout(summary(context, stream!, tally, seconds))
      name(context, stream!, source, tally)
    }
    if (stopped !== undefined) complain(context, ...howFar(path!, tally, stopped))
    return tally.clean && stopped === undefined ? 0 : 1
  },
}

const inFlight = 3

/** Why reading ended before the end of the file. */
type Stopped = 'interrupted' | Error

/** Sends the file, several requests at a time; their answers are taken in the order of the file. */
async function send(
  context: Context,
  client: Client,
  stream: string,
  source: Source,
  origin: { source?: string },
): Promise<{ tally: Tally; stopped: Stopped | undefined; seconds: number }> {
  const tally = new Tally()
  const progress = new Progress(context, stream)
  const place = { ...given({ file: source.name?.slice(0, 255) }), ...origin }
  const waiting: { batch: Batch; answer: Promise<Ingested | undefined> }[] = []
  let stopped: Stopped | undefined
  const forget = context.onInterrupt(() => {
    stopped ??= 'interrupted'
    source.stop()
  })

  const post = (batch: Batch) => {
    const query = { ...place, line: batch.line, results: 'exceptions' as const }
    const answer = batch.sent === 0 ? Promise.resolve(undefined) : client.ingest(stream, batch.body, query)
    answer.catch(() => {}) // seen when its turn comes
    waiting.push({ batch, answer })
  }
  const settle = async () => {
    const { batch, answer } = waiting.shift()!
    try {
      tally.add(batch, await answer)
    } catch (error) {
      // What comes after it in the file is not accounted for, even where it was recorded.
      await Promise.allSettled(waiting.splice(0).map((later) => later.answer))
      throw error
    }
    progress.show(source, tally)
  }

  try {
    for await (const batch of batches(await pieces(context, client, stream, source))) {
      if (stopped !== undefined) break
      post(batch)
      if (waiting.length === inFlight) await settle()
    }
  } catch (error) {
    stopped ??= error as Error
  }
  try {
    while (waiting.length > 0) await settle()
  } catch (error) {
    stopped = error as Error
  }
  forget()
  progress.clear()
  if (stopped instanceof Error && tally.accounting.received === 0) throw stopped
  return { tally, stopped, seconds: progress.seconds }
}

async function pieces(
  context: Context,
  client: Client,
  stream: string,
  source: Source,
): Promise<AsyncIterable<Piece[]>> {
  if (source.format === 'ndjson') return ndjsonPieces(lines(source.chunks))
  const warn = (sentence: string) => complain(context, `${source.name ?? 'standard input'}: ${sentence}`)
  return csvPieces(lines(source.chunks), csvOptions(await client.contract(stream), source.delimiter, warn))
}

function summary(context: Context, stream: string, { accounting, blank }: Tally, seconds: number): string {
  const { green, yellow, bold } = paint(context.color)
  const { received, passed, flagged, quarantined, dropped, duplicate, conflict, refused } = accounting
  const outcomes = [`${number(passed)} passed`, `${number(flagged)} flagged`]
  outcomes.push(`${number(quarantined)} quarantined`, `${number(dropped)} dropped`)
  if (conflict > 0) outcomes.push(`${number(conflict)} in conflict`)
  if (refused > 0) outcomes.push(`${number(refused)} refused`)
  const mark = conflict + refused > 0 ? yellow('!') : green('✓')
  const more = [
    duplicate > 0 ? `already recorded: ${number(duplicate)}` : '',
    blank.count > 0 ? `blank lines skipped: ${number(blank.count)} (${firstFew(blank)})` : '',
  ].filter(Boolean)
  const events = `${number(received)} ${received === 1 ? 'event' : 'events'}`
  const head = `${mark} ${printable(stream)}   ${bold(events)}   ${outcomes.join(' · ')}   ${number(seconds, 1)} s\n`
  return head + more.map((line) => `  ${line}\n`).join('')
}

function firstFew({ count, lines }: Tally['blank']): string {
  const some = lines.slice(0, 10).map((line) => number(line))
  return `line${count === 1 ? '' : 's'} ${some.join(', ')}${count > 10 ? ', …' : ''}`
}

function name(context: Context, stream: string, source: Source, { exceptions, contract = '' }: Tally): void {
  const file = source.name ?? 'standard input'
  for (const result of exceptions.results.slice(0, 10)) {
    complain(context, `${file} line ${number(result.line)}: ${reason(result, contract)}`, consequence(result, stream))
  }
  const rest = exceptions.count - 10
  if (rest > 0) complain(context, `… and ${number(rest)} more; see: whence quarantine ${stream}`)
}

function reason(result: Exception, contract: string): string {
  if (result.broken !== undefined) return result.broken
  if (result.status === 'refused') return result.problem.message
  if (result.status === 'conflict') return `record ${number(result.receipt.seq)} holds other content under the same id`
  const [first, ...others] = result.violations ?? []
  if (!first) return `breaks contract ${contract}`
  const more = others.length > 0 ? `, and ${number(others.length)} more` : ''
  return `${first.message} (contract ${contract}, rule ${first.rule}${more})`
}

function consequence(result: Exception, stream: string): string {
  if (result.status === 'refused') return 'refused: it was not recorded'
  return `quarantined; see: whence quarantine ${stream} --line ${result.line}`
}

function howFar(path: string, tally: Tally, stopped: Stopped): string[] {
  const why = stopped === 'interrupted' ? 'interrupted' : stopped.message
  const reached = tally.line === 0 ? 'Nothing was sent' : `Everything up to line ${number(tally.line)} is accounted for`
  return [
    `${basename(path)}: ${why}`,
    `${reached}. Run it again: what is recorded is recognised, nothing is added twice.`,
  ]
}

function account(stream: string, source: Source, tally: Tally, stopped: Stopped | undefined): unknown {
  const { accounting, contract, blank, exceptions, first, last } = tally
  return {
    stream,
    file: source.name,
    contract,
    accounting,
    blank,
    exceptions,
    ...(last !== undefined && last >= 0 ? { first, last } : {}),
    ...(stopped === undefined
      ? {}
      : { stopped: stopped === 'interrupted' ? stopped : stopped.message, line: tally.line }),
  }
}
