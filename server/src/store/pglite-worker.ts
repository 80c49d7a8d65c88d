// The thread in which PGlite runs. It answers the protocol, and does what a server's background processes would do.
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import type { Reply, Request, Start } from './pglite.ts'

const port = parentPort!
const { folder, template, housekeeping: rest = 5_000 } = workerData as Start

const pglite = await PGlite.create({
  dataDir: folder,
  ...(template && { loadDataDir: new Blob([template as Uint8Array<ArrayBuffer>]) }),
  // One session alone: what is counted may be hashed in memory where a server, with a hundred of them, would sort on disk.
  startParams: [
    ...PGlite.defaultStartParams,
    ...['min_wal_size=32MB', 'max_wal_size=64MB', 'work_mem=32MB'].flatMap((setting) => ['-c', setting]),
  ],
})

/** Whether the last statement left no transaction open, as ReadyForQuery, the end of every answer, says. */
let idle = true
let busySince: number | undefined

// Requests come one by one: each waits for the one before.
let last: Promise<void> = Promise.resolve()
port.on('message', (request: Request) => {
  last = last.then(() => handle(request))
})
reply('open')

async function handle(request: Request): Promise<void> {
  if (request === 'close') {
    await pglite.close()
    port.close()
    return
  }
  if ('wire' in request) {
    // Throws only when PGlite itself is broken: then this thread ends, and everyone who waits is told.
    const chunks: Uint8Array[] = []
    await pglite.execProtocolRawStream(request.wire, { onRawData: (chunk) => chunks.push(chunk.slice()) })
    const wire = concatenated(chunks)
    idle = wire.length === 0 || wire.at(-1) === 0x49 // 'I'
    reply({ wire }, [wire.buffer])
  } else {
    await copy(request.copy, request.bytes)
  }
  busySince ??= performance.now()
  if (idle && performance.now() - busySince >= rest) {
    busySince = undefined
    // Refused (a full disk, say): the next round tries again, and whoever writes is told by their own statement.
    await housekeeping().catch(rethrowUnlessRefused)
  }
}

function concatenated(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0))
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.length
  }
  return whole
}

async function copy(statement: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  try {
    await pglite.query(statement, [], { blob: new Blob([bytes]) })
    reply('copied')
  } catch (error) {
    rethrowUnlessRefused(error)
    const { message, severity, code, constraint, table, column } = error as Error & Record<string, unknown>
    reply({ refused: { message, severity, code, constraint, table, column } })
  }
}

/** PostgreSQL's own errors have a severity; any other one means that PGlite is broken. */
function rethrowUnlessRefused(error: unknown): void {
  if (!(error instanceof Error && 'severity' in error)) throw error
}

function reply(message: Reply, transfer: ArrayBuffer[] = []) {
  port.postMessage(message, transfer)
}

/**
 * A single session has neither checkpointer nor autovacuum: without this the write-ahead log keeps every byte ever
 * written, and the planner guesses. The thresholds are PostgreSQL's.
 */
async function housekeeping(): Promise<void> {
  const { rows: wal } = await pglite.query<{ bytes: number }>(
    'select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::float8 as bytes from pg_control_checkpoint()',
  )
  if (wal[0]!.bytes > 64 * 1024 * 1024) await pglite.exec('checkpoint')
  await pglite.query('select pg_stat_force_next_flush()') // the counts may be a second old otherwise
  const { rows: due } = await pglite.query<{ statement: string }>(`
    select format('%s %I.%I', case when vacuum and guess then 'vacuum (analyze)' when vacuum then 'vacuum' else 'analyze' end,
                  schemaname, relname) as statement
    from (select *, n_mod_since_analyze > 50 + 0.1 * n_live_tup as guess,
            -- Without the second, what only grows would never be read from its indexes alone.
            n_dead_tup > 50 + 0.2 * n_live_tup or n_ins_since_vacuum > 1000 + 0.2 * n_live_tup as vacuum
          from pg_stat_user_tables) as grown
    where vacuum or guess`)
  for (const { statement } of due) await pglite.exec(statement)
}
