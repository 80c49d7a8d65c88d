// Sealed ingest over HTTP in batches of 1,000, durable when answered, beside the bare limit: the same bytes parsed, sealed,
// hashed, appended and synced by one thread, in frames of 256, without server, contract or tables.
import { execFile } from 'node:child_process'
import { open, rm } from 'node:fs/promises'
import { promisify } from 'node:util'
import { GrowingTiles, leafHash } from '@whence/ledger'
import { encodeEntry } from '../server/src/record/ledger/entry.ts'
import { binding, commitment, deriveKeys, placeBytes, seal } from '../server/src/record/subjects/seal.ts'
import { contract, eventLine, memory, rate, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const run = promisify(execFile)

export async function ingest(bytes: number, seconds = 15): Promise<Measured> {
  return withWorld(async ({ server, client, folder }) => {
    await client.apply({ files: [{ path: 'sends.yaml', text: contract }] })
    const load = async (length: number, from: number): Promise<number> => {
      const { stdout } = await run(
        process.execPath,
        [new URL('load.ts', import.meta.url).pathname, server.url, server.token, String(bytes), String(length)],
        { env: { ...process.env, FROM: String(from) } },
      )
      const { events, seconds: took } = JSON.parse(stdout) as { events: number; seconds: number }
      return events / took
    }
    await load(3, 0)
    const measured = await load(seconds, 10_000_000)
    const bare = await bareLimit(bytes, seconds / 3, `${folder}/bare`)
    return {
      what: `sealed ingest over HTTP, ${bytes} bytes an event`,
      measured: `${rate(measured)} (${Math.round((100 * measured) / bare)} % of the limit); peak ${memory()}`,
      limit: `${rate(bare)} bare`,
      goal: `${bytes <= 200 ? '25,000' : '15,000'}/s, half of the limit`,
    }
  })
}

async function bareLimit(bytes: number, seconds: number, path: string): Promise<number> {
  const keys = Array.from({ length: 1000 }, (_, i) => deriveKeys(Buffer.alloc(32, i)))
  const file = await open(path, 'w')
  const tree = new GrowingTiles()
  const began = performance.now()
  let events = 0
  while (performance.now() - began < seconds * 1000) {
    const frame: Uint8Array[] = []
    for (let i = 0; i < 256; i++, events++) {
      const content = Buffer.from(eventLine(events, 50_000, bytes))
      JSON.parse(content.toString('utf8'))
      const place = placeBytes({ kind: 'event/1', stream: 'sends', source: 'bench', id: `e-${events}` })
      const { encrypt, bind } = keys[events % keys.length]!
      const { r, tag } = binding({ encrypt, bind }, place)
      const { compartment, stored } = seal(
        { encrypt, bind },
        place,
        tag,
        commitment(r, content),
        { id: `e-${events}` },
        content,
      )
      const entry = encodeEntry({
        actor: 'bench',
        id: `e-${events}`,
        kind: 'event/1',
        recorded: '2026-01-01T00:00:00.000000Z',
        refs: { contract: 'sends@1.0.0', outcome: 'passed' },
        sealed: compartment,
        source: 'bench',
        stream: 'sends',
        time: '2026-01-01',
      })
      tree.append(leafHash(entry))
      frame.push(entry, stored)
    }
    await file.writev(frame)
    await file.datasync()
  }
  const elapsed = (performance.now() - began) / 1000
  await file.close()
  await rm(path)
  return events / elapsed
}
