import type { ConsentImport, ConsentResults, ImportedReceipt } from '@whence/sdk'
import { ImportFormat, ImportedReceipt as Imported } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { cut, number, paint } from '../../govern/reports/text.ts'
import { lines } from '../../rules/files/lines.ts'
import { flag, given, integer, positionals, printJson, required, text, withClient, type Command } from '../command.ts'
import { subjectType } from '../options.ts'
import { complain } from '../complain.ts'
import { openSource } from '../files/source.ts'

/** Receipts of one request. */
const AT_ONCE = 50

export const consentsImport: Command = {
  name: 'consents import',
  summary: 'record Kantara receipts, TC strings or GPP strings from a file',
  usage: 'consents import FILE --format kantara|tcf|gpp',
  options: {
    format: { type: 'string', value: 'FORMAT', help: 'kantara, tcf or gpp' },
    purpose: { type: 'string', multiple: true, value: 'THEIRS=OURS', help: 'what we call one of their purposes' },
    vendor: { type: 'string', value: 'N', help: 'of TC strings: count for this vendor only' },
    channel: { type: 'string', multiple: true, value: 'CHANNEL', help: 'what they are about (default: every channel)' },
    type: subjectType,
  },
  details: `
FILE is NDJSON, or - for standard input, one receipt a line: a Kantara receipt as it is, which names its person by
piiPrincipalId; or {"identifier": …, "receipt": …}. Each is kept as it came: "whence consents export SEQ" gives it back. The same
again is recognised. A line that cannot be read is told, and the others are recorded.

Exit code 1 when lines were refused.`,
  async run(context, args) {
    const [path] = positionals(args, 'FILE')
    const format = ImportFormat.safeParse(required(args, 'format', 'kantara, tcf or gpp?'))
    if (!format.success) throw new Fault('usage', '--format is kantara, tcf or gpp.')
    const request: Omit<ConsentImport, 'receipts'> = {
      format: format.data,
      ...given({ purposes: renamed(args.values.purpose), vendor: integer(args, 'vendor', 1) }),
      ...(Array.isArray(args.values.channel) ? { channels: args.values.channel as string[] } : {}),
    }
    const source = await openSource(context, path!, { format: 'ndjson' })
    const tally = { recorded: 0, duplicate: 0, conflict: 0, problems: [] as { line: number; message: string }[] }
    await withClient(context, args, async (client) => {
      let waiting: { line: number; receipt: ImportedReceipt }[] = []
      const send = async (): Promise<void> => {
        const some = waiting.splice(0)
        if (some.length === 0) return
        const answer: ConsentResults = await client.importConsents({
          ...request,
          receipts: some.map((each) => each.receipt),
        })
        tally.recorded += answer.recorded
        tally.duplicate += answer.duplicate
        tally.conflict += answer.conflict
        for (const [at, result] of answer.results.entries())
          if (result.status === 'refused')
            tally.problems.push({ line: some[at]!.line, message: result.problem.message })
        if (context.isTTY.stderr)
          context.stderr(`\r\x1b[2K${cut(`  ${number(tally.recorded)} recorded`, context.columns - 1)}`)
      }
      for await (const several of lines(source.chunks)) {
        for (const each of several) {
          if ('bytes' in each && each.bytes.toString('utf8').trim() === '') continue
          const read = 'bytes' in each ? receiptIn(each.bytes, text(args, 'type')) : 'is too long'
          if (typeof read === 'string') tally.problems.push({ line: each.number, message: read })
          else waiting.push({ line: each.number, receipt: read })
          if (waiting.length >= AT_ONCE) await send()
        }
      }
      await send()
      if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
    })
    const { problems, recorded, duplicate, conflict } = tally
    if (flag(args, 'json'))
      printJson(context, { recorded, duplicate, conflict, refused: problems.length, problems: problems.slice(0, 1000) })
    else {
      for (const { line, message } of problems.slice(0, 10))
        complain(context, `${path} line ${number(line)}: ${message}`)
      if (problems.length > 10) complain(context, `… and ${number(problems.length - 10)} more were refused`)
      const { green, yellow } = paint(context.color)
      const parts = [
        `${number(recorded)} recorded`,
        duplicate > 0 ? `${number(duplicate)} already recorded` : '',
        conflict > 0 ? `${number(conflict)} in conflict` : '',
        problems.length > 0 ? `${number(problems.length)} refused` : '',
      ].filter((part) => part !== '')
      context.stdout(`${problems.length > 0 ? yellow('!') : green('✓')} receipts   ${parts.join(' · ')}\n`)
    }
    return problems.length > 0 ? 1 : 0
  },
}

export const consentsExport: Command = {
  name: 'consents export',
  summary: 'a receipt as it was imported, or by the names of ISO/IEC TS 27560',
  usage: 'consents export SEQ',
  options: { standard: { type: 'boolean', help: 'by the names of ISO/IEC TS 27560' } },
  async run(context, args) {
    const [seq] = positionals(args, 'SEQ')
    if (!/^\d{1,15}$/.test(seq!)) throw new Fault('usage', `"${seq}" is no position of a record.`)
    const format = flag(args, 'standard') ? ('iso27560' as const) : ('original' as const)
    const { receipt } = await withClient(context, args, (client) => client.exportConsent(Number(seq), { format }))
    if (typeof receipt === 'string' && !flag(args, 'json')) context.stdout(`${receipt}\n`)
    else printJson(context, receipt)
    return 0
  },
}

/** A receipt on a line, or why there is none. */
function receiptIn(bytes: Buffer, subjectType: string | undefined): ImportedReceipt | string {
  let value: unknown
  try {
    value = JSON.parse(bytes.toString('utf8'))
  } catch {
    return 'is no JSON'
  }
  const whole = Imported.safeParse(value)
  const type = subjectType === undefined ? {} : { subjectType }
  if (whole.success) return { ...type, ...whole.data }
  if (typeof value === 'object' && value !== null && 'consentReceiptID' in value)
    return { ...type, receipt: { ...value } }
  return 'is neither a Kantara receipt nor {"identifier": …, "receipt": …}'
}

function renamed(values: unknown): Record<string, string> | undefined {
  if (!Array.isArray(values)) return undefined
  return Object.fromEntries(
    (values as string[]).map((each) => {
      const at = each.lastIndexOf('=')
      if (at < 1) throw new Fault('usage', `--purpose is THEIRS=OURS, not "${each}".`)
      return [each.slice(0, at), each.slice(at + 1)]
    }),
  )
}
