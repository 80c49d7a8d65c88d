import { readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { CopyPart, Rollback, RollbackRequest } from '@whence/sdk'
import { CauseKind, Degree, RevertObject } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { planText, rollbackText, scopeText } from '../../govern/reports/rollback-text.ts'
import { paint, printable, table } from '../../govern/reports/text.ts'
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
import { decided } from '../options.ts'

export const causes = `
CAUSE is KIND:NAME, where KIND is alarm or outcome (named by its record), action, agent, campaign, creative, model, prompt,
gates (name@vN), view or dataset: alarm:4711, campaign:spring, model:offers@3.`

export const rollbackScope: Command = {
  name: 'rollback scope',
  summary: 'whom a cause concerns, and what can be done about it',
  usage: 'rollback scope CAUSE',
  options: {
    ...decided,
    list: { type: 'boolean', help: 'every decision, one a line as JSON' },
    predictions: { type: 'boolean', help: 'every prediction behind it, one a line as JSON; those in batches too' },
  },
  details: causes,
  async run(context, args) {
    const query = { ...causeOf(positionals(args, 'CAUSE')[0]!), ...boundsOf(args) }
    await withClient(context, args, async (client) => {
      if (flag(args, 'list')) {
        for await (const one of client.scopeActions(query)) context.stdout(`${JSON.stringify(one)}\n`)
        return
      }
      if (flag(args, 'predictions')) {
        for await (const one of client.scopePredictions(query)) context.stdout(`${JSON.stringify(one)}\n`)
        return
      }
      const scope = await client.scope(query)
      if (flag(args, 'json')) printJson(context, scope)
      else context.stdout(scopeText(printable(scope), context.color))
    })
    return 0
  },
}

export const rollbackPlan: Command = {
  name: 'rollback plan',
  summary: 'what a rollback would do, and what it cannot undo',
  usage: 'rollback plan CAUSE --reason TEXT [--out FILE]',
  options: {
    ...decided,
    reason: { type: 'string', value: 'TEXT', help: 'why; it is recorded, so nothing personal' },
    degrees: {
      type: 'string',
      value: 'D,…',
      help: 'pause, revert, compensate (default: pause, and what is asked for)',
    },
    to: {
      type: 'string',
      value: 'N',
      help: 'revert to the state as of this position (default: before the first decision)',
    },
    alias: {
      type: 'string',
      multiple: true,
      value: 'MODEL@ALIAS',
      help: 'this alias points again where it did (:ENV)',
    },
    declaration: {
      type: 'string',
      multiple: true,
      value: 'KIND:NAME',
      help: 'this view, chain of gates, agent … again',
    },
    object: {
      type: 'string',
      multiple: true,
      value: 'KIND:ID[=V]',
      help: 'this campaign, price, flag or segment again',
    },
    purpose: { type: 'string', value: 'P', help: 'of what people are written (default service)' },
    channel: { type: 'string', value: 'C', help: 'by which they are written to (default email)' },
    copy: { type: 'string', value: 'FILE', help: 'what they read: JSON, { "subject": "…", "text": "…" }' },
    playbook: { type: 'string', value: 'NAME', help: 'the file that says who is told and what follows' },
    out: { type: 'string', value: 'FILE', help: 'write the plan there, for "whence rollback apply"' },
  },
  details: `${causes}
Nothing is done. "whence rollback apply FILE" runs exactly this plan, or refuses when it is stale.`,
  async run(context, args) {
    const request = await requestOf(context, args)
    const plan = await withClient(context, args, (client) => client.planRollback(request))
    const out = text(args, 'out')
    if (out !== undefined)
      await writeFile(resolve(context.cwd, out), `${JSON.stringify({ ...request, plan: plan.id }, null, 2)}\n`)
    if (flag(args, 'json')) printJson(context, plan)
    else {
      context.stdout(planText(printable(plan), context.color))
      if (out !== undefined) context.stdout(`Run it: whence rollback apply ${out}\n`)
    }
    return 0
  },
}

export const rollbackApply: Command = {
  name: 'rollback apply',
  summary: 'run exactly the plan that was shown',
  usage: 'rollback apply FILE',
  options: {},
  details: 'FILE is what "whence rollback plan --out" wrote. Ends with 1 where a step failed: the same again goes on.',
  async run(context, args) {
    const path = positionals(args, 'FILE')[0]!
    const request = await jsonFile(context, path)
    if (typeof request.plan !== 'string')
      throw new Fault('usage', `${path} holds no plan: write it with whence rollback plan … --out ${path}`)
    return tell(context, args, await withClient(context, args, (client) => client.applyRollback(request as never)))
  },
}

export const rollbackResume: Command = {
  name: 'rollback resume',
  summary: 'let a rollback go on that was cut off, or of which a step failed',
  usage: 'rollback resume ID',
  options: {},
  async run(context, args) {
    const id = positionals(args, 'ID')[0]!
    return tell(context, args, await withClient(context, args, (client) => client.resumeRollback(id)))
  },
}

export const rollbackShow: Command = {
  name: 'rollback show',
  summary: 'a rollback: its plan, and what became of each step',
  usage: 'rollback show ID',
  options: {},
  async run(context, args) {
    const id = positionals(args, 'ID')[0]!
    const rollback = await withClient(context, args, (client) => client.rollback(id))
    tell(context, args, rollback)
    return 0
  },
}

export const rollbackReport: Command = {
  name: 'rollback report',
  summary: 'one page: what happened, who was concerned, what was done, what remains',
  usage: 'rollback report ID [--format markdown|html] [--out FILE]',
  options: {
    format: { type: 'string', value: 'F', help: 'markdown (default) or html' },
    out: { type: 'string', value: 'FILE', help: 'write it there' },
  },
  async run(context, args) {
    const id = positionals(args, 'ID')[0]!
    const format = text(args, 'format') ?? 'markdown'
    if (format !== 'markdown' && format !== 'html') throw new Fault('usage', '--format is markdown or html.')
    await withClient(context, args, async (client) => {
      if (flag(args, 'json')) return printJson(context, await client.rollbackReport(id))
      const report = await client.rollbackReportText(id, format)
      const out = text(args, 'out')
      if (out === undefined) return context.stdout(report)
      await writeFile(resolve(context.cwd, out), report)
      return context.stdout(`written to ${out}\n`)
    })
    return 0
  },
}

export const rollbacks: Command = {
  name: 'rollbacks',
  summary: 'all rollbacks, newest first',
  usage: 'rollbacks',
  options: {},
  async run(context, args) {
    positionals(args)
    const all = await withClient(context, args, (client) => client.rollbacks())
    if (flag(args, 'json')) printJson(context, all)
    else if (all.rollbacks.length === 0) context.stdout('nothing was rolled back\n')
    else
      context.stdout(
        table(
          printable(all).rollbacks.map(({ id, state, says, degrees, begun }) => [
            id.slice(0, 12),
            state,
            `${begun.slice(0, 19)}Z`,
            degrees.join(', '),
            says,
          ]),
        ),
      )
    return 0
  },
}

function tell(context: Context, args: Args, rollback: Rollback): number {
  if (flag(args, 'json')) printJson(context, rollback)
  else context.stdout(rollbackText(printable(rollback), context.color))
  const { green } = paint(context.color)
  if (rollback.state === 'done' && !flag(args, 'json'))
    context.stdout(`${green('✓')} whence rollback report ${rollback.id.slice(0, 12)} tells it on one page\n`)
  return rollback.state === 'done' || rollback.state === 'dry run' ? 0 : 1
}

async function requestOf(context: Context, args: Args): Promise<RollbackRequest> {
  const aliases = many(args, 'alias').map(aliasOf)
  const declarations = many(args, 'declaration').map((one) => {
    const [kind, name] = pair(one, 'a kind and a name, as in view:reader')
    return { kind, name }
  })
  const objects = many(args, 'object').map(objectOf)
  const copy = text(args, 'copy')
  const to = integer(args, 'to', 0)
  const playbook = text(args, 'playbook')
  const reverts = aliases.length + declarations.length + objects.length > 0 || to !== undefined
  const degrees = text(args, 'degrees')?.split(',') ?? [
    'pause',
    ...(reverts ? ['revert'] : []),
    ...(copy === undefined ? [] : ['compensate']),
  ]
  const known = degrees.map((degree) => {
    const parsed = Degree.safeParse(degree.trim())
    if (!parsed.success) throw new Fault('usage', `"${degree}" is no degree: pause, revert, compensate.`)
    return parsed.data
  })
  return {
    ...causeOf(positionals(args, 'CAUSE')[0]!),
    ...boundsOf(args),
    reason: required(args, 'reason', 'why it is rolled back'),
    degrees: known,
    ...(known.includes('revert')
      ? { revert: { aliases, declarations, objects, ...(to === undefined ? {} : { to }) } }
      : {}),
    ...(copy === undefined
      ? {}
      : {
          compensate: {
            copy: partsOf(await jsonFile(context, copy), copy),
            ...given({ purpose: text(args, 'purpose'), channel: text(args, 'channel') }),
          },
        }),
    ...(playbook === undefined ? {} : { playbook }),
  }
}

export function causeOf(text: string): { kind: CauseKind; name: string } {
  const [kind, name] = pair(text, 'a cause, as in campaign:spring')
  const known = CauseKind.safeParse(kind)
  if (!known.success) throw new Fault('usage', `"${kind}" is no cause: ${CauseKind.options.join(', ')}.`)
  return { kind: known.data, name }
}

export function boundsOf(args: Args): { since?: string; until?: string } {
  return given({ since: time(args, 'since'), until: time(args, 'until') })
}

function aliasOf(text: string): { model: string; alias: string; environment?: string } {
  const match = /^([^@]+)@([^@:]+)(?::([^@:]+))?$/.exec(text)
  if (!match) throw new Fault('usage', `"${text}" names no alias: offers@champion, or offers@champion:staging.`)
  return { model: match[1]!, alias: match[2]!, ...(match[3] === undefined ? {} : { environment: match[3] }) }
}

function objectOf(text: string): { kind: 'campaign' | 'price' | 'flag' | 'segment'; id: string; to?: unknown } {
  const [kind, rest] = pair(text, 'a kind and an id, as in price:sku-1=9.5')
  const known = RevertObject.shape.kind.safeParse(kind)
  if (!known.success)
    throw new Fault('usage', `"${kind}" is nothing that a connected system owns: campaign, price, flag, segment.`)
  const equals = rest.indexOf('=')
  if (equals < 0) return { kind: known.data, id: rest }
  const value = rest.slice(equals + 1)
  let to: unknown = value
  try {
    to = JSON.parse(value)
  } catch {
    // A word is itself.
  }
  return { kind: known.data, id: rest.slice(0, equals), to }
}

function pair(text: string, what: string): [string, string] {
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1) throw new Fault('usage', `"${text}" is not ${what}.`)
  return [text.slice(0, colon), text.slice(colon + 1)]
}

function many(args: Args, name: string): string[] {
  const values = args.values[name]
  return Array.isArray(values) ? values.map(String) : values === undefined ? [] : [String(values)]
}

function partsOf(copy: Record<string, unknown>, path: string): CopyPart[] {
  return Object.entries(copy).map(([part, value]) => {
    if (typeof value !== 'string') throw new Fault('usage', `${path}: ${part} is no text.`)
    return { part, text: value }
  })
}

async function jsonFile(context: Context, path: string): Promise<Record<string, unknown>> {
  const read = await readFile(resolve(context.cwd, path), 'utf8').catch((cause: unknown) => {
    throw new Fault('usage', `${path} cannot be read.`, { cause })
  })
  try {
    const value = JSON.parse(read) as unknown
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Told below.
  }
  throw new Fault('usage', `${path} is no JSON object.`)
}
