// Names as `dbt-ol`, OpenLineage's own wrapper of dbt, gives them: so that what it sends and what is imported are one.
import { Fault } from '../../../fault.ts'
import type { DbtNode } from './dbt-artifacts.ts'

/** The namespace of the datasets of a connection: one target of a profile in `profiles.yml`. */
export function namespaceOf(target: Readonly<Record<string, unknown>>): string {
  const text = (key: string, otherwise?: string | number): string => {
    const value = target[key] ?? otherwise
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new Fault('invalid', `The profile has no ${key}: name the datasets with --dataset-namespace.`)
    if (String(value).includes('{{'))
      throw new Fault('invalid', `The profile's ${key} is a template: name the datasets with --dataset-namespace.`)
    return String(value)
  }
  switch (target.type) {
    case 'bigquery':
      return 'bigquery'
    case 'snowflake':
      return `snowflake://${text('account')}`
    case 'postgres':
      return `postgres://${text('host')}:${text('port', 5432)}`
    case 'redshift':
      return `redshift://${text('host')}:${text('port', 5439)}`
    case 'duckdb':
      return `duckdb://${text('path')}`
    case 'sqlserver':
      return `mssql://${text('server')}:${text('port', 1433)}`
    case 'trino':
      return `trino://${text('host')}:${text('port', 8080)}`
    case 'clickhouse':
      return `clickhouse://${text('host')}:${text('port', 8123)}`
    case 'databricks':
      return `databricks://${text('host')}`
    case 'spark':
      return `spark://${text('host')}:${text('port', 10000)}`
    case 'athena':
      return `awsathena://athena.${text('region_name')}.amazonaws.com`
    default:
      throw new Fault(
        'invalid',
        `We do not know how datasets of the adapter ${String(target.type).slice(0, 100)} are named: say it with --dataset-namespace.`,
      )
  }
}

/** `database.schema.alias`, as far as there are these. */
export function datasetName(node: DbtNode): string {
  const { database, schema } = node
  const table = node.identifier ?? node.alias ?? node.name
  return [database, schema, table].filter((part) => part !== null && part !== undefined && part !== '').join('.')
}

/** `database.schema.package.name`, and behind it what dbt did, where one node is more than one job. */
export function jobName(node: DbtNode, which: string | undefined, tested = false): string {
  const place = [node.database, node.schema].filter((part) => part !== null && part !== undefined && part !== '')
  const own = node.unique_id.replace(/^(model|snapshot|seed)\./, '')
  const what = tested ? 'test' : { model: 'run', snapshot: 'snapshot', seed: 'seed' }[node.resource_type]
  const suffix = which === 'build' ? `.build.${what}` : what === 'run' ? '' : `.${what}`
  return [...place, own].join('.') + suffix
}
