// Predictions: a batch through the door beside the bare work on the same bytes, predictions by themselves, and how fast the
// follower takes them up.
import { hash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '../server/src/config.ts'
import { startServer } from '../server/src/server.ts'
import { openColumns } from '../server/src/store/columns.ts'
import { rate, whole, withWorld } from './world.ts'
import type { Measured, World } from './world.ts'

const MODEL = 'bench@1'

function line(n: number, people: number): string {
  return JSON.stringify({
    id: `p-${n}`,
    entity: `c-${(Math.imul(n, 2_654_435_761) >>> 0) % people}`,
    score: ((n * 7919) % 100_003) / 100_003,
    time: new Date(Date.parse('2026-03-01T00:00:00Z') + (n % 86_400) * 1000).toISOString(),
    inputs: { opens_30d: n % 9, opens_90d: n % 31, spent: (n % 977) / 100, share: (n % 101) / 101 },
    about: { campaign: `k-${n % 40}`, creative: 'A' },
  })
}

async function model({ client }: World): Promise<void> {
  await client.registerModel({ name: 'bench', predicts: 'nothing', metrics: {} })
}

/** The least that any way of keeping these rows does: read each, hash it once, write them sorted to Parquet. */
async function bare(folder: string, text: string, rows: number): Promise<number> {
  await mkdir(folder, { recursive: true })
  const columns = await openColumns({ folder })
  try {
    const began = performance.now()
    for (const each of text.split('\n')) {
      const row = JSON.parse(each) as object
      hash('sha256', JSON.stringify(row))
    }
    await writeFile(join(folder, 'rows.ndjson'), text)
    await columns.run(
      `COPY (SELECT id, entity, score, time, inputs::VARCHAR AS inputs, about.campaign AS campaign
             FROM read_json('${folder}/rows.ndjson', format = 'newline_delimited') ORDER BY entity, id)
       TO '${folder}/rows.parquet' (FORMAT parquet, COMPRESSION zstd)`,
    )
    return rows / ((performance.now() - began) / 1000)
  } finally {
    await columns.close()
    await rm(folder, { recursive: true })
  }
}

export function predictions(
  rows = Number(process.env.ROWS ?? 1_000_000),
  singles = Number(process.env.SINGLES ?? 100_000),
): Promise<Measured[]> {
  return withWorld(async (world) => {
    await model(world)
    const { client, server, folder, env } = world
    const text = Array.from({ length: rows }, (_, n) => line(n, rows / 2)).join('\n')
    const limit = await bare(`${folder}-bare`, text, rows)
    const began = performance.now()
    const { accounting } = await client.predictBatch({ batch: 'bench', model: MODEL }, text)
    const batch = rows / ((performance.now() - began) / 1000)
    if (accounting.recorded !== rows) throw new Error(`not all were recorded: ${JSON.stringify(accounting)}`)

    const size = 1000
    const start = performance.now()
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < singles) {
        const from = next
        next += size
        const some = Array.from({ length: size }, (_, i) => JSON.parse(line(rows + from + i, rows / 2)) as never)
        const { recorded } = await client.predict({ model: MODEL, predictions: some })
        if (recorded !== size) throw new Error(`only ${recorded} were recorded`)
      }
    }
    await Promise.all([worker(), worker(), worker()])
    const single = singles / ((performance.now() - start) / 1000)
    await server.stop()

    let [first, last, reached] = [0, 0, 0]
    const again = await startServer(readConfig(folder, env), {
      private: true,
      rebuild: (position) => {
        first ||= performance.now()
        last = performance.now()
        reached = position
      },
    })
    await again.stop()
    const seconds = (last - first) / 1000
    return [
      {
        what: `predictions in one batch, ${whole(rows)} rows of ${Math.round(text.length / rows)} bytes, ${whole(rows / 2)} people first seen`,
        measured: rate(batch),
        limit: `parse, hash, sort, Parquet: ${rate(limit)}`,
        goal: 'none stated',
      },
      {
        what: 'predictions by themselves, 1,000 a request, three at once',
        measured: rate(single),
        limit: `the follower takes them up at ${seconds > 0 ? rate((reached - 8192) / seconds) : 'too few to say'}`,
        goal: 'follower: 30,000/s',
      },
    ]
  })
}
