// Which snapshots of tables may go. Age and number are the caller's rule; what a live model or a prediction still needs
// stays, and the answer says why. What goes is let go of by a record first, and by the disk after.
import type { ExpireTables, TablesExpired } from '@whence/sdk'
import type { z } from 'zod'
import { Fault } from '../../fault.ts'
import { featureTable } from '../../path/features/feature-tables.ts'
import type { Snapshots } from '../../path/features/snapshots.ts'
import type { Models } from '../../path/models/models.ts'
import type { Follower } from '../../record/projection/follower.ts'
import type { Tables } from '../../record/tables/tables.ts'
import type { Database } from '../../store/database.ts'

type Request = Required<Pick<z.infer<typeof ExpireTables>, 'before' | 'keep' | 'dryRun'>> & {
  tables?: readonly string[] | undefined
}

export interface ExpiryParts {
  tables: Tables
  snapshots: Snapshots
  models: Models
  follower: Follower
  database: Database
}

export async function expireTables(parts: ExpiryParts, request: Request, by: { id: string }): Promise<TablesExpired> {
  const { tables, snapshots } = parts
  const before = Date.parse(request.before)
  if (Number.isNaN(before)) throw new Fault('invalid', `"${request.before}" is no time`)
  const names = request.tables ?? (await tables.list()).map(({ name }) => name)
  const needs = await needed(parts)
  const result: TablesExpired = { expired: [], kept: [], dryRun: request.dryRun }
  for (const name of names) {
    const { metadata } = await tables.get(name)
    const newest = new Set(metadata.snapshots.slice(-request.keep).map((snapshot) => snapshot['snapshot-id']))
    const going: bigint[] = []
    for (const { 'snapshot-id': id, 'timestamp-ms': made } of metadata.snapshots) {
      if (made >= before || newest.has(id) || id === metadata['current-snapshot-id']) continue
      const why = needs(name, id)
      if (why.length > 0) result.kept.push({ table: name, snapshot: String(id), why })
      else going.push(id)
    }
    const gone = request.dryRun ? going : await tables.expire(name, going, by)
    for (const id of gone) result.expired.push({ table: name, snapshot: String(id) })
    if (!request.dryRun && name.startsWith('features.')) await snapshots.forget(gone)
  }
  return result
}

/** Who needs a snapshot of a table, in sentences. */
async function needed({ models, follower, database }: ExpiryParts): Promise<(table: string, id: bigint) => string[]> {
  await follower.reach('prediction', 'predictions', 'model', 'alias', 'snapshot')
  const predictions = await database.query<{ snapshot: bigint; n: bigint }>(
    `select snapshot, sum(n)::int8 as n from (
       select snapshot, count(*) as n from prediction where snapshot is not null group by snapshot
       union all
       select snapshot, rows as n from prediction_batch where snapshot is not null) each
     group by snapshot`,
  )
  const counts = new Map(predictions.map(({ snapshot, n }) => [snapshot, n]))
  const live = await database.query<{ name: string; version: number; alias: string; environment: string }>(
    'select name, version, alias, environment from model_alias where version is not null order by name, environment, alias',
  )
  const needing = new Map<string, string[]>()
  for (const { name, version, alias, environment } of live) {
    const model = `${name}@${version}`
    const { view } = await models.get(model)
    if (view === undefined) continue
    const table = featureTable(view)
    needing.set(table, [
      ...(needing.get(table) ?? []),
      `${model} is live (${alias} in ${environment}) and takes its inputs from ${view}`,
    ])
  }
  return (table, id) => {
    if (!table.startsWith('features.')) return []
    const n = counts.get(id) ?? 0n
    return [
      ...(n > 0n ? [`${n} ${n === 1n ? 'prediction was' : 'predictions were'} made from it`] : []),
      ...(needing.get(table) ?? []),
    ]
  }
}
