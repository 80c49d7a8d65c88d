// The REST API of an MLflow tracking server, version 2.0.
import { z } from 'zod'
import { Fault } from '../../fault.ts'
import type { MlflowRun, MlflowStore, MlflowVersion } from '../../path/lineage/imports/mlflow.ts'
import { artifactAt } from './mlflow-artifact.ts'
import { statusOf } from './mlflow-sqlite.ts'

const page = { next_page_token: z.string().nullish() }
const pairs = z.array(z.looseObject({ key: z.string(), value: z.string().nullish() })).default([])
const Experiments = z.looseObject({
  experiments: z.array(z.looseObject({ experiment_id: z.string(), name: z.string() })).default([]),
  ...page,
})
const number = z
  .union([z.number(), z.string()])
  .transform((value) => (typeof value === 'number' ? value : numberOf(value)))
const Runs = z.looseObject({
  runs: z
    .array(
      z.looseObject({
        info: z.looseObject({
          run_id: z.string(),
          run_name: z.string().nullish(),
          experiment_id: z.string(),
          status: z.string(),
          start_time: z.coerce.number().nullish(),
          end_time: z.coerce.number().nullish(),
        }),
        data: z
          .looseObject({
            params: pairs,
            tags: pairs,
            metrics: z.array(z.looseObject({ key: z.string(), value: number.nullish() })).default([]),
          })
          .default({ params: [], tags: [], metrics: [] }),
        inputs: z
          .looseObject({
            dataset_inputs: z
              .array(
                z.looseObject({
                  tags: pairs,
                  dataset: z.looseObject({
                    name: z.string(),
                    digest: z.string(),
                    source_type: z.string(),
                    source: z.string(),
                    schema: z.string().nullish(),
                  }),
                }),
              )
              .default([]),
          })
          .nullish(),
      }),
    )
    .default([]),
  ...page,
})
const Versions = z.looseObject({
  model_versions: z
    .array(
      z.looseObject({
        name: z.string(),
        version: z.coerce.number().int().positive(),
        run_id: z.string().nullish(),
        source: z.string().nullish(),
      }),
    )
    .default([]),
  ...page,
})
const Models = z.looseObject({
  registered_models: z
    .array(
      z.looseObject({
        name: z.string(),
        aliases: z.array(z.looseObject({ alias: z.string(), version: z.coerce.number().int().positive() })).default([]),
      }),
    )
    .default([]),
  ...page,
})
const History = z.looseObject({ metrics: z.array(z.unknown()).default([]), ...page })
const Download = z.looseObject({ artifact_uri: z.string() })

/** `headers` carry whatever the server wants to know of its caller. */
export async function readRestStore(url: string, headers: Record<string, string>): Promise<MlflowStore> {
  const base = url.replace(/\/+$/, '')
  const notes: string[] = []
  const ask = async <S extends z.ZodType>(path: string, schema: S, body?: object): Promise<z.output<S>> => {
    const address = `${base}/api/2.0/mlflow/${path}`
    let response: Response
    try {
      response = await fetch(address, {
        method: body ? 'POST' : 'GET',
        headers: { accept: 'application/json', ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    } catch (cause) {
      const reason = (cause as Error).cause ?? cause
      throw new Fault('unavailable', `${base} cannot be reached: ${(reason as Error).message}`, { cause })
    }
    const said = await response.text()
    if (!response.ok) throw new Fault('invalid', `${address} answers ${response.status}: ${said.slice(0, 300)}`)
    try {
      return schema.parse(JSON.parse(said))
    } catch (cause) {
      throw new Fault('invalid', `${address} does not answer as a tracking server of MLflow does.`, { cause })
    }
  }

  const experiments = new Map<string, string>()
  for (let token: string | undefined = '', seen = 0; token !== undefined && seen < MOST_PAGES; seen++) {
    const answer: z.output<typeof Experiments> = await ask('experiments/search', Experiments, {
      max_results: 1000,
      ...(token ? { page_token: token } : {}),
    })
    for (const { experiment_id: id, name } of answer.experiments) experiments.set(id, name)
    token = answer.next_page_token || undefined
  }
  const runs: MlflowRun[] = []
  for (const [id, experiment] of experiments) {
    for (let token: string | undefined = '', seen = 0; token !== undefined && seen < MOST_PAGES; seen++) {
      const answer: z.output<typeof Runs> = await ask('runs/search', Runs, {
        experiment_ids: [id],
        max_results: 1000,
        order_by: ['attributes.start_time ASC'],
        ...(token ? { page_token: token } : {}),
      })
      for (const run of answer.runs) runs.push(await runOf(run, experiment))
      token = answer.next_page_token || undefined
    }
  }

  async function runOf(
    { info, data, inputs }: z.output<typeof Runs>['runs'][number],
    experiment: string,
  ): Promise<MlflowRun> {
    const metrics: Record<string, { value: number; count: number }> = {}
    for (const { key, value } of data.metrics) {
      let count = 0
      for (let token: string | undefined = '', seen = 0; token !== undefined && seen < MOST_PAGES; seen++) {
        const query = new URLSearchParams({
          run_id: info.run_id,
          metric_key: key,
          ...(token ? { page_token: token } : {}),
        })
        const history: z.output<typeof History> = await ask(`metrics/get-history?${query}`, History)
        count += history.metrics.length
        token = history.next_page_token || undefined
      }
      metrics[key] = { value: value ?? Number.NaN, count }
    }
    return {
      id: info.run_id,
      experiment,
      name: info.run_name ?? undefined,
      status: statusOf(info.status),
      started: info.start_time ?? undefined,
      ended: info.end_time || undefined,
      params: Object.fromEntries(data.params.map(({ key, value }) => [key, value ?? ''])),
      metrics,
      tags: Object.fromEntries(data.tags.map(({ key, value }) => [key, value ?? ''])),
      datasets: (inputs?.dataset_inputs ?? []).map(({ tags, dataset }) => ({
        name: dataset.name,
        digest: dataset.digest,
        sourceType: dataset.source_type,
        source: dataset.source,
        schema: dataset.schema ?? undefined,
        context: tags.find(({ key }) => key === 'mlflow.data.context')?.value ?? undefined,
      })),
    }
  }

  const versions: MlflowVersion[] = []
  for (let token: string | undefined = '', seen = 0; token !== undefined && seen < MOST_PAGES; seen++) {
    const query = new URLSearchParams({ max_results: '1000', ...(token ? { page_token: token } : {}) })
    const answer: z.output<typeof Versions> = await ask(`model-versions/search?${query}`, Versions)
    for (const { name, version, run_id: run, source } of answer.model_versions) {
      const where = await ask(
        `model-versions/get-download-uri?${new URLSearchParams({ name, version: String(version) })}`,
        Download,
      ).catch(() => undefined)
      const artifact = await artifactAt(where?.artifact_uri ?? source, '/', notes)
      versions.push({ model: name, version, run: run || undefined, artifact })
    }
    token = answer.next_page_token || undefined
  }
  const aliases: { model: string; alias: string; version: number }[] = []
  for (let token: string | undefined = '', seen = 0; token !== undefined && seen < MOST_PAGES; seen++) {
    const query = new URLSearchParams({ max_results: '100', ...(token ? { page_token: token } : {}) })
    const answer: z.output<typeof Models> = await ask(`registered-models/search?${query}`, Models)
    for (const { name, aliases: own } of answer.registered_models)
      for (const { alias, version } of own) aliases.push({ model: name, alias, version })
    token = answer.next_page_token || undefined
  }
  return { from: base, runs, versions: versions.toSorted(byVersion), aliases, notes }
}

/** A server that always names another page is not followed for ever. */
const MOST_PAGES = 10_000

function byVersion(a: MlflowVersion, b: MlflowVersion): number {
  return a.model === b.model ? a.version - b.version : a.model < b.model ? -1 : 1
}

function numberOf(value: string): number {
  return { NaN: Number.NaN, Infinity: Infinity, '-Infinity': -Infinity }[value] ?? Number(value)
}
