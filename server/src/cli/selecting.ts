// Which predictions a command is about, as its options say it; and thresholds.
import type { PredictionSelection } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { given, integer, text, time } from './command.ts'
import { made, seed } from './options.ts'
import type { Args, Option } from './command.ts'
import { oneOf } from './lineage/asking.ts'

export const selectionOptions: Record<string, Option> = {
  model: { type: 'string', multiple: true, value: 'M', help: 'of this model version, name@version; may be repeated' },
  live: { type: 'string', value: 'ENV', help: 'of every version that an alias points at there, as production' },
  ...made,
  segment: {
    type: 'string',
    multiple: true,
    value: 'KEY=VALUE',
    help: 'only these, as campaign=winter, segment=north, feature.opens_30d=0..5; may be repeated',
  },
  sample: { type: 'string', value: 'N', help: 'a random sample of N (default: all predictions)' },
  seed,
}

export function selection(args: Args): PredictionSelection {
  const models = several(args, 'model')
  const segment = several(args, 'segment').map((each) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(each) ?? []
    if (key === undefined) throw new Fault('usage', `--segment takes KEY=VALUE, not "${each}".`)
    return [key, value!] as const
  })
  const twice = segment.find(([key], i) => segment.findIndex(([other]) => other === key) !== i)
  if (twice) throw new Fault('usage', `--segment ${twice[0]} is given twice: all conditions must hold together.`)
  return given({
    model: models.length === 1 ? models[0] : undefined,
    models: models.length > 1 ? models : undefined,
    live: text(args, 'live'),
    from: time(args, 'from'),
    to: time(args, 'to'),
    segment: segment.length > 0 ? Object.fromEntries(segment) : undefined,
    sample: integer(args, 'sample', 1),
    seed: integer(args, 'seed'),
  })
}

export function several(args: Args, name: string): string[] {
  const value = args.values[name]
  return Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)]
}

/** A share from 0 to 1, also written as a percentage: `0.99`, `99%`. */
export function share(args: Args, name: string): number | undefined {
  const value = text(args, name)
  if (value === undefined) return undefined
  const [, digits, percent] = /^(\d{1,3}(?:\.\d{1,12})?|\.\d{1,12})(%?)$/.exec(value) ?? []
  const found = Number(digits) / (percent ? 100 : 1)
  if (digits !== undefined && found >= 0 && found <= 1) return found
  throw new Fault('usage', `--${name} takes a share from 0 to 1, or a percentage, not "${value}".`)
}

/** A number that is not below 0: a threshold, a tolerance. */
export function threshold(args: Args, name: string): number | undefined {
  const value = text(args, name)
  if (value === undefined) return undefined
  const found = /^(\d{1,15}(\.\d{1,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?$/.test(value) ? Number(value) : Number.NaN
  if (Number.isFinite(found)) return found
  throw new Fault('usage', `--${name} takes a number from 0, not "${value}".`)
}

/** A form that there is not is refused before a long question is asked. */
export function refuseOtherForms(args: Args): void {
  oneOf(args, 'format', ['text', 'json', 'markdown'])
}
