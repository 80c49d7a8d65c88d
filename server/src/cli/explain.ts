import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { WhenceError } from '@whence/sdk'
import type { Explanation } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { actionText } from '../govern/reports/action-text.ts'
import { explanationPage } from '../govern/reports/explanation-page.ts'
import { explanationText } from '../govern/reports/explanation-text.ts'
import { flag, given, integer, positionals, printJson, text, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'
import { asOf } from './options.ts'

export const explain: Command = {
  name: 'explain',
  summary: 'where a prediction or an action came from, every claim checked or labelled',
  usage: 'explain ID',
  options: {
    events: { type: 'boolean', help: 'list every event behind the inputs' },
    html: { type: 'string', value: 'FILE', help: 'write the report as one page, to read or to print' },
    proof: { type: 'string', value: 'FILE', help: 'write the proofs, to be checked without this server' },
    'as-of': asOf,
  },
  details: `
Exit code 1 when something is contradicted or altered. What is only missing, asserted or erased is said, and is no failure.`,
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const [html, proof] = [text(args, 'html'), text(args, 'proof')]
    const found = await withClient(context, args, async (client) => {
      try {
        const explanation = await client.explain(id!, given({ asOf: integer(args, 'as-of') }))
        return { explanation, proofs: proof === undefined ? '' : await client.explanationProof(id!) }
      } catch (error) {
        if (!isUnknown(error)) throw error
        const action = await client.action(id!).catch((other: unknown) => {
          throw isUnknown(other) ? error : other
        })
        return { action }
      }
    })
    if ('action' in found) {
      const { action } = found
      if (html !== undefined || proof !== undefined)
        throw new Fault('usage', `"${id}" is an action: --html and --proof are for predictions.`)
      if (flag(args, 'json')) printJson(context, action)
      else context.stdout(actionText(action, { color: context.color, width: context.columns }))
      return action.integrity === 'intact' && action.predictions.every(({ truth }) => truth !== 'contradicted') ? 0 : 1
    }
    const { explanation, proofs } = found
    const options = { color: context.color, events: flag(args, 'events'), width: context.columns }
    if (flag(args, 'json')) printJson(context, explanation)
    else context.stdout(explanationText(explanation, options))
    if (html !== undefined) await write(context, html, explanationPage(explanation))
    if (proof !== undefined) await write(context, proof, proofs)
    return sound(explanation) ? 0 : 1
  },
}

function isUnknown(error: unknown): boolean {
  return error instanceof WhenceError && error.code === 'not_found'
}

function sound({ counts, records, events, claims }: Explanation): boolean {
  const altered = [...records, ...events, ...claims].some(({ integrity }) => integrity === 'altered')
  return counts.contradicted === 0 && !altered
}

async function write(context: Context, path: string, content: string): Promise<void> {
  await writeFile(resolve(context.cwd, path), content).catch((cause: unknown) => {
    throw new Fault('usage', `${path} cannot be written: ${(cause as Error).message}`, { cause })
  })
  context.stderr(`written: ${path}\n`)
}
