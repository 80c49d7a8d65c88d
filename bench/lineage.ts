// Lineage: OpenLineage events to the ledger and through to the graph; closures of layered graphs, beside the shape of
// query that array columns lead to; a ladder of columns; and the rebuild of the graph.
import { readConfig } from '../server/src/config.ts'
import { startServer } from '../server/src/server.ts'
import { openTestDatabase } from '../server/src/store/testing.ts'
import { at, contract, eventLine, ms, quantile, rate, view, whole, withWorld } from './world.ts'
import type { Measured, World } from './world.ts'

const LAYERS = 20
const FAN_IN = 3
const database = process.env.DATABASE_URL ? 'PostgreSQL' : 'PGlite'
const began = Date.parse('2026-01-01T00:00:00Z')
const producer = 'https://ledger.example/bench/1'
const facet = { _producer: producer, _schemaURL: 'https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json' }

interface Job {
  index: number
  inputs: readonly number[]
}

/** A graph in layers: each job writes one dataset and reads `FAN_IN` of the layer before, always the same ones. */
export function layered(jobs: number): Job[] {
  const width = Math.ceil(jobs / LAYERS)
  return Array.from({ length: jobs }, (_, index) => {
    const layer = Math.floor(index / width)
    const inputs =
      layer === 0
        ? []
        : Array.from({ length: FAN_IN }, (__, i) => (layer - 1) * width + ((index * 7 + i * 613 + layer) % width))
    return { index, inputs: [...new Set(inputs)] }
  })
}

/** One complete run of a job as an OpenLineage event, about `bytes` long. */
function runEvent({ index, inputs }: Job, run: number, bytes: number): object {
  const dataset = (of: number): object => ({
    namespace: 'bench',
    name: `table_${of}`,
    facets: {
      schema: { ...facet, fields: ['id', 'customer', 'value'].map((name) => ({ name, type: 'string' })) },
    },
  })
  const event = {
    eventType: 'COMPLETE',
    eventTime: new Date(began + run * 1000).toISOString(),
    producer,
    schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
    run: { runId: `01900000-0000-7000-8000-${run.toString(16).padStart(12, '0')}` },
    job: { namespace: 'bench', name: `job_${index}`, facets: {} as Record<string, unknown> },
    inputs: inputs.map(dataset),
    outputs: [dataset(index)],
  }
  const rest = bytes - JSON.stringify(event).length - 110
  if (rest > 0) event.job.facets.sql = { ...facet, query: `select ${'x'.repeat(rest)}` }
  return event
}

async function send({ server }: World, events: readonly object[]): Promise<void> {
  const answer = await fetch(`${server.url}/api/v1/lineage/batch`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(events),
  })
  const text = await answer.text()
  if (!answer.ok || text.includes('"failed_events":[{')) throw new Error(`${answer.status} ${text.slice(0, 300)}`)
}

async function sendAll(world: World, events: readonly object[], batch = 500, together = 4): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < events.length) {
      const from = next
      next += batch
      await send(world, events.slice(from, from + batch))
    }
  }
  await Promise.all(Array.from({ length: together }, worker))
}

export async function lineageIngest(events = 40_000, bytes = 1700): Promise<Measured[]> {
  return withWorld(async (world) => {
    const jobs = layered(2000)
    const all = Array.from({ length: events }, (_, n) => runEvent(jobs[n % jobs.length]!, n, bytes))
    await sendAll(world, all.slice(0, 2000))
    await world.client.lineageNodes({ q: 'table_1', limit: 1 })
    const start = performance.now()
    await sendAll(world, all.slice(2000))
    const taken = performance.now() - start
    await world.client.lineageNodes({ q: 'table_1', limit: 1 })
    const through = performance.now() - start
    const perSecond = (elapsed: number): number => (events - 2000) / (elapsed / 1000)
    await world.server.stop()
    const rebuilding = performance.now()
    let rebuilt = 0
    const again = await startServer(readConfig(world.folder, world.env), {
      private: true,
      rebuild: (next, size) => {
        if (next === size) rebuilt = performance.now() - rebuilding
      },
    })
    await again.stop()
    return [
      {
        what: `OpenLineage ingest in batches, ${bytes} bytes an event (${database})`,
        measured: `${rate(perSecond(taken))} to the ledger, ${rate(perSecond(through))} through to the graph`,
        limit: 'client and server share two cores',
        goal: '10,000/s, 5,000/s',
      },
      {
        what: `rebuild of the graph from ${whole(events)} OpenLineage events (${database})`,
        measured: `${rate(events / (rebuilt / 1000))}, start of the server included`,
        limit: '',
        goal: '',
      },
    ]
  })
}

export async function lineageClosure(sizes = [1000, 5000, 50_000]): Promise<Measured[]> {
  const results: Measured[] = []
  for (const size of sizes) {
    results.push(
      await withWorld(async (world) => {
        const jobs = layered(size)
        await sendAll(
          world,
          jobs.map((job, n) => runEvent(job, n, 600)),
        )
        const times: number[] = []
        let total = 0
        const width = Math.ceil(size / LAYERS)
        for (let i = 0; i < 60; i++) {
          const node = `dataset:bench:table_${size - 1 - ((i * 37) % width)}`
          const start = performance.now()
          const answer = await world.client.lineageExplain({ node, depth: 2 * LAYERS })
          if (i >= 10) times.push(performance.now() - start)
          total = answer.total
        }
        return {
          what: `lineage closure over HTTP, ${whole(size)} jobs, depth ${LAYERS} jobs, ${whole(total)} nodes found, the first 1,000 answered (${database})`,
          measured: `p50 ${ms(quantile(times, 0.5))}, p95 ${ms(quantile(times, 0.95))}`,
          limit: '',
          goal: 'p95 ≤ 100 ms',
        }
      }),
    )
  }
  return results
}

/** The closure as arrays of current inputs and outputs lead to it: undirected, joined by overlap, path by path. */
export async function arrayOverlap(sizes = [500, 1000, 2000]): Promise<Measured[]> {
  const results: Measured[] = []
  for (const size of sizes) {
    const db = await openTestDatabase({ migrated: false })
    try {
      await db.query('create table job_io (job int4 primary key, inputs int4[] not null, outputs int4[] not null)')
      for (const { index, inputs } of layered(size)) {
        await db.query('insert into job_io values ($1, $2::int4[], $3::int4[])', [index, inputs, [index]])
      }
      const taken: string[] = []
      for (const depth of [5, LAYERS]) {
        const start = performance.now()
        await db.query(
          `with recursive reached(job, inputs, outputs, depth) as (
             select job, inputs, outputs, 0 from job_io where job = $1
             union
             select io.job, io.inputs, io.outputs, reached.depth + 1 from job_io io, reached
             where io.job <> reached.job and reached.depth < $2
               and ((io.outputs && reached.inputs) or (io.inputs && reached.outputs)))
           select distinct on (job) job, depth from reached order by job, depth`,
          [size - 1, depth],
        )
        taken.push(`depth ${depth}: ${ms(performance.now() - start)}`)
      }
      results.push({
        what: `the same graph by overlap of arrays, undirected, in SQL, ${whole(size)} jobs (${database})`,
        measured: taken.join(', '),
        limit: '',
        goal: '',
      })
    } finally {
      await db.drop()
    }
  }
  return results
}

/** Each dataset has two columns, each made of both of the layer before: paths double with every layer. */
export async function columnLadder(layers = 18): Promise<Measured[]> {
  return withWorld(async (world) => {
    const event = (layer: number): object => {
      const dataset = (of: number): object => ({ namespace: 'bench', name: `layer_${of}` })
      const both = ['a', 'b'].map((field) => ({ ...dataset(layer - 1), field }))
      const schema = { ...facet, fields: ['a', 'b'].map((name) => ({ name, type: 'string' })) }
      const columnLineage = { ...facet, fields: { a: { inputFields: both }, b: { inputFields: both } } }
      return {
        ...runEvent({ index: layer, inputs: [] }, layer, 0),
        inputs: [dataset(layer - 1)],
        outputs: [{ ...dataset(layer), facets: { schema, columnLineage } }],
      }
    }
    await send(
      world,
      Array.from({ length: layers }, (_, i) => event(i + 1)),
    )
    const times: number[] = []
    for (let i = 0; i < 30; i++) {
      const start = performance.now()
      const { total } = await world.client.lineageExplain({
        node: `dataset:bench:layer_${layers}#a`,
        level: 'columns',
        depth: layers,
      })
      if (i >= 5) times.push(performance.now() - start)
      if (total < 2 * layers) throw new Error(`only ${total} columns were reached`)
    }
    return [
      {
        what: `column closure over HTTP, a ladder of ${layers} layers with ${whole(2 ** layers)} paths (${database})`,
        measured: `p50 ${ms(quantile(times, 0.5))}, p95 ${ms(quantile(times, 0.95))}`,
        limit: '',
        goal: '',
      },
    ]
  })
}

/** From a source table through stream, view and models to the people: their predictions are counted when asked. */
export async function lineageImpact(predictions = 1_000_000, people = 50_000): Promise<Measured[]> {
  return withWorld(async ({ client }) => {
    const upstream = `upstream: [{ namespace: bench, name: raw_sends }], knownAt`
    await client.apply({
      files: [
        { path: 'sends.yaml', text: contract.replace('knownAt', upstream) },
        { path: 'view.yaml', text: view },
      ],
    })
    for (let n = 0; n < people; n += 5000) {
      await client.ingest('sends', Array.from({ length: 5000 }, (_, i) => eventLine(n + i, people, 200)).join('\n'))
    }
    const snapshot = await client.materialize({ view: 'engagement', at })
    const subjects: string[] = []
    for await (const row of client.snapshotRows(snapshot.id)) subjects.push(row.subject)
    for (let sent = 0, version = 0; sent < predictions; version++) {
      const { name, version: number } = await client.registerModel({
        name: 'opens',
        predicts: 'opens the next e-mail',
        view: snapshot.view,
        model: {
          form: 'logistic/1',
          intercept: version,
          features: [{ name: 'events', weight: 1, mean: 0, scale: 1, missing: 0 }],
        },
      })
      for (let n = 0; n < subjects.length && sent < predictions; n += 1000) {
        const batch = subjects.slice(n, Math.min(n + 1000, n + predictions - sent))
        await client.predict({
          model: `${name}@${number}`,
          snapshot: snapshot.id,
          predictions: batch.map((subject, i) => ({ id: `p-${version}-${n + i}`, subject, score: 0.5 })),
        })
        sent += batch.length
      }
    }
    const times: number[] = []
    let counted = 0
    for (let i = 0; i < 12; i++) {
      const start = performance.now()
      const { counts } = await client.lineageImpact({ node: 'dataset:bench:raw_sends' })
      if (i >= 2) times.push(performance.now() - start)
      counted = counts.predictions
    }
    if (counted !== predictions) throw new Error(`${counted} predictions were counted`)
    return [
      {
        what: `impact of a source table, to a count over ${whole(predictions)} predictions (${database})`,
        measured: `p50 ${ms(quantile(times, 0.5))}, p95 ${ms(quantile(times, 0.95))}`,
        limit: '',
        goal: '',
      },
    ]
  })
}
