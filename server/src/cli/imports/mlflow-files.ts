// MLflow's file store: a folder `mlruns` with an experiment a folder, and a file for each parameter, metric and tag.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { Fault } from '../../fault.ts'
import type { MlflowDataset, MlflowRun, MlflowStore, MlflowVersion } from '../../path/lineage/imports/mlflow.ts'
import { artifactAt } from './mlflow-artifact.ts'

/** Everything is read as text: a digest such as 9e280328 would be a number to YAML, and no double holds an id. */
const absent = new Set(['', 'null', '~', 'None'])
const text = z
  .string()
  .optional()
  .transform((value) => (value === undefined || absent.has(value) ? undefined : value))
const count = z
  .string()
  .regex(/^\d{1,15}$/, 'is no number')
  .transform(Number)
const time = text.pipe(count.optional())
const Experiment = z.looseObject({ name: z.string(), lifecycle_stage: text })
const Run = z.looseObject({
  run_id: text,
  run_uuid: text,
  run_name: text,
  status: count.pipe(z.number().int().min(1).max(5)),
  start_time: time,
  end_time: time,
  lifecycle_stage: text,
})
const Input = z.looseObject({
  source_id: z.string(),
  tags: z.record(z.string(), z.string()).optional().catch(undefined),
})
const Dataset = z.looseObject({
  name: z.string(),
  digest: z.string(),
  source: z.string(),
  source_type: z.string(),
  schema: text,
})
const Version = z.looseObject({
  name: z.string(),
  version: count,
  run_id: text,
  storage_location: text,
  source: text,
})
const Model = z.looseObject({ name: z.string(), aliases: z.record(z.string(), count).optional() })

const statuses = { 1: 'running', 2: 'running', 3: 'finished', 4: 'failed', 5: 'killed' } as const

/** Whether a folder is a file store: it holds experiments or registered models. */
export function isFileStore(folder: string): boolean {
  return folders(folder).some(
    (name) =>
      existsSync(join(folder, name, 'meta.yaml')) ||
      (name === 'models' &&
        folders(join(folder, name)).some((each) => existsSync(join(folder, name, each, 'meta.yaml')))),
  )
}

export async function readFileStore(folder: string): Promise<MlflowStore> {
  const notes: string[] = []
  const runs: MlflowRun[] = []
  for (const name of folders(folder).filter((each) => each !== 'models')) {
    const home = join(folder, name)
    // Left by MLflow where artifacts of another store lie: no experiment.
    if (!existsSync(join(home, 'meta.yaml'))) continue
    const experiment = meta(join(home, 'meta.yaml'), Experiment)
    if (experiment.lifecycle_stage === 'deleted') continue
    for (const id of folders(home)) {
      if (!existsSync(join(home, id, 'meta.yaml')) || ['datasets', 'models', 'traces'].includes(id)) continue
      const run = meta(join(home, id, 'meta.yaml'), Run)
      if (run.lifecycle_stage === 'deleted') continue
      runs.push({
        id: run.run_id ?? run.run_uuid ?? id,
        experiment: experiment.name,
        name: run.run_name,
        status: statuses[run.status as keyof typeof statuses],
        started: run.start_time,
        ended: run.end_time,
        params: values(join(home, id, 'params')),
        metrics: metricsIn(join(home, id, 'metrics')),
        tags: values(join(home, id, 'tags')),
        datasets: datasetsOf(home, id),
      })
    }
  }
  const versions: MlflowVersion[] = []
  const aliases: { model: string; alias: string; version: number }[] = []
  for (const name of folders(join(folder, 'models'))) {
    const home = join(folder, 'models', name)
    if (!existsSync(join(home, 'meta.yaml'))) continue
    const model = meta(join(home, 'meta.yaml'), Model)
    for (const each of folders(home).filter((entry) => /^version-\d+$/.test(entry))) {
      const version = meta(join(home, each, 'meta.yaml'), Version)
      versions.push({
        model: model.name,
        version: version.version,
        run: version.run_id,
        artifact: await artifactAt(version.storage_location ?? version.source, folder, notes),
      })
    }
    for (const [alias, version] of Object.entries(model.aliases ?? {}))
      aliases.push({ model: model.name, alias, version })
  }
  return { from: folder, runs, versions: versions.toSorted((a, b) => a.version - b.version), aliases, notes }
}

function datasetsOf(experiment: string, run: string): MlflowDataset[] {
  const inputs = join(experiment, run, 'inputs')
  return folders(inputs).flatMap((id) => {
    const { source_id: source, tags } = meta(join(inputs, id, 'meta.yaml'), Input)
    const path = join(experiment, 'datasets', source, 'meta.yaml')
    if (!existsSync(path)) return []
    const dataset = meta(path, Dataset)
    return [
      {
        name: dataset.name,
        digest: dataset.digest,
        sourceType: dataset.source_type,
        source: dataset.source,
        schema: dataset.schema,
        context: tags?.['mlflow.data.context'],
      },
    ]
  })
}

/** `timestamp value step`, a line each. The last in time counts, of several the one with the highest step. */
function metricsIn(folder: string): MlflowRun['metrics'] {
  const metrics: Record<string, { value: number; count: number }> = {}
  for (const [key, content] of Object.entries(values(folder))) {
    // MLflow writes a value again when it is also one of a logged model.
    const lines = [...new Set(content.split('\n').filter((line) => line.trim() !== ''))]
    const read = lines.map((line) => {
      const [timestamp, value, step = '0'] = line.trim().split(/\s+/)
      const parsed = { timestamp: Number(timestamp), value: numberOf(value ?? ''), step: Number(step) }
      if (Number.isNaN(parsed.timestamp) || value === undefined)
        throw new Fault('invalid', `${join(folder, key)} is damaged: "${line.slice(0, 80)}" is no metric.`)
      return parsed
    })
    const last = read.reduce(
      (a, b) => (b.step > a.step || (b.step === a.step && b.timestamp >= a.timestamp) ? b : a),
      read[0]!,
    )
    if (last) metrics[key] = { value: last.value, count: read.length }
  }
  return metrics
}

function numberOf(value: string): number {
  const named = { nan: Number.NaN, inf: Number.POSITIVE_INFINITY, '-inf': Number.NEGATIVE_INFINITY }
  return named[value.toLowerCase() as keyof typeof named] ?? Number(value)
}

/** The files below a folder by their path, which is their key: keys with "/" are folders. */
function values(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {}
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  return Object.fromEntries(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .toSorted()
      .map((path) => [relative(folder, path).replaceAll(sep, '/'), readFileSync(path, 'utf8').replace(/\n$/, '')]),
  )
}

function folders(folder: string): string[] {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return []
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => name)
    .toSorted()
}

function meta<S extends z.ZodType>(path: string, schema: S): z.output<S> {
  let value: unknown
  try {
    value = parse(readFileSync(path, 'utf8'), { schema: 'failsafe' })
  } catch (cause) {
    throw new Fault('invalid', `${path} cannot be read as MLflow writes it: ${(cause as Error).message}`, { cause })
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Fault(
    'invalid',
    `${path} is not as MLflow writes it, at ${issue?.path.join('.') || 'its root'}: ${issue?.message}`,
  )
}
