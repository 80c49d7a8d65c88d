// Replay, skew and drift of many predictions: every input computed again from opened events, every score again from the
// inputs. Beside it the bare query: the same features at the same instant for everybody, in DuckDB, nothing opened.
import { openColumns } from '../server/src/store/columns.ts'
import { at, contract, eventLine, memory, ms, rate, view, whole, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const weights = ['events', 'opens_7d', 'opens_30d', 'clicks_30d', 'days_since_last', 'share_opened']

export async function replaying(predictions = 100_000, events = 1_000_000): Promise<Measured[]> {
  const people = Math.ceil(events / 20)
  return withWorld(async ({ client, folder }) => {
    await client.apply({
      files: [
        { path: 'sends.yaml', text: contract },
        { path: 'view.yaml', text: view },
      ],
    })
    for (let n = 0; n < events; n += 5000)
      await client.ingest(
        'sends',
        Array.from({ length: Math.min(5000, events - n) }, (_, i) => eventLine(n + i, people, 200)).join('\n'),
      )
    const snapshot = await client.materialize({ view: 'engagement', at })
    const rows: { subject: string; values: Record<string, number | string | boolean | null> }[] = []
    for await (const row of client.snapshotRows(snapshot.id)) rows.push(row)
    const training = await client.createTrainingSet({
      id: 'bench',
      view: snapshot.view,
      label: 'none',
      spine: rows
        .slice(0, 20_000)
        .map(({ subject }, i) => ({ subject, at: '2026-03-20T00:00:00Z', label: i % 2 === 0 })),
    })
    const model = await client.registerModel({
      name: 'opens',
      predicts: 'opens the next e-mail',
      view: snapshot.view,
      trainingSet: training.id,
      model: {
        form: 'logistic/1',
        intercept: -1,
        features: weights.map((name, i) => ({ name, weight: 0.1 * (i + 1), mean: 1, scale: 4, missing: 0 })),
      },
    })
    for (let n = 0; n < predictions; n += 1000)
      await client.predict({
        model: `opens@${model.version}`,
        snapshot: snapshot.id,
        predictions: Array.from({ length: Math.min(1000, predictions - n) }, (_, i) => {
          const { subject, values } = rows[(n + i) % rows.length]!
          const logit = weights.reduce(
            (sum, name, k) => sum + (0.1 * (k + 1) * (Number(values[name] ?? 0) - 1)) / 4,
            -1,
          )
          return { id: `p-${n + i}`, subject, score: 1 / (1 + Math.exp(-logit)), inputs: values }
        }),
      })
    const size = `${whole(predictions)} predictions over ${whole(events)} events`
    const columns = await openColumns({ folder })
    const bareBegan = performance.now()
    await columns.rows(
      `SELECT subject, count(*) AS events, count(*) FILTER (WHERE event = 'opened') AS opens, count(DISTINCT campaign) AS campaigns
       FROM read_parquet('${folder}/columns/sends/*.parquet') GROUP BY subject`,
    )
    const bare = performance.now() - bareBegan
    await columns.close()

    const results: Measured[] = []
    const measure = async (what: string, ask: () => Promise<boolean>): Promise<void> => {
      const began = performance.now()
      if (!(await ask())) throw new Error(`${what} did not come out as it must`)
      const took = performance.now() - began
      results.push({
        what: `${what}, ${size}`,
        measured: `${rate(predictions / (took / 1000))}; peak ${memory()}`,
        limit: `three aggregates over all events, bare DuckDB: ${ms(bare)}`,
        goal: '',
      })
    }
    await measure('replay', async () => {
      const { exact, compared } = await client.replay({})
      return exact === predictions && compared === predictions
    })
    await measure('skew', async () => {
      const { compared, views } = await client.skew({})
      return compared === predictions && views[0]!.features.every(({ mismatch, missing }) => mismatch + missing === 0)
    })
    await measure('drift', async () => (await client.drift({ model: 'opens@1' })).serving.rows === predictions)
    return results
  })
}
