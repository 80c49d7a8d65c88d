import { resolve } from 'node:path'
import { createClient, Time, type Client } from '@whence/sdk'
import { Fault } from '../fault.ts'
import type { Context } from './context.ts'
import { patientFetch } from './patient-fetch.ts'

/** An option as `parseArgs` takes it, with what the help says about it. `value` names what follows it. */
export type Option = {
  type: 'string' | 'boolean'
  multiple?: boolean
  short?: string
  value?: string
  help?: string
}

export type Args = {
  values: Record<string, string | boolean | (string | boolean)[] | undefined>
  positionals: string[]
}

/** One command of the CLI. `run` gives the exit code: 0 yes, 1 a found problem, 2 wrong use. */
export type Command = {
  name: string
  summary: string
  /** What follows `whence`, for example `ingest STREAM FILE`. */
  usage: string
  options: Record<string, Option>
  /** Paragraphs for `--help`, after the options. */
  details?: string
  run(context: Context, args: Args): Promise<number>
}

/** Options that every command takes. */
export const common: Record<string, Option> = {
  json: { type: 'boolean', help: 'answer in JSON' },
  data: { type: 'string', value: 'DIR', help: 'data folder (WHENCE_DATA, else ./whence-data)' },
  url: { type: 'string', value: 'URL', help: 'a server elsewhere (WHENCE_URL)' },
  key: { type: 'string', value: 'KEY', help: 'its API key (WHENCE_KEY)' },
  help: { type: 'boolean', short: 'h', help: 'show this' },
}

/** Runs `use` with a client of the server that the options name, and lets go of it afterwards. */
export async function withClient<T>(
  context: Context,
  args: Args,
  use: (client: Client) => Promise<T>,
  options: { source?: string } = {},
): Promise<T> {
  const url = text(args, 'url') ?? (args.values.data === undefined ? context.env.WHENCE_URL : undefined)
  if (url) {
    const key = text(args, 'key') ?? context.env.WHENCE_KEY
    if (!key) throw new Fault('usage', `A server at ${url} wants an API key: give --key or set WHENCE_KEY.`)
    return use(createClient({ url, key, fetch: patientFetch }))
  }
  const connection = await context.connect(dataFolder(context, args), options)
  try {
    return await use(connection.client)
  } finally {
    await connection.close()
  }
}

/** The data folder as an absolute path. */
export function dataFolder(context: Context, args: Args): string {
  return resolve(context.cwd, text(args, 'data') || context.env.WHENCE_DATA || 'whence-data')
}

/** The positional arguments by their names; a name in brackets may be absent. */
export function positionals(args: Args, ...names: string[]): string[] {
  const { positionals: given } = args
  const missing = names[given.length]
  if (missing !== undefined && !missing.startsWith('[')) throw new Fault('usage', `${missing} is missing.`)
  const surplus = given[names.length]
  if (surplus !== undefined) throw new Fault('usage', `"${surplus}" is one argument too many.`)
  return given
}

export function flag(args: Args, name: string): boolean {
  return args.values[name] === true
}

export function text(args: Args, name: string): string | undefined {
  const value = args.values[name]
  return typeof value === 'string' ? value : undefined
}

export function required(args: Args, name: string, why: string): string {
  const value = text(args, name)
  if (!value) throw new Fault('usage', `--${name} is missing: ${why}`)
  return value
}

/** A whole number; thousands separators, as we print them, are understood. */
export function integer(args: Args, name: string, least = 0): number | undefined {
  const value = text(args, name)
  return value === undefined ? undefined : wholeNumber(value, `--${name}`, least)
}

export function wholeNumber(value: string, what: string, least = 0): number {
  const digits = /^\d{1,3}(,\d{3})+$/.test(value) ? value.replaceAll(',', '') : value
  const number = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN
  if (Number.isSafeInteger(number) && number >= least) return number
  throw new Fault('usage', `${what} must be a whole number${least > 0 ? ` from ${least}` : ''}, not "${value}".`)
}

/** A time with its zone, or a day, which stands for its first moment in UTC. */
export function time(args: Args, name: string): string | undefined {
  const value = text(args, name)
  if (value === undefined) return undefined
  const full = /^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T00:00:00Z` : value
  if (Time.safeParse(full).success && !Number.isNaN(Date.parse(full))) return full
  throw new Fault('usage', `--${name} "${value}" is no time: write 2026-03-20 or 2026-03-20T10:00:00Z.`)
}

/** Only the entries that have a value, so that an absent option is absent from the request too. */
export function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}

export function printJson(context: Context, value: unknown): void {
  context.stdout(JSON.stringify(value, null, 2) + '\n')
}
