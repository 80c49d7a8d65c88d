import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Plan } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { planText } from '../govern/reports/plan-text.ts'
import { flag, given, integer, positionals, printJson, text, time, withClient, type Command } from './command.ts'
import { remove } from './options.ts'
import { declarationsIn } from './declarations.ts'

export const plan: Command = {
  name: 'plan',
  summary: 'what applying a folder would change, and for whom',
  usage: 'plan DIR',
  options: {
    out: { type: 'string', value: 'FILE', help: 'keep the plan, for whence apply DIR --plan FILE' },
    remove,
    sample: { type: 'string', value: 'N', help: 'compare the values of N people (default 200; 0: nobody)' },
    at: {
      type: 'string',
      value: 'TIME',
      help: 'compare them at this event time (default: when they were heard of last)',
    },
    check: { type: 'boolean', help: 'exit with 2 when there are changes, for CI' },
  },
  details: `
Compares the contracts, feature views and lineage policies in DIR with what is in force, and changes nothing. Each change is
breaking (values or names that somebody may use change or go), non-breaking (something is added), forward-only (values
of the past stay) or metadata (words). Files that differ in layout only are no change.`,
  async run(context, args) {
    const [folder] = positionals(args, 'DIR')
    const declarations = await declarationsIn(resolve(context.cwd, folder!))
    const request = {
      ...declarations,
      remove: flag(args, 'remove'),
      ...given({ sample: integer(args, 'sample'), at: time(args, 'at') }),
    }
    const made = await withClient(context, args, (client) => client.plan(request))
    const file = text(args, 'out')
    if (file !== undefined) await keep(resolve(context.cwd, file), made)
    if (flag(args, 'json')) printJson(context, made)
    else context.stdout(planText(made, { color: context.color, width: context.columns }))
    if (file !== undefined) context.stderr(`written: ${file}\n`)
    return flag(args, 'check') && made.changes.length > 0 ? 2 : 0
  },
}

async function keep(path: string, made: Plan): Promise<void> {
  await writeFile(path, JSON.stringify(made, null, 2) + '\n').catch((cause: unknown) => {
    throw new Fault('usage', `${path} cannot be written: ${(cause as Error).message}`, { cause })
  })
}
