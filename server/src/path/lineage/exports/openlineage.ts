// The recorded OpenLineage events, one a line, in the order of the log, as their producers sent them.
import type { Ledger } from '../../../record/ledger/ledger.ts'
import { readLineageBytes } from '../../../rules/lineage/event.ts'
import { LINEAGE_STREAM } from '../collector.ts'

/** Records looked up in one go. */
const PAGE = 1000

/**
 * Each event's bytes and a line feed. An event that was sent over several lines is put on one: line feeds within JSON
 * stand between values only, so that it says the same. `runs`: only events of these runs.
 */
export async function* openLineageEvents(
  ledger: Ledger,
  asOf: number,
  runs?: ReadonlySet<string>,
): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < asOf;) {
    const { seqs, next } = ledger.ofStream(LINEAGE_STREAM, from, PAGE)
    const lines: Uint8Array[] = []
    for (const seq of seqs) {
      if (seq >= asOf) break
      const opened = ledger.open(seq)
      if (opened.state !== 'open' || !opened.entry.kind.startsWith('lineage/')) continue
      if (runs !== undefined) {
        const read = readLineageBytes(opened.content, 0)
        if ('refused' in read || !runs.has(read.statement.run?.id ?? '')) continue
      }
      lines.push(oneLine(opened.content))
    }
    if (lines.length > 0) yield Buffer.concat(lines)
    if (next <= from) return
    from = next
  }
}

function oneLine(content: Uint8Array): Uint8Array {
  const line = Buffer.alloc(content.length + 1, 0x0a)
  line.set(content)
  for (let i = 0; i < content.length; i++) if (line[i] === 0x0a || line[i] === 0x0d) line[i] = 0x20
  return line
}
