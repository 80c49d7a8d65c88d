import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Envelope } from '@whence/sdk'
import type { CopyPart, EnvelopeSignature, Reviewed, ReviewQueue, ReviewStep } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
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
  type Args,
  type Command,
} from '../command.ts'
import type { Context } from '../context.ts'
import { campaign } from '../options.ts'

export const reviews: Command = {
  name: 'reviews list',
  summary: 'what waits for somebody’s approval, the soonest due first',
  usage: 'reviews list',
  options: {
    assigned: { type: 'string', value: 'WHO', help: 'only what is assigned to them' },
    campaign,
    overdue: { type: 'boolean', help: 'only what is overdue' },
    limit: { type: 'string', value: 'N', help: 'at most N (default 100)' },
  },
  async run(context, args) {
    positionals(args)
    const query = given({
      assigned: text(args, 'assigned'),
      campaign: text(args, 'campaign'),
      overdue: flag(args, 'overdue') ? ('true' as const) : undefined,
      limit: integer(args, 'limit', 1),
    })
    const queue = await withClient(context, args, (client) => client.reviews(query))
    if (flag(args, 'json')) printJson(context, queue)
    else context.stdout(queueText(printable(queue), context))
    return 0
  },
}

export const reviewsAssign = stepCommand({
  name: 'reviews assign',
  summary: 'give a held action to a reviewer',
  usage: 'reviews assign ACTION --to WHO',
  options: {
    to: { type: 'string', value: 'WHO', help: 'a name: no address' },
    due: { type: 'string', value: 'T', help: 'until when it should be decided' },
  },
  step: async (_, args) => ({
    step: 'assign',
    to: required(args, 'to', 'whom it is given to'),
    ...given({ due: time(args, 'due') }),
  }),
})

export const reviewsApprove = stepCommand({
  name: 'reviews approve',
  summary: 'approve exactly what a held action says now',
  usage: 'reviews approve ACTION --statement DIGEST',
  options: {
    statement: { type: 'string', value: 'DIGEST', help: 'of what you looked at, as whence reviews shows it' },
    signed: { type: 'string', value: 'FILE', help: 'the envelope with your signature: whence agents sign' },
    note: { type: 'string', value: 'TEXT', help: 'why' },
  },
  step: async (context, args) => ({
    step: 'approve',
    statement: required(args, 'statement', 'the digest of what you looked at'),
    ...given({ note: text(args, 'note'), signature: await signatureIn(context, text(args, 'signed')) }),
  }),
})

export const reviewsReject = stepCommand({
  name: 'reviews reject',
  summary: 'refuse a held action',
  usage: 'reviews reject ACTION --note WHY',
  options: { note: { type: 'string', value: 'WHY', help: 'why' } },
  step: async (_, args) => ({ step: 'reject', note: required(args, 'note', 'why it is refused') }),
})

export const reviewsEdit = stepCommand({
  name: 'reviews edit',
  summary: 'change the copy of a held action; approvals of the copy before are void',
  usage: 'reviews edit ACTION --copy FILE',
  options: {
    copy: {
      type: 'string',
      value: 'FILE',
      help: 'JSON: an object of texts by part, like {"subject": "…", "text": "…"}',
    },
    note: { type: 'string', value: 'TEXT', help: 'why' },
  },
  step: async (context, args) => ({
    step: 'edit',
    copy: copyOf(await readFile(resolve(context.cwd, required(args, 'copy', 'a file with the new copy')), 'utf8')),
    ...given({ note: text(args, 'note') }),
  }),
})

function stepCommand({
  step,
  ...command
}: Omit<Command, 'run'> & { step(context: Context, args: Args): Promise<ReviewStep> }): Command {
  return {
    ...command,
    async run(context, args) {
      const [action] = positionals(args, 'ACTION')
      const body = await step(context, args)
      const reviewed = await withClient(context, args, (client) => client.review(action!, body))
      if (flag(args, 'json')) printJson(context, reviewed)
      else context.stdout(reviewedText(printable(reviewed), context))
      return reviewed.decision === 'refused' && reviewed.step === 'approve' ? 1 : 0
    },
  }
}

/** The last signature of an envelope: whoever signs adds theirs. */
async function signatureIn(context: Context, file: string | undefined): Promise<EnvelopeSignature | undefined> {
  if (file === undefined) return undefined
  const read = Envelope.safeParse(tryJson(await readFile(resolve(context.cwd, file), 'utf8')))
  const last = read.data?.signatures.at(-1)
  if (last === undefined) throw new Fault('usage', `${file} is no signed envelope: whence agents sign makes one.`)
  return last
}

function tryJson(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}

function copyOf(json: string): CopyPart[] {
  try {
    const read = JSON.parse(json) as Record<string, string> | CopyPart[]
    return Array.isArray(read) ? read : Object.entries(read).map(([part, words]) => ({ part, text: words }))
  } catch (cause) {
    throw new Fault('usage', 'The file of --copy is no JSON.', { cause })
  }
}

function queueText({ pending, overdue, asOf }: ReviewQueue, { color, columns }: Context): string {
  const { dim, red } = paint(color)
  if (pending.length === 0) return `Nothing waits for approval, as of record ${number(asOf)}.\n`
  const rows = pending.map((one) => [
    one.overdue ? red(one.due.slice(0, 16)) : one.due.slice(0, 16),
    one.action,
    one.assigned ?? '',
    `${one.approvals}/${one.needed}`,
    one.statement.slice(0, 12),
    one.reason,
  ])
  const head = ['due', 'action', 'assigned', 'approved', 'statement', 'because'].map(dim)
  const late = overdue === 0 ? '' : `, ${number(overdue)} overdue`
  return `${table([head, ...rows], { indent: '  ', columns })}\n  ${plural(pending.length, 'action')}${late}\n`
}

function reviewedText(
  { action, step, decision, reason, statement, diff, receipt }: Reviewed,
  { color }: Context,
): string {
  const { green, red, yellow, dim } = paint(color)
  const mark = { released: green('✓'), held: yellow('·'), refused: red('✗') }[decision]
  const changes = (diff ?? []).map((one) => `${dim(one.part)}\n${one.diff}\n`).join('')
  const now = statement === undefined ? '' : `\n  statement ${statement}`
  return `${mark} ${action}: ${step}, ${decision}, record ${number(receipt.seq)}\n  ${reason}${now}\n${changes}`
}
