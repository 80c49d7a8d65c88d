import { parseArgs } from 'node:util'
import { WhenceError } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { table } from '../govern/reports/text.ts'
import { common, flag, printJson, type Args, type Command, type Option } from './command.ts'
import { allOf, families } from './commands.ts'
import type { Families } from './commands.ts'
import { complain } from './complain.ts'
import type { Context } from './context.ts'
import { nearest } from './nearest.ts'

/**
 * Runs `whence ARGV…` and gives its exit code. `more` are the commands that need more than a client: those that start,
 * move or repair a server. Never throws: whatever fails is said on stderr, and as `{error}` on stdout under `--json`.
 */
export async function runCli(argv: readonly string[], context: Context, more: Families = {}): Promise<number> {
  const known = { ...more, ...families }
  const load = Object.hasOwn(known, argv[0] ?? '') ? known[argv[0]!]! : () => allOf(known)
  const commands = await load()
  const { name, rest } = named(argv, commands)
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    const about = named(rest, commands).name
    const one = commands.find((command) => command.name === about)
    const group = commands.filter((command) => command.name.startsWith(`${about} `))
    if (one) context.stdout(help(one))
    else context.stdout(group.length > 0 ? family(about!, group, context) : overview(commands, context.columns))
    return name === undefined ? 2 : 0
  }
  const group = commands.filter((candidate) => candidate.name.startsWith(`${name} `))
  if (group.length > 0 && (rest.length === 0 || /^(--help|-h)$/.test(rest[0]!))) {
    context.stdout(family(name, group, context))
    return rest.length === 0 ? 2 : 0
  }
  try {
    const command = commands.find((candidate) => candidate.name === name)
    if (!command && group.length > 0)
      throw unknown(
        `no command "${name} ${rest[0]}"`,
        `${name} ${rest[0]}`,
        group.map((other) => other.name),
        `whence ${name} --help`,
      )
    if (!command)
      throw unknown(
        `no command "${name}"`,
        name,
        commands.map((other) => other.name),
        'whence --help',
      )
    const args = parse(command, rest)
    if (!flag(args, 'help')) return await command.run(context, args)
    context.stdout(help(command))
    return 0
  } catch (error) {
    const { code, message, exit, details } = failure(error)
    complain(context, message)
    if (argv.includes('--json')) printJson(context, { error: { code, message, details } })
    if (code === 'internal' && context.env.WHENCE_DEBUG) context.stderr(`${(error as Error).stack ?? ''}\n`)
    return exit
  }
}

/** A command's name is one word, or two where several belong together: `lineage explain`. */
function named(argv: readonly string[], commands: readonly Command[]): { name: string | undefined; rest: string[] } {
  const [first, second, ...rest] = argv
  const two = `${first} ${second}`
  if (commands.some(({ name }) => name === two)) return { name: two, rest }
  return { name: first, rest: second === undefined ? [] : [second, ...rest] }
}

function parse(command: Command, rest: string[]): Args {
  const options = { ...common, ...command.options }
  try {
    return parseArgs({ args: rest, options: config(options), allowPositionals: true, strict: true })
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    const option = /'(?:-\w, )?(--?[^'\s]+)/.exec(message)?.[1] ?? ''
    if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
      const names = Object.keys(options).map((known) => `--${known}`)
      throw unknown(`${command.name} has no option "${option}"`, option, names, `whence ${command.name} --help`)
    }
    const takesValue = options[option.replace(/^--/, '')]?.type === 'string'
    throw new Fault('usage', `${option} ${takesValue ? 'needs a value' : 'takes no value'}.`, { cause: error })
  }
}

function config(options: Record<string, Option>): Record<string, Pick<Option, 'type' | 'short' | 'multiple'>> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      { type, ...(short ? { short } : {}), ...(multiple ? { multiple } : {}) },
    ]),
  )
}

function unknown(what: string, word: string, names: readonly string[], where: string): Fault {
  const near = nearest(word, names)
  return new Fault('usage', `${what}${near ? `; did you mean "${near}"?` : ''}\nsee: ${where}`)
}

function failure(error: unknown): { code: string; message: string; exit: number; details?: unknown } {
  if (error instanceof WhenceError) {
    const { code, message, details } = error
    return { code, message, exit: code === 'usage' ? 2 : 1, details }
  }
  const { code, message, exit } = Fault.from(error)
  return { code, message, exit }
}

/** A name that several commands begin with stands for all of them, in one line. */
const topics: [string, string[]][] = [
  ['Start', ['up', 'demo', 'status', 'keys', 'plan', 'apply']],
  ['Put in', ['ingest', 'quarantine', 'release', 'predict', 'emitters']],
  ['Make', ['materialize', 'features online', 'training-set', 'model', 'models']],
  ['Ask', ['explain', 'find', 'provenance', 'replay', 'skew', 'drift', 'promote', 'lineage', 'verify']],
  ['Answer for it', ['agents', 'object', 'erase', 'anchor']],
  ['Decide', ['actions', 'gates', 'reviews', 'outbox']],
  ['Keep', ['tables', 'expire', 'backup', 'restore', 'rebuild', 'recover']],
]

/** The widest usage that still stands beside its summary; a longer one is left to the command's own help. */
const widest = 36

function overview(commands: readonly Command[], columns: number): string {
  const families = new Set(commands.filter(({ name }) => name.includes(' ')).map(({ name }) => name.split(' ')[0]!))
  const placed = new Set(topics.flatMap(([, names]) => names))
  const isPlaced = ({ name }: Command): boolean => placed.has(name) || placed.has(name.split(' ')[0]!)
  const others = commands.filter((command) => !isPlaced(command)).map(({ name }) => name)
  const sections = [...topics, ['More', others] as const].map(([topic, names]) => ({
    topic,
    rows: names.flatMap((name) => {
      const one = commands.find((command) => command.name === name)
      if (one) return [row(one)]
      const members = commands.flatMap((command) =>
        command.name.startsWith(`${name} `) ? [command.name.slice(name.length + 1)] : [],
      )
      return families.has(name) && members.length > 0 ? [[`${name} COMMAND …`, members.join(', ')]] : []
    }),
  }))
  return [
    'Whence: where a decision about a person came from, with evidence.\n',
    ...sections.filter(({ rows }) => rows.length > 0).map(({ topic, rows }) => `${topic}\n${listed(rows, columns)}\n`),
    footer,
  ].join('\n')
}

/** The help of the commands that begin with one word: `whence lineage --help`. */
function family(name: string, commands: readonly Command[], { columns }: Context): string {
  return [`whence ${name} COMMAND\n`, `${listed(commands.map(row), columns)}\n`, footer].join('\n')
}

function row({ name, usage, summary }: Command): string[] {
  return [usage.length > widest ? `${name} …` : usage, summary]
}

function listed(rows: string[][], columns: number): string {
  return table(rows, { indent: '  whence ', columns })
}

const footer = `Every command takes --json, --data DIR, --url URL, --key KEY and --help.
Exit code: 0 yes, 1 a found problem, 2 wrong use.
`

function help(command: Command): string {
  const options = Object.entries({ ...command.options, ...common }).map(([name, option]) => {
    const value = option.type === 'string' ? ` ${option.value ?? name.toUpperCase()}` : ''
    return [`${option.short ? `-${option.short}, ` : ''}--${name}${value}`, option.help ?? '']
  })
  return [
    `whence ${command.usage}`,
    `  ${command.summary}\n`,
    table(options, { indent: '  ', columns: 100 }),
    ...(command.details ? [`\n${command.details.trim()}`] : []),
    '',
  ].join('\n')
}
