import { Ticket } from '@whence/sdk'
import type { OutcomeResults, PlacedOutcome } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { cut, number, paint, plural, printable } from '../../govern/reports/text.ts'
import { flag, given, positionals, printJson, text, time, withClient, type Args, type Command } from '../command.ts'
import { complain } from '../complain.ts'
import type { Context } from '../context.ts'
import { subjectType } from '../options.ts'
import { openSource } from '../files/source.ts'
import { ticketList } from './ticket-list.ts'

/** Tickets of one request. */
const AT_ONCE = 200
/** Results and problems that --json lists; all are counted. */
const LISTED = 10_000

interface Added {
  line: number
  id: string
  result: PlacedOutcome
}

interface Tally extends Omit<OutcomeResults, 'results'> {
  optOuts: number
  untiedTickets: { line: number; id: string }[]
  problems: { line: number; message: string }[]
  results: Added[]
}

export const ticketsAdd: Command = {
  name: 'tickets add',
  summary: 'record support tickets, complaints and appeals, tied to the messages that they are about',
  usage: 'tickets add (FILE | --id ID --kind KIND [--message M] [--recipient R] …)',
  options: {
    id: { type: 'string', value: 'ID', help: 'of one ticket: the same one again is recognised by it' },
    kind: { type: 'string', value: 'KIND', help: 'ticket, complaint or appeal' },
    message: { type: 'string', value: 'M', help: 'the provider’s id of the message that it answers' },
    action: { type: 'string', value: 'A', help: 'the action, by its id or the idempotency key of its claim' },
    recipient: { type: 'string', value: 'R', help: 'the address that it came from' },
    person: { type: 'string', value: 'IDENTIFIER', help: 'who wrote it' },
    type: subjectType,
    time: { type: 'string', value: 'T', help: 'when it was written (default: now)' },
    channel: { type: 'string', value: 'C', help: 'by which the message went (default email)' },
    text: { type: 'string', value: 'TEXT', help: 'what was written; - reads it from standard input' },
    'opt-out': { type: 'boolean', help: 'the person wants no marketing any more' },
    format: { type: 'string', value: 'FORMAT', help: 'of FILE: csv, ndjson or json, where its name does not say' },
  },
  details: `
FILE holds tickets: CSV with a head of the names of their fields (id, kind, time, message, action, recipient, identifier,
channel, text, optOut), one JSON object a line, or a JSON array; - is standard input. A ticket is tied to its action by the
message, else by the action, else by the recipient and the time; what is tied to nothing is recorded, and told. A complaint is an
opt-out, as --opt-out is. What stands on a command line others on this machine may see: a file or standard input shows nothing.

Exit code 1 when a ticket was refused.`,
  async run(context, args) {
    const [path] = positionals(args, '[FILE]')
    const flags = Object.keys(ticketsAdd.options).filter((name) => name !== 'format' && args.values[name] !== undefined)
    if (path !== undefined && flags.length > 0)
      throw new Fault('usage', `FILE and --${flags[0]} exclude one another: a file says it of each ticket.`)
    const tickets =
      path === undefined
        ? one(await ticketOf(context, args))
        : ticketList(await openSource(context, path, given({ format: text(args, 'format') })))
    const tally = await record(context, args, tickets)
    if (flag(args, 'json')) printJson(context, shortened(tally))
    else report(context, printable(tally), path)
    return tally.refused + tally.conflict > 0 ? 1 : 0
  },
}

async function* one(ticket: Ticket): AsyncGenerator<{ line: number; ticket: Ticket }> {
  yield { line: 1, ticket }
}

async function ticketOf(context: Context, args: Args): Promise<Ticket> {
  const written = text(args, 'text')
  const read = Ticket.safeParse(
    given({
      id: text(args, 'id'),
      kind: text(args, 'kind'),
      message: text(args, 'message'),
      action: text(args, 'action'),
      recipient: text(args, 'recipient'),
      identifier: text(args, 'person'),
      subjectType: text(args, 'type'),
      time: time(args, 'time'),
      channel: text(args, 'channel'),
      text: written === '-' ? await standardInput(context) : written,
      optOut: flag(args, 'opt-out') ? true : undefined,
    }),
  )
  if (read.success) return read.data
  const [issue] = read.error.issues
  const option = issue!.path[0] === 'identifier' ? 'person' : String(issue!.path[0] ?? 'id')
  throw new Fault('usage', `--${option}: ${issue!.message}; give a FILE, or --id and --kind.`)
}

async function standardInput(context: Context): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of context.stdin) {
    size += chunk.length
    if (size > 400_000) throw new Fault('usage', 'a ticket holds at most 100,000 characters: give fewer.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function record(context: Context, args: Args, tickets: ReturnType<typeof ticketList>): Promise<Tally> {
  const tally: Tally = {
    recorded: 0,
    duplicate: 0,
    conflict: 0,
    refused: 0,
    tied: 0,
    untied: 0,
    optOuts: 0,
    untiedTickets: [],
    problems: [],
    results: [],
  }
  const problem = (line: number, message: string): void => {
    tally.refused++
    tally.problems.push({ line, message })
  }
  await withClient(context, args, async (client) => {
    let waiting: { line: number; ticket: Ticket }[] = []
    const send = async (): Promise<void> => {
      const some = waiting
      waiting = []
      if (some.length === 0) return
      const { results, ...counts } = await client.recordTickets(some.map(({ ticket }) => ticket))
      for (const name of ['recorded', 'duplicate', 'conflict', 'tied', 'untied'] as const) tally[name] += counts[name]
      for (const [at, result] of results.entries()) {
        const { line, ticket } = some[at]!
        tally.results.push({ line, id: ticket.id, result })
        if ('problem' in result) problem(line, result.problem.message)
        else {
          if (result.optOut !== undefined) tally.optOuts++
          if (result.action === undefined) tally.untiedTickets.push({ line, id: ticket.id })
          if (result.receipt.status === 'conflict')
            tally.problems.push({
              line,
              message: `another ticket is on record under the id ${ticket.id}: both are kept`,
            })
        }
      }
      if (context.isTTY.stderr)
        context.stderr(`\r\x1b[2K${cut(`  ${number(tally.results.length)} sent`, context.columns - 1)}`)
    }
    for await (const each of tickets) {
      if ('problem' in each) problem(each.line, each.problem)
      else waiting.push(each)
      if (waiting.length >= AT_ONCE) await send()
    }
    await send()
    if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
  })
  return tally
}

function shortened({ results, problems, untiedTickets, ...counts }: Tally): object {
  return {
    ...counts,
    untiedTickets: untiedTickets.slice(0, LISTED),
    problems: problems.slice(0, LISTED),
    results: results.slice(0, LISTED),
  }
}

function report(context: Context, tally: Tally, path: string | undefined): void {
  const { recorded, duplicate, conflict, refused, optOuts, untiedTickets, problems } = tally
  const place = (line: number): string => (path === undefined ? '' : `${path}, ticket at ${number(line)}: `)
  for (const { line, message } of problems.slice(0, 10)) complain(context, `${place(line)}${message}`)
  if (problems.length > 10) complain(context, `… and ${number(problems.length - 10)} more`)
  const { green, yellow } = paint(context.color)
  const parts = [
    `${number(recorded)} recorded`,
    duplicate > 0 ? `${number(duplicate)} already recorded` : '',
    conflict > 0 ? `${number(conflict)} in conflict` : '',
    refused > 0 ? `${number(refused)} refused` : '',
    `${number(tally.tied)} tied to their action`,
    optOuts > 0 ? plural(optOuts, 'opt-out') : '',
  ].filter((part) => part !== '')
  context.stdout(`${problems.length > 0 ? yellow('!') : green('✓')} tickets   ${parts.join(' · ')}\n`)
  if (untiedTickets.length === 0) return
  const named = untiedTickets.slice(0, 10).map(({ id }) => id)
  const more = untiedTickets.length > named.length ? `, and ${number(untiedTickets.length - named.length)} more` : ''
  context.stdout(
    `${yellow('!')} ${plural(untiedTickets.length, 'ticket')} tied to no action, because no message, action or send to that address fits: ${named.join(', ')}${more}\n`,
  )
}
