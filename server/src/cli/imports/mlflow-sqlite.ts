// MLflow's SQLite store, `mlflow.db`: read, never written.
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { Fault } from '../../fault.ts'
import type { MlflowDataset, MlflowRun, MlflowStore, MlflowVersion } from '../../path/lineage/imports/mlflow.ts'
import { artifactAt } from './mlflow-artifact.ts'

type Row = Record<string, string | number | bigint | null>

export async function readSqliteStore(path: string): Promise<MlflowStore> {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path, { readOnly: true })
    return await read(database, path)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('invalid', `${path} cannot be read as a database of MLflow: ${(cause as Error).message}`, { cause })
  } finally {
    if (database?.isOpen) database.close()
  }
}

async function read(database: DatabaseSync, path: string): Promise<MlflowStore> {
  const tables = new Set(rows(database, "select name from sqlite_master where type = 'table'").map(({ name }) => name))
  for (const table of ['experiments', 'runs', 'params', 'latest_metrics', 'metrics', 'tags']) {
    if (!tables.has(table))
      throw new Fault(
        'invalid',
        `${path} has no table "${table}": it is no tracking store of MLflow, or one before 1.0.`,
      )
  }
  const optional = (table: string, query: string): Row[] => (tables.has(table) ? rows(database, query) : [])
  const params = grouped(rows(database, 'select run_uuid, key, value from params order by key'))
  const tags = grouped(rows(database, 'select run_uuid, key, value from tags order by key'))
  const metrics = grouped(
    rows(
      database,
      `select l.run_uuid, l.key, l.value, l.is_nan, (select count(*) from metrics m where m.run_uuid = l.run_uuid and m.key = l.key) as count
       from latest_metrics l order by l.key`,
    ),
  )
  const datasets = grouped(
    tables.has('inputs') && tables.has('datasets')
      ? rows(
          database,
          `select i.destination_id as run_uuid, d.name, d.digest, d.dataset_source_type, d.dataset_source, d.dataset_schema,
             (select t.value from input_tags t where t.input_uuid = i.input_uuid and t.name = 'mlflow.data.context') as context
           from inputs i join datasets d on d.dataset_uuid = i.source_id
           where i.source_type = 'DATASET' and i.destination_type = 'RUN' order by d.name, d.digest`,
        )
      : [],
  )
  const runs = rows(
    database,
    `select r.*, e.name as experiment from runs r join experiments e on e.experiment_id = r.experiment_id
     where r.lifecycle_stage <> 'deleted' and e.lifecycle_stage <> 'deleted' order by r.start_time, r.run_uuid`,
  ).map((row): MlflowRun => {
    const id = String(row.run_uuid)
    return {
      id,
      experiment: String(row.experiment),
      name: text(row.name),
      status: statusOf(String(row.status)),
      started: number(row.start_time),
      ended: number(row.end_time),
      params: Object.fromEntries((params.get(id) ?? []).map(({ key, value }) => [key, String(value)])),
      metrics: Object.fromEntries(
        (metrics.get(id) ?? []).map(({ key, value, is_nan: none, count }) => [
          key,
          { value: Number(none) === 1 ? Number.NaN : Number(value), count: Number(count) },
        ]),
      ),
      tags: Object.fromEntries((tags.get(id) ?? []).map(({ key, value }) => [key, String(value ?? '')])),
      datasets: (datasets.get(id) ?? []).map(datasetOf),
    }
  })
  const notes: string[] = []
  const versions: MlflowVersion[] = []
  for (const row of optional('model_versions', 'select * from model_versions order by name, version')) {
    if (row.current_stage === 'Deleted_Internal') continue
    versions.push({
      model: String(row.name),
      version: Number(row.version),
      run: text(row.run_id),
      artifact: await artifactAt(text(row.storage_location) ?? text(row.source), dirname(path), notes),
    })
  }
  const aliases = optional('registered_model_aliases', 'select * from registered_model_aliases order by name, alias')
  return {
    from: path,
    runs,
    versions,
    aliases: aliases.map((row) => ({
      model: String(row.name),
      alias: String(row.alias),
      version: Number(row.version),
    })),
    notes,
  }
}

function datasetOf(row: Row): MlflowDataset {
  return {
    name: String(row.name),
    digest: String(row.digest),
    sourceType: String(row.dataset_source_type),
    source: String(row.dataset_source),
    schema: text(row.dataset_schema),
    context: text(row.context),
  }
}

/** As the REST API and this store have it. */
export function statusOf(status: string): MlflowRun['status'] {
  const known: Record<string, MlflowRun['status']> = { FINISHED: 'finished', FAILED: 'failed', KILLED: 'killed' }
  return known[status] ?? 'running'
}

function rows(database: DatabaseSync, query: string): Row[] {
  const statement = database.prepare(query)
  statement.setReadBigInts(true)
  return statement.all() as Row[]
}

function grouped(all: Row[]): Map<string, (Row & { key: string })[]> {
  return Map.groupBy(all as (Row & { key: string })[], ({ run_uuid: run }) => String(run))
}

function text(value: Row[string] | undefined): string | undefined {
  return value === null || value === undefined || value === '' ? undefined : String(value)
}

function number(value: Row[string] | undefined): number | undefined {
  return value === null || value === undefined ? undefined : Number(value)
}
