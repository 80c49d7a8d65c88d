import type { Skew } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { skewMarkdown, skewText } from '../govern/reports/skew-text.ts'
import { given, integer, positionals, text, withClient, type Args, type Command } from './command.ts'
import { following } from './following.ts'
import { answer, formatOption } from './lineage/asking.ts'
import { refuseOtherForms, selection, selectionOptions, several, share } from './selecting.ts'
import { readServedLog } from './served-log.ts'

export const skew: Command = {
  name: 'skew',
  summary: 'hold what was served against what offline gives as of the same instants',
  usage: 'skew [FILE]',
  options: {
    ...selectionOptions,
    view: { type: 'string', value: 'V', help: 'of FILE, or for predictions without a snapshot: name or name@vN' },
    entity: { type: 'string', value: 'COLUMN', help: 'of FILE: the identifier (default: subject, or entity)' },
    at: { type: 'string', value: 'COLUMN', help: 'of FILE: the instant (default: at, event_timestamp or time)' },
    delimiter: { type: 'string', value: 'C', help: 'of a CSV file (default: a comma)' },
    'as-of': { type: 'string', value: 'SEQ', help: 'offline knows the records before this one' },
    tolerance: {
      type: 'string',
      multiple: true,
      value: 'FEATURE=N',
      help: 'a difference up to N is none; may be repeated',
    },
    examples: {
      type: 'string',
      value: 'N',
      help: 'mismatches of each feature whose events are looked for (default 5)',
    },
    'max-mismatch': { type: 'string', value: 'SHARE', help: 'exit with 0 when no feature differs in more (default 0)' },
    'max-missing': { type: 'string', value: 'SHARE', help: 'the same of values that were not served' },
    'max-extra': { type: 'string', value: 'SHARE', help: 'the same of values that offline does not have' },
    ...formatOption('text|json|markdown'),
  },
  details: `
Without FILE the inputs of predictions are compared. FILE is what another online store served, as CSV, NDJSON or Parquet:
a row for each answer, with a column for the person, one for the instant, and one for each feature; as_of may hold a
ledger position. Of more than 100,000 rows a sample is compared.
Exit code 1 when a feature differs in more than was allowed; with one of --max-…, also when nothing could be compared.`,
  async run(context, args) {
    const [file] = positionals(args, '[FILE]')
    refuseOtherForms(args)
    const chosen = selection(args)
    const limits = limitsOf(args)
    const log =
      file === undefined
        ? undefined
        : await readServedLog(
            context,
            file,
            { entity: text(args, 'entity'), at: text(args, 'at') },
            { sample: chosen.sample, seed: chosen.seed, delimiter: text(args, 'delimiter') },
          )
    if (log && text(args, 'view') === undefined)
      throw new Fault('usage', '--view is missing: say which feature view the file was served from.')
    if (!log && (args.values.entity !== undefined || args.values.at !== undefined))
      throw new Fault('usage', '--entity and --at name columns of a file: give the file.')
    const { sample, ...others } = chosen
    const request = {
      ...others,
      ...given({
        sample: log ? undefined : sample,
        view: text(args, 'view'),
        asOf: integer(args, 'as-of'),
        tolerances: tolerancesOf(args),
        examples: integer(args, 'examples'),
        served: log?.rows,
      }),
    }
    const result = await withClient(context, args, (client) =>
      following(context, client, 'skew', (job) => client.skew({ ...request, job })),
    )
    if (log) result.population = log.total
    const met = holds(result, limits)
    answer(context, args, result, {
      text: () => skewText(result, { color: context.color, width: context.columns, met }),
      markdown: () => skewMarkdown(result, { met }),
    })
    return met ? 0 : 1
  },
}

interface Limits {
  mismatch: number
  missing: number
  extra: number
  given: boolean
}

function limitsOf(args: Args): Limits {
  const [mismatch, missing, extra] = ['max-mismatch', 'max-missing', 'max-extra'].map((name) => share(args, name))
  const said = [mismatch, missing, extra].some((limit) => limit !== undefined)
  return { mismatch: mismatch ?? 0, missing: missing ?? 0, extra: extra ?? 0, given: said }
}

function holds({ compared, views }: Skew, limits: Limits): boolean {
  const features = views.flatMap((view) => view.features)
  if (compared === 0 || features.length === 0) return !limits.given
  return features.every(
    (feature) =>
      (feature.mismatchRatio ?? 0) <= limits.mismatch &&
      (feature.missingRatio ?? 0) <= limits.missing &&
      (feature.extraRatio ?? 0) <= limits.extra,
  )
}

function tolerancesOf(args: Args): Record<string, number> | undefined {
  const entries = several(args, 'tolerance').map((each): [string, number] => {
    const [, feature, value] = /^([^=]+)=(\d{1,15}(?:\.\d{1,15})?(?:[eE][+-]?\d{1,2})?)$/.exec(each) ?? []
    if (feature === undefined) throw new Fault('usage', `--tolerance takes FEATURE=N, not "${each}".`)
    return [feature, Number(value)]
  })
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}
