// What the tests of this step share: events in memory as a source, and a folder with DuckDB over it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { openColumns } from '../../store/columns.ts'
import type { Columns } from '../../store/columns.ts'
import { EventColumns } from './event-columns.ts'
import type { EventColumnsOptions } from './event-columns.ts'
import type { EventRow, EventSource, StreamShape } from './events.ts'

export type StreamEvent = EventRow & { stream: string }

export interface MemorySource extends EventSource {
  all: StreamEvent[]
}

/** A ledger of events in memory; erasing is taking them out of `all`. */
export function memorySource(all: StreamEvent[], batch = 7): MemorySource {
  const within = (stream: string, from: number, to: number): StreamEvent[] =>
    source.all.filter((event) => event.stream === stream && event.seq >= from && event.seq < to)
  const source: MemorySource = {
    all,
    async *events(stream, from, to) {
      const events = within(stream, from, to)
      for (let at = 0; at < events.length; at += batch) yield events.slice(at, at + batch)
    },
    async members(stream, from, to) {
      return within(stream, from, to).map(({ seq }) => seq)
    },
  }
  return source
}

/** A data folder for the tests of a file, with DuckDB; both go when the tests are done. */
export async function testFolder(): Promise<{ folder: string; columns: Columns }> {
  const folder = mkdtempSync(join(tmpdir(), 'whence-features-'))
  const columns = await openColumns({ folder, threads: 2 })
  after(async () => {
    await columns.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, columns }
}

/** Column files of all the source's events, in a folder of their own below `base`. */
export async function columnsOf(
  { folder, columns }: { folder: string; columns: Columns },
  shapes: readonly StreamShape[],
  source: EventSource,
  positions: readonly number[],
  options: Partial<EventColumnsOptions> = {},
): Promise<{ folder: string; columns: Columns; events: EventColumns }> {
  const own = join(folder, `case-${++cases}`)
  const events = new EventColumns({ columns, folder: own, source, ...options })
  for (const to of positions) for (const { stream, columns: shape } of shapes) await events.extend(stream, shape, to)
  return { folder: own, columns, events }
}

let cases = 0

/** A subject id from a small number. */
export function subject(n: number): string {
  return (n * 0x9e3779b1).toString(16).padStart(32, 'a5')
}
