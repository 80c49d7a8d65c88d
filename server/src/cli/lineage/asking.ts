// What the commands that ask about lineage have in common: as of when, in which form, and where it is written.
import { Fault } from '../../fault.ts'
import { given, integer, printJson, text, time } from '../command.ts'
import type { Args, Option } from '../command.ts'
import type { Context } from '../context.ts'

export const momentOptions: Record<string, Option> = {
  'as-of': {
    type: 'string',
    value: 'SEQ|run:ID|ID@VERSION',
    help: 'as of a position, a run, or a version of a dataset',
  },
  at: { type: 'string', value: 'TIME', help: 'as of the last record before a time' },
}

export const walkOptions: Record<string, Option> = {
  level: {
    type: 'string',
    value: 'names|runs|columns',
    help: 'default: columns for a column, runs for a run, else names',
  },
  depth: { type: 'string', value: 'N', help: 'steps from the start (default 20)' },
  kinds: { type: 'string', value: 'KIND,…', help: 'only dataset, job, stream, view, training, model' },
  limit: { type: 'string', value: 'N', help: 'nodes on a page (default 1,000)' },
  cursor: { type: 'string', value: 'CURSOR', help: 'of a truncated answer: the next page' },
  ...momentOptions,
}

/** `--as-of` and `--at` as the API takes them. */
export function moment(args: Args): { asOf?: number; asOfRun?: string; asOfVersion?: string; at?: string } {
  const asOf = text(args, 'as-of')
  const at = time(args, 'at')
  if (asOf === undefined) return given({ at })
  if (asOf.startsWith('run:')) return given({ asOfRun: asOf.slice(4), at })
  if (asOf.includes('@')) return given({ asOfVersion: asOf, at })
  return given({ asOf: integer(args, 'as-of'), at })
}

export function walk(args: Args): {
  level?: 'names' | 'runs' | 'columns'
  depth?: number
  kinds?: string
  limit?: number
  cursor?: string
} {
  return given({
    level: oneOf(args, 'level', ['names', 'runs', 'columns'] as const),
    depth: integer(args, 'depth', 1),
    kinds: text(args, 'kinds'),
    limit: integer(args, 'limit', 1),
    cursor: text(args, 'cursor'),
  })
}

export function oneOf<T extends string>(args: Args, name: string, choices: readonly T[]): T | undefined {
  const value = text(args, name)
  if (value === undefined) return undefined
  const found = choices.find((choice) => choice === value)
  if (found === undefined) throw new Fault('usage', `--${name} takes ${choices.join(', ')}, not "${value}".`)
  return found
}

/** Writes an answer in the form that was asked for: `forms` has all but JSON. */
export function answer(
  context: Context,
  args: Args,
  value: unknown,
  forms: Readonly<Record<string, () => string>>,
): void {
  const format = args.values.json === true ? 'json' : (oneOf(args, 'format', [...Object.keys(forms), 'json']) ?? 'text')
  if (format === 'json') printJson(context, value)
  else context.stdout(forms[format]!())
}

export const formatOption = (forms: string): Record<string, Option> => ({
  format: { type: 'string', value: forms, help: 'default: text' },
})
