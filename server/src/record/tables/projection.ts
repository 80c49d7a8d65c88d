// The tables of tables: what the records say is current.
import type { Projection } from '../projection/follower.ts'
import type { TableRecord } from './table.ts'

export const tableProjection: Projection = {
  tables: ['table_head', 'table_snapshot', 'table_file'],
  kinds: ['table'],
  async apply(tx, records) {
    for (const { seq, open } of records) {
      const opened = open()
      if (opened.state !== 'open') continue
      const record = JSON.parse(Buffer.from(opened.content).toString('utf8')) as TableRecord
      const at = BigInt(seq)
      const { table, metadata, snapshot, added, operation, files, expired, dropped } = record
      const head = {
        version: record.version,
        uuid: record.uuid,
        location: record.location,
        schema: record.schema,
        lastColumnId: record.lastColumnId,
        partition: record.partition,
        rows: record.rows,
      }
      await tx.query(
        `insert into table_head (name, version, seq, metadata, snapshot, body) values ($1, $2, $3, $4, $5, $6::text::jsonb)
         on conflict (name) do update set version = excluded.version, seq = excluded.seq, metadata = excluded.metadata,
           snapshot = excluded.snapshot, body = excluded.body`,
        [table, record.version, at, metadata, snapshot === null ? null : BigInt(snapshot), JSON.stringify(head)],
      )
      if (added !== null)
        await tx.query('insert into table_snapshot (table_name, id, seq, operation) values ($1, $2, $3, $4)', [
          table,
          BigInt(added),
          at,
          operation,
        ])
      for (const { kind, path, sha256, bytes, rows, source, hashes } of files)
        await tx.query(
          `insert into table_file (path, table_name, kind, sha256, bytes, rows, source, hashes, seq)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
          [
            path,
            table,
            kind,
            sha256,
            BigInt(bytes),
            rows === undefined ? null : BigInt(rows),
            source ?? null,
            hashes ?? null,
            at,
          ],
        )
      if (expired.length > 0)
        await tx.query('update table_snapshot set expired = $2 where table_name = $1 and id = any($3::int8[])', [
          table,
          at,
          expired.map(BigInt),
        ])
      if (dropped.length > 0) await tx.query('delete from table_file where path = any($1::text[])', [dropped])
    }
  },
}
