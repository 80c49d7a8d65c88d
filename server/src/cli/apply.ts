import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Plan, WhenceError } from '@whence/sdk'
import type { Applied, ApplyRequest, Client } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { planText } from '../govern/reports/plan-text.ts'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, positionals, printJson, text, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'
import { remove } from './options.ts'
import { declarationsIn } from './declarations.ts'

/** Plans made anew when somebody else was faster. */
const TRIES = 5

export const apply: Command = {
  name: 'apply',
  summary: 'put the contracts and feature views of a folder into force',
  usage: 'apply DIR',
  options: {
    plan: { type: 'string', value: 'FILE', help: 'apply exactly this plan (whence plan DIR --out FILE), or nothing' },
    remove,
  },
  details: `
Sends every .yaml and .yml file under DIR (or the one file given). All come into force, or none. It makes a plan, shows
it and applies exactly that. With --plan it refuses when something else was applied since the plan was made, or when the
files are not those that were planned.`,
  async run(context, args) {
    const [folder] = positionals(args, 'DIR')
    const declarations = await declarationsIn(resolve(context.cwd, folder!))
    const file = text(args, 'plan')
    const kept = file === undefined ? undefined : await read(resolve(context.cwd, file))
    if (kept && flag(args, 'remove') && !kept.remove)
      throw new Fault('usage', `${file} was made without --remove: make it again with it.`)
    const remove = kept ? kept.remove : flag(args, 'remove')
    const silent = flag(args, 'json')
    const applied = await withClient(context, args, (client) =>
      kept
        ? client.apply({ ...declarations, remove, plan: { base: kept.base, digest: kept.digest } })
        : planned(client, { ...declarations, remove }, (made) => {
            if (!silent && made.changes.length > 0)
              context.stdout(planText(made, { color: context.color, width: context.columns }) + '\n')
          }),
    )
    if (silent) printJson(context, applied)
    else context.stdout(report(printable(applied), context))
    return 0
  },
}

/** Makes the plan, shows it, and applies it; made anew when another was applied between the two. */
async function planned(client: Client, request: ApplyRequest, show: (plan: Plan) => void): Promise<Applied> {
  for (let tries = 1; ; tries++) {
    const made = await client.plan({ ...request, sample: 0 })
    show(made)
    try {
      return await client.apply({ ...request, plan: { base: made.base, digest: made.digest } })
    } catch (error) {
      const stale =
        error instanceof WhenceError && error.code === 'conflict' && error.message.startsWith('the plan is stale')
      if (!stale || tries === TRIES) throw error
    }
  }
}

async function read(path: string): Promise<Plan> {
  const bytes = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Fault('usage', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  })
  try {
    return Plan.parse(JSON.parse(bytes))
  } catch (cause) {
    throw new Fault('usage', `${path} is no plan: whence plan DIR --out FILE makes one.`, { cause })
  }
}

function report({ applied, plan }: Applied, context: Context): string {
  const { green, red, dim } = paint(context.color)
  const changed = applied.filter(({ change }) => change !== 'unchanged').length
  const rows = applied.map(({ change, kind, name, version, path }) => [
    change === 'unchanged' ? dim('=') : change === 'removed' ? red('-') : green('✓'),
    kind,
    `${name}@${/^\d+$/.test(version) ? 'v' : ''}${version}`,
    change === 'unchanged' ? dim(change) : change,
    dim(path ?? ''),
  ])
  const sum = `${plural(changed, 'change')}, ${number(applied.length - changed)} unchanged`
  const where = plan ? dim(`; plan ${plan.digest.slice(0, 12)} is record ${number(plan.receipt.seq)}`) : ''
  return `${table(rows, { indent: '  ' })}\n  ${sum}${where}\n`
}
