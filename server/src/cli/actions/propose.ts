import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { ProposedAction } from '@whence/sdk'
import type { ActionProposal, ActionResults } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'
import type { Context } from '../context.ts'

/** Proposals sent in one request. */
const AT_ONCE = 500

export const actionsPropose: Command = {
  name: 'actions propose',
  summary: 'propose actions from a file: released, held or refused, each with its reason',
  usage: 'actions propose FILE',
  options: {},
  details: `
FILE holds one proposal as a JSON object, an array of them, or one a line; flat records
(with action_id) are read as proposals. A proposal that was made before under the same
id is answered as it was decided then. Ends with 1 when one was refused or could not be judged.`,
  async run(context, args) {
    const [file] = positionals(args, 'FILE')
    const proposals = proposalsOf(await readFile(resolve(context.cwd, file!), 'utf8'), file!)
    const results: ActionResults['results'] = []
    await withClient(context, args, async (client) => {
      for (let at = 0; at < proposals.length; at += AT_ONCE) {
        results.push(...(await client.proposeAll(proposals.slice(at, at + AT_ONCE))).results)
        if (proposals.length > AT_ONCE && !flag(args, 'json'))
          context.stderr(`${number(results.length)} of ${number(proposals.length)} judged\n`)
      }
    })
    if (flag(args, 'json')) printJson(context, results)
    else context.stdout(report(printable(results), context))
    return results.every((one) => 'decision' in one && one.decision !== 'refused') ? 0 : 1
  },
}

function proposalsOf(text: string, file: string): ActionProposal[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const whole = /^\s*[[{]/.test(text) && tryJson(text)
  const items = whole ? (Array.isArray(whole) ? whole : [whole]) : lines.map((line) => tryJson(line))
  return items.map((item, i) => {
    const read = ProposedAction.safeParse(item)
    if (read.success) return read.data
    const issue =
      item === undefined
        ? 'is no JSON'
        : read.error.issues.map(({ path, message }) => `/${path.join('/')}: ${message}`).join('; ')
    throw new Fault('invalid', `${file}, proposal ${i + 1}: ${issue}`)
  })
}

function tryJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function report(results: ActionResults['results'], { color, columns }: Context): string {
  const { green, red, yellow, dim } = paint(color)
  const mark = { released: green('released'), held: yellow('held'), refused: red('refused') }
  const rows = results.map((one) =>
    'decision' in one
      ? [mark[one.decision], one.id, number(one.receipt.seq), one.shadow ? `in shadow; ${one.reason}` : one.reason]
      : [red('not judged'), one.id, '', one.problem.message],
  )
  const head = ['', 'action', 'record', 'because'].map(dim)
  return `${table([head, ...rows], { right: [2], indent: '  ', columns })}\n  ${plural(results.length, 'action')}\n`
}
