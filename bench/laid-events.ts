// Events as column files without a ledger behind them: what only reads such files is measured at a size that would take
// an hour to ingest.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quote } from '../server/src/store/columns.ts'
import type { Column, Columns } from '../server/src/store/columns.ts'

export const start = Date.UTC(2026, 0, 1) * 1000
export const span = 90 * 86_400_000_000
export const columns: Column[] = [
  { name: 'event', type: 'VARCHAR' },
  { name: 'campaign', type: 'VARCHAR' },
  { name: 'value', type: 'BIGINT' },
]

export const subjectOf = (people: string): string => `unhex(md5((${people})::VARCHAR))`

/** Column files of a stream, as the ledger's events become them, written by DuckDB itself. */
export async function layEvents(store: Columns, folder: string, events: number, people: number): Promise<void> {
  await mkdir(join(folder, 'columns/sends'), { recursive: true })
  const files: object[] = []
  const each = 1_000_000
  for (let from = 0; from < events; from += each) {
    const to = Math.min(events, from + each)
    const path = `columns/sends/${from}-${to}.parquet`
    await store.run(
      `COPY (SELECT seq, ${subjectOf(`hash(seq) % ${people}`)} AS subject,
           make_timestamp((${start} + (seq::HUGEINT * ${span}) // ${events})::BIGINT) AS "time", "time" AS known,
           ['sent', 'opened', 'clicked'][1 + (hash(seq, 1) % 3)::INTEGER] AS event,
           'c' || (hash(seq, 2) % 50)::VARCHAR AS campaign, (hash(seq, 3) % 1000)::BIGINT AS value
         FROM (SELECT range AS seq FROM range(${from}, ${to})) ORDER BY subject, "time", seq)
       TO ${quote(join(folder, path))} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION snappy, ROW_GROUP_SIZE 51200)`,
    )
    const sha256 = await sha256Of(join(folder, path))
    const { size } = await stat(join(folder, path))
    files.push({ path, from, to, rows: to - from, sha256, bytes: size, columns })
  }
  const manifest = { version: 1, stream: 'sends', to: events, files }
  await writeFile(join(folder, 'columns/sends/manifest.json'), JSON.stringify(manifest))
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
