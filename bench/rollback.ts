// What was decided wrongly is stopped: 10,000 queued sends quarantined; and whom a model version concerns, over a million of
// its predictions.
import { purposes } from '../journeys/messages.ts'
import { ms, quantile, whole, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const AT_ONCE = 1000
const TIMES = 20

export function rollback(queued = 10_000, predictions = 1_000_000, people = 200_000): Promise<Measured[]> {
  return withWorld(async ({ client }) => {
    await client.apply({ files: [purposes] })
    for (let n = 0; n < queued; n += AT_ONCE) {
      const { released } = await client.proposeAll(
        Array.from({ length: AT_ONCE }, (_, i) => ({
          id: `a-${n + i}`,
          type: 'send' as const,
          actor: { type: 'service' as const, id: 'mailer' },
          entity: `c-${n + i}`,
          channel: 'email',
          campaign: 'spring',
          purpose: 'newsletter',
          address: `c-${n + i}@example.com`,
          output: { copy: [{ part: 'subject', text: 'Spring is here' }] },
        })),
      )
      if (released !== AT_ONCE) throw new Error(`${released} of ${AT_ONCE} were released`)
    }
    const scope = { kind: 'campaign' as const, name: 'spring', reason: 'a wrong discount' }
    const [pausing, asking, bare]: number[][] = [[], [], []]
    for (let i = 0; i < TIMES; i++) {
      const began = performance.now()
      const { quarantined } = await client.pause(scope)
      const paused = performance.now()
      const { claims } = await client.claim({ campaign: 'spring', limit: 1000 })
      const asked = performance.now()
      if (quarantined !== queued || claims.length > 0) throw new Error(`${quarantined} wait, ${claims.length} got out`)
      await client.resume(scope)
      await client.outbox()
      pausing!.push(paused - began)
      asking!.push(asked - paused)
      const start = performance.now()
      await client.object({ identifier: `nobody-${i}`, purpose: 'profiling' })
      bare!.push(performance.now() - start)
    }
    const began = performance.now()
    const { recalled } = await client.recall({ ...scope, id: 'all' })
    const recalling = performance.now() - began
    if (recalled !== queued) throw new Error(`${recalled} were taken back`)

    const { name, version } = await client.registerModel({ name: 'bench', predicts: 'nothing', metrics: {} })
    for (let n = 0; n < predictions; n += AT_ONCE)
      await client.predict({
        model: `${name}@${version}`,
        predictions: Array.from({ length: AT_ONCE }, (_, i) => ({
          id: `p-${n + i}`,
          entity: `c-${(n + i) % people}`,
          score: 0.5,
        })),
      })
    const cause = { kind: 'model' as const, name: `${name}@${version}` }
    const scoping: number[] = []
    const counting: number[] = []
    for (let i = 0; i < TIMES; i++) {
      const start = performance.now()
      const found = await client.scope(cause)
      if (i > 0) scoping.push(performance.now() - start)
      if (found.predictions.predictions !== predictions || found.predictions.people !== people)
        throw new Error(`${JSON.stringify(found.predictions)} were counted`)
      const from = performance.now()
      await client.status()
      counting.push(performance.now() - from)
    }
    const line = (times: number[]): string => `p50 ${ms(quantile(times, 0.5))}, max ${ms(Math.max(...times))}`
    return [
      {
        what: `pause of a campaign with ${whole(queued)} queued sends, to its answer, after which a sender gets none`,
        measured: `${line(pausing!)}; a claim that gets none ${line(asking!)}; taken back for good ${ms(recalling)}`,
        limit: `one record, acknowledged: ${line(bare!)}`,
        goal: '≤ 1 s',
      },
      {
        what: `scope of a model version over ${whole(predictions)} predictions about ${whole(people)} people`,
        measured: line(scoping),
        limit: `a request that counts nothing: ${line(counting)}`,
        goal: '≤ 1 s',
      },
    ]
  })
}
