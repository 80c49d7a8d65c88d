import { Scope, type KeyInfo } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { paint, printable, table } from '../govern/reports/text.ts'
import { flag, given, positionals, printJson, required, text, withClient, type Args, type Command } from './command.ts'
import type { Context } from './context.ts'
import { nearest } from './nearest.ts'

export const keys: Command = {
  name: 'keys',
  summary: 'who may call the API, and as what',
  usage: 'keys (list | issue NAME --scope SCOPES [--strict] [--agent NAME] | revoke ID)',
  options: {
    scope: { type: 'string', multiple: true, value: 'SCOPES', help: 'ingest, read, admin; several with commas' },
    source: { type: 'string', value: 'S', help: 'what its records name as their source (default: the name)' },
    strict: { type: 'boolean', help: 'refuse its OpenLineage events that differ from the specification' },
    agent: { type: 'string', value: 'NAME', help: 'with it only actions of this agent may be proposed' },
  },
  async run(context, args) {
    const action = args.positionals[0] ?? 'list'
    const run = actions[action]
    if (run) return run(context, args)
    const near = nearest(action, Object.keys(actions))
    throw new Fault('usage', `keys has no "${action}"${near ? `; did you mean "keys ${near}"?` : ''}`)
  },
}

const actions: Record<string, (context: Context, args: Args) => Promise<number>> = {
  async list(context, args) {
    positionals(args, '[list]')
    const known = await withClient(context, args, (client) => client.keys())
    if (flag(args, 'json')) printJson(context, known)
    else context.stdout(list(printable(known), context.color))
    return 0
  },

  async issue(context, args) {
    const [, name] = positionals(args, 'issue', 'NAME')
    required({ ...args, values: { scope: scopeWords(args).join() } }, 'scope', 'one or more of ingest, read, admin.')
    const request = {
      name: name!,
      scopes: scopeWords(args).map(scope),
      ...given({ source: text(args, 'source'), agent: text(args, 'agent') }),
      ...(flag(args, 'strict') ? { strict: true } : {}),
    }
    const issued = await withClient(context, args, (client) => client.issueKey(request))
    if (flag(args, 'json')) printJson(context, issued)
    else {
      const { id, secret, scopes, source, strict, agent } = printable(issued)
      context.stdout(`${paint(context.color).bold(secret)}\n`)
      context.stderr(
        `key ${id} for ${scopes.join(', ')}, source ${source}${strict ? ', strict' : ''}${agent === undefined ? '' : `, of agent ${agent} only`}. It is shown this once.\n`,
      )
    }
    return 0
  },

  async revoke(context, args) {
    const [, id] = positionals(args, 'revoke', 'ID')
    const revoked = await withClient(context, args, (client) => client.revokeKey(id!))
    if (flag(args, 'json')) printJson(context, revoked)
    else context.stdout(`key ${printable(revoked.id)} (${printable(revoked.name)}) is revoked\n`)
    return 0
  },
}

function scopeWords(args: Args): string[] {
  return ((args.values.scope as string[] | undefined) ?? [])
    .flatMap((words) => words.split(','))
    .map((word) => word.trim())
}

function scope(word: string): Scope {
  const known = Scope.safeParse(word)
  if (known.success) return known.data
  const near = nearest(word, Scope.options)
  throw new Fault('usage', `"${word}" is no scope${near ? `; did you mean "${near}"?` : ': ingest, read or admin.'}`)
}

function list(known: KeyInfo[], color: boolean): string {
  const { dim } = paint(color)
  const head = ['id', 'name', 'scopes', 'source', 'issued', ''].map(dim)
  const rows = known.map(({ id, name, scopes, source, strict, agent, created, revoked }) => [
    id,
    name,
    `${scopes.join(', ')}${strict ? ' (strict)' : ''}${agent === undefined ? '' : ` (agent ${agent})`}`,
    source,
    created,
    revoked ? `revoked ${revoked}` : '',
  ])
  return `${table([head, ...rows], { indent: '  ' })}\n`
}
