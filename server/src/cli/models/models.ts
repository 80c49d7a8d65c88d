import type { ModelList } from '@whence/sdk'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, given, positionals, printJson, withClient, type Command } from '../command.ts'

export const models: Command = {
  name: 'models',
  summary: 'list models with their newest version and what is live; or the versions of one',
  usage: 'models [NAME]',
  options: {},
  details: 'What an alias points at is live: champion in production unless another environment is named.',
  async run(context, args) {
    const [name] = positionals(args, '[NAME]')
    const found = await withClient(context, args, async (client) => {
      const all: ModelList['models'] = []
      for (let after: string | undefined; ;) {
        const page = await client.models(given({ name, after, limit: name === undefined ? 200 : 1000 }))
        all.push(...page.models)
        if (page.next === undefined) return all
        after = page.next
      }
    })
    if (flag(args, 'json')) {
      printJson(context, { models: found })
      return found.length > 0 || name === undefined ? 0 : 1
    }
    if (found.length === 0) {
      context.stdout(name === undefined ? 'No model is recorded yet.\n' : `No model is called ${name}.\n`)
      return name === undefined ? 0 : 1
    }
    const { dim } = paint(context.color)
    const rows = printable(found).map((model) => [
      `${model.name}@${model.version}`,
      model.form,
      model.aliases.map((each) => aliasText(each, name === undefined ? model.version : undefined)).join(', ') ||
        dim('no alias'),
      model.trainingSet ?? model.view ?? '',
      plural(model.predictions, 'prediction'),
      model.predicts,
    ])
    const head = ['version', 'form', 'aliases', 'trained on', 'made', 'predicts'].map(dim)
    context.stdout(`${table([head, ...rows], { columns: 140 })}\n${dim(`${number(found.length)} listed`)}\n`)
    return 0
  },
}

/** `champion`, `champion:staging`, and of another version than the one listed `champion → 3`. */
function aliasText(
  { alias, environment, version }: ModelList['models'][number]['aliases'][number],
  listed: number | undefined,
): string {
  const name = environment === 'production' ? alias : `${alias}:${environment}`
  return listed === undefined || listed === version ? name : `${name} → ${version}`
}
