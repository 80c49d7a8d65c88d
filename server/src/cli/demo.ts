// `whence demo`: an example from its files to an explained, checked prediction. Every step goes through the client, as a
// user's scripts do, and everything it says is compared with what the files hold when read without Whence.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@whence/sdk'
import type { Accounting, Applied, Client, ContractInfo, Explanation, Snapshot } from '@whence/sdk'
import type { Comparison, Counted, Example, Files } from '../../../examples/index.ts'
import { Fault } from '../fault.ts'
import { number, pad, paint, plural } from '../govern/reports/text.ts'
import { parseContract } from '../rules/contracts/contract.ts'
import { apply } from './apply.ts'
import { flag, positionals, printJson, text, type Command } from './command.ts'
import { complain } from './complain.ts'
import type { Context } from './context.ts'
import { inFolder, keeps } from './demo-folder.ts'
import { demoRollback } from './demo-rollback.ts'
import { explain } from './explain.ts'
import { ingest } from './ingest.ts'
import { Steps, verdict } from './steps.ts'
import type { Line } from './steps.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'run an example whole: ingest, features, model, predictions, replay, explanation',
  usage: 'demo [email|attribution|offers|rollback]',
  options: {
    from: { type: 'string', value: 'DIR', help: 'where the real data lie (WHENCE_SHARED, else ../shared/data)' },
    keep: { type: 'boolean', help: 'keep the data folder, to look around in it' },
  },
  details: `
Works in a fresh data folder that is deleted afterwards, or in the one that --data names. "email" is a simulation and
needs nothing; the others need files made by others, which are no part of this repository. "rollback" is a simulation too:
a discount reaches people who may not have it, complaints rise, and it is stopped, taken back and made good.

Exit code 1 unless every event is accounted for, every prediction is recomputed exactly, nothing is contradicted, and
every feature equals one computed from the files without Whence.`,
  async run(context, args) {
    const [name = 'email'] = positionals(args, '[EXAMPLE]')
    if (args.values.url !== undefined) throw new Fault('usage', 'A demo starts a server of its own: leave --url out.')
    if (name === 'rollback')
      return inFolder(context, args, (folder) => demoRollback(context, args, folder, keeps(args)))
    const { examples, realData } = await import('../../../examples/index.ts')
    const example = Object.hasOwn(examples, name) ? examples[name]! : undefined
    if (!example)
      throw new Fault(
        'usage',
        `There is no example "${name}": take ${[...Object.keys(examples), 'rollback'].join(', ')}.`,
      )
    const from = realData({ ...context.env, ...(text(args, 'from') && { WHENCE_SHARED: text(args, 'from') }) })

    return inFolder(context, args, async (folder, work) => {
      const files = await prepared(example, work, from)
      const { client, close } = await context.connect(folder)
      try {
        const silent = flag(args, 'json')
        const steps = new Steps(context, silent)
        if (!silent) context.stdout(`\n  ${example.title}\n`)
        const outcome = await walk(context, client, example, { files, steps })
        if (silent) printJson(context, { ...outcome, ...(keeps(args) && { data: folder }) })
        else {
          context.stdout(`\n  ${paint(context.color).bold(example.explain.question)}\n\n`)
          const { id } = outcome.explanation
          await explain.run(inner(context, client), { values: {}, positionals: [id] })
          if (keeps(args)) context.stdout(`\n  kept: whence explain ${id} --data ${folder}\n`)
        }
        return outcome.ok ? 0 : 1
      } finally {
        await close()
      }
    })
  },
}

/** On an empty log the e-mail sample, once; then the address of the prediction that it explains. Never throws. */
export async function showSample(
  context: Context,
  _folder: string,
  server: { url: string; token: string },
): Promise<void> {
  const { examples, predictionId } = await import('../../../examples/index.ts')
  const example = examples['email']!
  const client = createClient({ url: server.url, key: server.token })
  try {
    const streams = await client.streams()
    if (streams.length === 0) await runSample(context, client, example)
    else if (!streams.some(({ stream }) => stream === 'email_events')) return
    const { number, question } = example.explain
    const { url } = await client.link(predictionId(number, { version: 1 }))
    context.stdout(`\n  ${question}   ${paint(context.color).bold(url)}\n`)
  } catch (error) {
    complain(
      context,
      `the e-mail sample is not whole: ${(error as Error).message}`,
      'whence demo runs it in a fresh folder',
    )
  }
}

async function runSample(context: Context, client: Client, example: Example): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'whence-sample-'))
  try {
    const files = await example.prepare(work, work)
    context.stdout(`\n  ${example.title}\n`)
    await walk(context, client, example, { files, steps: new Steps(context, false), sample: 200 })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

export interface Outcome {
  example: string
  ok: boolean
  contracts: string[]
  ingested: Sent[]
  accounting: Accounting & { complete: boolean }
  counts: Counted & { equal: boolean }
  snapshot: { id: number; view: string; at: string; rows: number; features: number }
  model: { name: string; trainingSet?: string; metrics: Record<string, number> }
  predictions: number
  independent: Comparison
  replay: { sampled: number; compared: number; exact: number; interval: { low: number; high: number }; causes: object }
  explained: { predictions: number; claims: Explanation['counts']; altered: number }
  explanation: { id: string; sentence: string; alerts: Explanation['alerts']; score: Explanation['score'] }
  verify: { ok: boolean; size: number; problems: number }
}

interface Sent {
  stream: string
  file: string
  contract: string
  accounting: Accounting
  blank: { count: number; lines: number[] }
  exceptions: { count: number; results: Exception[] }
}

interface Exception {
  line: number
  status: string
  broken?: string
  outcome?: string
  violations?: { rule: string; message: string }[]
}

interface Walk {
  files: Files
  steps: Steps
  /** How many predictions are replayed; default: all. */
  sample?: number
}

async function prepared(example: Example, work: string, from: string): Promise<Files> {
  const { MissingData } = await import('../../../examples/index.ts')
  return example.prepare(work, from).catch((error: unknown) => {
    if (!(error instanceof MissingData)) throw error
    const where = 'put them into ../shared/data beside it, or name their folder with --from DIR or WHENCE_SHARED'
    throw new Fault('not_found', `${error.message} is not here. The real data are no part of the repository: ${where}.`)
  })
}

/** The whole way of one example, from its files to verification. */
async function walk(context: Context, client: Client, example: Example, walk: Walk): Promise<Outcome> {
  const { files, steps } = walk
  const { compareSnapshot, countAgain, predictionId } = await import('../../../examples/index.ts')

  const contracts = await steps.step(
    'contract',
    async () => {
      await captured<Applied>(context, client, apply, example.folder)
      return Promise.all(Object.keys(files).map((stream) => client.contract(stream)))
    },
    (all) => all.map((contract) => named(contract)),
  )

  const ingested: Sent[] = []
  for (const [stream, file] of Object.entries(files)) {
    ingested.push(await steps.step('ingest', () => captured<Sent>(context, client, ingest, stream, file), told))
  }
  const accounting = added(ingested)

  const facts = example.independent(files)
  const counts = await steps.step(
    'count',
    () => countAgain(client, example.view, facts),
    ({ subjects, kinds }) => {
      const agree = [subjects, ...kinds].every(({ found, independent }) => found === independent)
      const all = kinds.map(({ kind, found, independent }) => differing(`${number(found)} ${kind}`, found, independent))
      const people = differing(plural(subjects.found, 'subject'), subjects.found, subjects.independent)
      return [verdict(agree, `${people}   ${all.join(' · ')}   ${agree ? 'as in the file' : 'NOT as in the file'}`)]
    },
  )

  const snapshot = await steps.step(
    'features',
    () => client.materialize({ view: example.view, at: example.at }),
    (made) => [
      `${made.view}   ${plural(made.rows, 'subject')} × ${plural(made.features.length, 'feature')}   at ${shortTime(made.at)}`,
    ],
  )
  const independent = await steps.step(
    'compare',
    () => compareSnapshot(client, snapshot, facts),
    (found) => [
      verdict(
        found.equal,
        `${number(found.values - found.differing)} of ${number(found.values)} values equal what plain TypeScript computes from the file`,
      ),
      ...found.differences
        .slice(0, 5)
        .map(
          ({ subject = '', feature, found: ours, expected }) =>
            `  ${subject.slice(0, 8)} ${feature}: ${String(ours)}, and by the file ${String(expected)}`,
        ),
    ],
  )

  const model = await steps.step(
    'model',
    () => example.train(client, files),
    ({ name, version, metrics = {} }) => [
      `${name}@${version}   trained on ${plural(metrics['rows_train'] ?? 0, 'row')}   AUC ${(metrics['auc'] ?? Number.NaN).toFixed(2)} on ${number(metrics['rows_test'] ?? 0)} later ones`,
    ],
  )
  const version = `${model.name}@${model.version}`
  await steps.step(
    'alias',
    () =>
      client.setAlias(model.name, 'champion', {
        environment: 'production',
        version: model.version,
        reason: `trained by the example ${example.name}`,
      }),
    ({ alias, environment }) => [`${model.name}@${alias} means ${version} in ${environment}`],
  )
  const predictions = await steps.step(
    'predict',
    () => example.score(client, model, snapshot, files),
    (count) => [plural(count, 'score')],
  )

  const request = { model: version, ...(walk.sample !== undefined && { sample: walk.sample }) }
  const replay = await steps.step(
    'replay',
    () => client.replay(request),
    ({ exact, compared, interval, misses }) => [
      verdict(
        exact === compared && compared > 0,
        `${number(exact)} of ${number(compared)} recomputed exactly   (95 % interval ${percent(interval.low)} to ${percent(interval.high)} %)`,
      ),
      ...misses.slice(0, 5).map(({ id = '', cause, detail }) => `  ${id} ${cause}: ${detail}`),
    ],
  )
  const { explanation, explained } = await steps.step(
    'explain',
    () => explainSome(client, version, predictionId(example.explain.number, model)),
    (some) => {
      const { recomputed, asserted, contradicted, missing } = some.explained.claims
      const sound = contradicted === 0 && some.explained.altered === 0
      const claims = `${number(recomputed)} claims recomputed · ${number(asserted)} asserted · ${number(contradicted)} contradicted · ${number(missing)} missing`
      return [verdict(sound, `${plural(some.explained.predictions, 'prediction')}   ${claims}`)]
    },
  )
  const checked = await steps.step(
    'verify',
    () => client.verify(),
    ({ ok, size, problems }) => [
      verdict(ok, `${plural(size, 'record')} under one checkpoint`),
      ...problems.slice(0, 5).map(({ path, code, message }) => `  ${path}: ${code}: ${message}`),
    ],
  )

  return {
    example: example.name,
    ok: !steps.failed && accounting.complete && predictions > 0,
    contracts: contracts.map(({ stream, version: own }) => `${stream}@${own}`),
    ingested,
    accounting,
    counts: {
      ...counts,
      equal: [counts.subjects, ...counts.kinds].every((each) => each.found === each.independent),
    },
    snapshot: shape(snapshot),
    model: {
      name: version,
      ...(model.trainingSet !== undefined && { trainingSet: model.trainingSet }),
      metrics: model.metrics ?? {},
    },
    predictions,
    independent,
    replay: {
      sampled: replay.sampled,
      compared: replay.compared,
      exact: replay.exact,
      interval: replay.interval,
      causes: replay.causes,
    },
    explained,
    explanation: {
      id: explanation.id,
      sentence: explanation.sentence,
      alerts: explanation.alerts,
      score: explanation.score,
    },
    verify: { ok: checked.ok, size: checked.size, problems: checked.problems.length },
  }
}

/** Explains the prediction of the example, and twenty more of the model, spread over all that were found. */
async function explainSome(client: Client, model: string, id: string) {
  const explanation = await client.explain(id)
  const { predictions } = await client.find({ model, limit: 1000 })
  const ids = predictions.flatMap(({ id }) => id ?? [])
  const some = ids.filter((_, i) => i % Math.ceil(ids.length / 20) === 0 && ids[i] !== explanation.id)
  const all = [explanation]
  for (const id of some) all.push(await client.explain(id))
  const claims = { recomputed: 0, asserted: 0, contradicted: 0, missing: 0, erased: 0 }
  for (const { counts } of all) {
    for (const truth of Object.keys(claims) as (keyof typeof claims)[]) claims[truth] += counts[truth]
  }
  const altered = all.flatMap(({ records }) => records).filter(({ integrity }) => integrity === 'altered').length
  return { explanation, explained: { predictions: all.length, claims, altered } }
}

function added(ingested: readonly Sent[]): Outcome['accounting'] {
  const names = ['received', 'passed', 'flagged', 'quarantined', 'dropped', 'duplicate', 'conflict', 'refused'] as const
  const total = (name: keyof Accounting) => ingested.reduce((sum, { accounting }) => sum + accounting[name], 0)
  const sums = Object.fromEntries(names.map((name) => [name, total(name)])) as Accounting
  const outcomes = names.slice(1).reduce((sum, name) => sum + sums[name], 0)
  return { ...sums, complete: sums.received === outcomes && sums.conflict === 0 && sums.refused === 0 }
}

function named(contract: ContractInfo): Line {
  const { rules } = parseContract(contract.text, contract.stream)
  return `${pad(`${contract.stream}@${contract.version}`, 40)} ${plural(rules.length, 'rule')}`
}

function told({ stream, accounting, blank, exceptions }: Sent): Line[] {
  const { received, passed, flagged, quarantined, dropped, duplicate, conflict, refused } = accounting
  const outcomes = [`${number(passed)} passed`, `${number(flagged)} flagged`, `${number(quarantined)} quarantined`]
  outcomes.push(`${number(dropped)} dropped`)
  for (const [count, what] of [
    [duplicate, 'already recorded'],
    [conflict, 'in conflict'],
    [refused, 'refused'],
  ] as const) {
    if (count > 0) outcomes.push(`${number(count)} ${what}`)
  }
  const lines = blank.lines.slice(0, 10).map((line) => number(line))
  return [
    verdict(conflict + refused === 0, `${plural(received, 'event')} of ${stream}   ${outcomes.join(' · ')}`),
    ...(blank.count > 0 ? [`  ${plural(blank.count, 'blank line')} skipped: ${lines.join(', ')}`] : []),
    ...exceptions.results.slice(0, 10).map(({ line, status, outcome, broken, violations }) => {
      const [first] = violations ?? []
      return `  line ${number(line)} ${outcome ?? status}: ${broken ?? first?.message ?? ''}${first ? ` (rule ${first.rule})` : ''}`
    }),
  ]
}

function differing(words: string, found: number, independent: number): string {
  return found === independent ? words : `${words} (the file has ${number(independent)})`
}

function shape({ id, view, at, rows, features }: Snapshot): Outcome['snapshot'] {
  return { id, view, at, rows, features: features.length }
}

/** To one digit, never rounded up to certainty. */
const percent = (share: number): string => number(Math.floor(share * 1000) / 10, 1)

const shortTime = (time: string): string => time.replace(/T00:00:00(\.0+)?Z$/, '').replace(/(:\d\d)\.0+Z$/, '$1Z')

/** What another command answers under `--json`, run with the client at hand. */
async function captured<T>(context: Context, client: Client, command: Command, ...names: string[]): Promise<T> {
  let answer = ''
  const quiet = { ...inner(context, client), stdout: (piece: string) => (answer += piece) }
  await command.run(quiet, { values: { json: true }, positionals: names })
  return JSON.parse(answer) as T
}

function inner(context: Context, client: Client): Context {
  return { ...context, env: {}, connect: async () => ({ client, close: async () => {} }) }
}
