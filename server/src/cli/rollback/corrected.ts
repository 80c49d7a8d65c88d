import type { CorrectedRequest } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { correctedText } from '../../govern/reports/corrected-text.ts'
import { flag, given, integer, positionals, printJson, text, withClient, type Args, type Command } from '../command.ts'
import { following } from '../following.ts'
import { decided } from '../options.ts'
import { boundsOf, causeOf, causes } from './rollback.ts'

export const rollbackCorrected: Command = {
  name: 'rollback corrected',
  summary: 'which decisions would have been different under another model version or feature view',
  usage: 'rollback corrected CAUSE|ID [--model NAME@N] [--view NAME@vN]',
  options: {
    since: { ...decided.since, help: 'predictions made at this time or later' },
    until: { ...decided.until, help: 'predictions made before this time' },
    model: { type: 'string', value: 'NAME@N', help: 'the model version that should have scored them' },
    view: { type: 'string', value: 'NAME@vN', help: 'the feature view that should have given their inputs' },
    threshold: {
      type: 'string',
      value: 'X',
      help: 'the decision is yes from this score on (default: what is on record)',
    },
    limit: { type: 'string', value: 'N', help: 'of more predictions a sample of N is drawn (default 20,000)' },
    seed: { type: 'string', value: 'N', help: 'of the sample (default 1)' },
    list: { type: 'boolean', help: 'every prediction that would have been different, one a line as JSON' },
  },
  details: `${causes}
Instead of a cause the ID of a rollback: its predictions under the model versions and feature views that its plan goes back
to. Nothing is written. Ends with 1 when a decision would have been different, or, where no decision is known, a score.`,
  async run(context, args) {
    const request = requestOf(args)
    return withClient(context, args, async (client) => {
      if (flag(args, 'list')) {
        let any = false
        for await (const row of client.correctedRows(request)) {
          any = true
          context.stdout(`${JSON.stringify(row)}\n`)
        }
        return any ? 1 : 0
      }
      const result = await following(context, client, 'corrected', (job) => client.corrected({ ...request, job }))
      if (flag(args, 'json')) printJson(context, result)
      else context.stdout(correctedText(result, { color: context.color, width: context.columns }))
      return result.rows.length > 0 ? 1 : 0
    })
  },
}

function requestOf(args: Args): Omit<CorrectedRequest, 'job'> {
  const what = positionals(args, 'CAUSE|ID')[0]!
  const rollback = /^[0-9a-f]{8,64}$/.test(what)
  return {
    ...(rollback ? { rollback: what } : causeOf(what)),
    ...boundsOf(args),
    ...given({
      model: text(args, 'model'),
      view: text(args, 'view'),
      threshold: score(args),
      limit: integer(args, 'limit', 1),
      seed: integer(args, 'seed'),
    }),
  }
}

/** Scores may lie below 0. */
function score(args: Args): number | undefined {
  const value = text(args, 'threshold')
  if (value === undefined) return undefined
  const found = /^-?(\d{1,15}(\.\d{1,15})?|\.\d{1,15})([eE][+-]?\d{1,2})?$/.test(value) ? Number(value) : Number.NaN
  if (Number.isFinite(found)) return found
  throw new Fault('usage', `--threshold takes a score, not "${value}".`)
}
