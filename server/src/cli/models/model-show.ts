import type { ModelVersion, TrainingRun } from '@whence/sdk'
import { WhenceError } from '@whence/sdk'
import { number, paint, plural, printable, table } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'

export const modelShow: Command = {
  name: 'model show',
  summary: 'show a model version, and the training run behind it',
  usage: 'model show NAME@VERSION',
  options: {},
  details: 'VERSION is a number, an alias in production (opens@champion), or one elsewhere (opens@champion:staging).',
  async run(context, args) {
    const [name] = positionals(args, 'NAME@VERSION')
    const { version, run } = await withClient(context, args, async (client) => {
      const version = await client.model(name!)
      const run = version.run && (await client.trainingRun(version.run.id).catch(absent))
      return { version, run }
    })
    if (flag(args, 'json')) printJson(context, { version, ...(run ? { run } : {}) })
    else context.stdout(`${shown(printable(version), run && printable(run), paint(context.color).bold)}\n`)
    return 0
  },
}

function absent(error: unknown): undefined {
  if (error instanceof WhenceError && error.code === 'not_found') return undefined
  throw error
}

function shown(version: ModelVersion, run: TrainingRun | undefined, bold: (text: string) => string): string {
  const { model, artifact, signature, aliases = [] } = version
  const metrics = Object.entries(version.metrics ?? run?.metrics ?? {})
  const parameters = Object.entries(run?.parameters ?? version.run?.parameters ?? {})
  const code = { ...run?.code, ...version.run?.code }
  const rows: [string, string | undefined][] = [
    ['predicts', version.predicts],
    ['record', number(version.seq)],
    ['aliases', aliases.map(({ alias, environment }) => `${alias} in ${environment}`).join(', ') || 'none'],
    ['threshold', version.threshold === undefined ? 'not said' : `yes from ${number(version.threshold, 10)}`],
    [
      'form',
      model
        ? `${model.form}, ${plural(model.features.length, 'feature')}`
        : (artifact?.format ?? 'not one that is scored'),
    ],
    ['artifact', artifact && `sha256 ${artifact.sha256}${artifact.uri === undefined ? '' : ` at ${artifact.uri}`}`],
    ...(signature?.inputs ?? []).map(({ name, features }): [string, string] => [
      'input',
      `${name}: ${features.join(', ')}`,
    ]),
    [
      'output',
      signature &&
        `${signature.output.name}${signature.output.column === undefined ? '' : `, column ${signature.output.column}`}`,
    ],
    ['tolerance', String(version.tolerance)],
    ['view', version.view],
    ['training set', version.trainingSet ?? 'not recorded'],
    [
      'run',
      version.run &&
        [version.run.id, run?.framework, run?.status, run && `told by ${run.source} (${run.origin.system})`]
          .filter(Boolean)
          .join(', '),
    ],
    [
      'code',
      [code.repository, code.commit ?? code.sha256, code.dirty ? 'with changes of no commit' : '']
        .filter(Boolean)
        .join(' ') || 'not recorded',
    ],
    ['parameters', parameters.map(([name, value]) => `${name} ${String(value)}`).join(', ') || undefined],
    ['metrics', metrics.map(([name, value]) => `${name} ${number(value)}`).join(', ') || undefined],
  ]
  const told = rows.flatMap(([label, value]) => (value === undefined ? [] : [[label, value]]))
  return `${bold(`${version.name}@${version.version}`)}\n${table(told, { indent: '  ', columns: 120 })}`
}
