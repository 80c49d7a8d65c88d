// What a `lineage/1` record says: the event as it was read at the door, and, where its producer states no columns, those
// that the job's SQL tells of. Only schemas in the event itself count, so that any order of events says the same.
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import type { StatementReader } from '../../record/lineage/projection.ts'
import type { Link, Statement, Use } from '../../record/lineage/statement.ts'
import type { FollowedRecord } from '../../record/projection/follower.ts'
import type { Micros } from '../../record/time.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { readAccepted } from '../../rules/lineage/event.ts'
import { deriveLinks, loadSqlParser } from '../../rules/lineage/sql.ts'
import type { RecentStatements } from './recent.ts'

/** A job says the same SQL with every run. */
const REMEMBERED = 2000

/** Throws `invalid` for what the rules of now refuse. */
export function lineageReader(recent: RecentStatements): StatementReader {
  const derived = new Map<string, readonly Link[]>()
  return async (record) => {
    const kept = recent.take(record.entry.id)
    // The same bytes may have come again, from elsewhere too: without a time of their own they are of another time then.
    const statement = kept?.time === parseTime(record.entry.time) ? kept : read(record)
    if (!statement) return []
    if (statement.job?.facets.sql === undefined || statement.outputs.length === 0 || statement.links.length > 0)
      return [statement]
    const key = asked(statement)
    let links = derived.get(key)
    if (links === undefined) {
      await loadSqlParser()
      links = deriveLinks(statement, () => undefined)
      if (derived.size >= REMEMBERED) derived.delete(derived.keys().next().value!)
      derived.set(key, links)
    }
    return [links.length === 0 ? statement : { ...statement, links }]
  }
}

function read(record: FollowedRecord): Statement | undefined {
  const opened = record.open()
  if (opened.state !== 'open') return undefined
  // Of an event whose own time cannot be read the entry has the time of its arrival.
  const statement = readAccepted(opened.content, parseTime(opened.entry.time) as Micros)
  if (statement) return statement
  throw new Fault('invalid', `the OpenLineage event of record ${record.seq} is refused by the rules of now`)
}

/** Everything that the links depend on. */
function asked({ job, inputs, outputs, aliases }: Statement): string {
  const named = (uses: readonly Use[]) =>
    uses.map(({ name, facets }) => [
      name.namespace,
      name.name,
      facets.schema,
      'columnLineage' in facets,
      'lineage' in facets,
    ])
  const parts = [job?.facets.sql, 'lineage' in (job?.facets ?? {}), named(inputs), named(outputs), aliases]
  return hash('sha256', JSON.stringify(parts), 'base64url')
}
