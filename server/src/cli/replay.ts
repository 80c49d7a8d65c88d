import type { Replay } from '@whence/sdk'
import { number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'

export const replay: Command = {
  name: 'replay',
  summary: 'recompute past predictions and say how many agree exactly',
  usage: 'replay',
  options: {
    model: { type: 'string', value: 'M', help: 'of this model version, name@version (default: all)' },
    sample: { type: 'string', value: 'N', help: 'a random sample of N (default: all predictions)' },
    seed: { type: 'string', value: 'N', help: 'of the sample (default 1): the same seed draws the same' },
  },
  details:
    'Exit code 1 when one that could be compared does not agree. Predictions about erased people are not compared.',
  async run(context, args) {
    positionals(args)
    const request = given({
      model: text(args, 'model'),
      sample: integer(args, 'sample', 1),
      seed: integer(args, 'seed'),
    })
    const result = await withClient(context, args, (client) => client.replay(request))
    if (flag(args, 'json')) printJson(context, result)
    else context.stdout(report(printable(result), context))
    return result.exact === result.compared ? 0 : 1
  },
}

function report(replay: Replay, { color, columns }: Context): string {
  const { green, red, bold, dim } = paint(color)
  const { compared, exact, sampled, population, interval, misses, causes, seed, asOf, model } = replay
  const of = `${model ? ` of ${model}` : ''}, as of record ${number(asOf)}`
  if (compared === 0)
    return `Nothing to compare: ${plural(sampled, 'prediction')} drawn of ${number(population)}${of}.\n`
  const mark = exact === compared ? green('✓') : red('✗')
  const range = `${percent(interval.low)} to ${percent(interval.high)} %`
  const drawn =
    sampled === population
      ? `all ${plural(population, 'prediction')}`
      : `${number(sampled)} drawn of ${number(population)} predictions, seed ${seed}`
  const lines = [
    `${mark} ${bold(`${number(exact)} of ${number(compared)}`)} recomputed exactly   (95 % interval ${range})`,
  ]
  lines.push(`  ${drawn}${of}`)
  if (sampled > compared) lines.push(`  ${number(sampled - compared)} not compared: erased on request`)
  const reasons = Object.entries(causes).toSorted(([, a], [, b]) => b - a)
  if (reasons.length > 0)
    lines.push(
      '',
      table(
        reasons.map(([cause, n]) => [number(n), cause]),
        { right: [0], indent: '  ' },
      ),
    )
  const named = misses.filter(({ cause }) => cause !== 'erased on request')
  if (named.length > 0) {
    const rows = named.slice(0, 20).map(({ id, seq, cause, detail }) => [id ?? `record ${number(seq)}`, cause, detail])
    lines.push('', table(rows, { indent: '  ', columns }))
    if (named.length > 20) lines.push(dim(`  … and ${number(named.length - 20)} more; --json lists them`))
  }
  return `${lines.join('\n')}\n`
}

/** To one digit, and never rounded up to certainty. */
function percent(share: number): string {
  const rounded = Math.floor(share * 1000) / 10
  return number(rounded, 1)
}
