// Whom a model version concerns whose predictions stand in a batch, counted and held, alone and beside single ones; and what
// it costs a proposal to name one of them.
import { purposes } from '../journeys/messages.ts'
import { ms, quantile, rate, whole, withWorld } from './world.ts'
import type { Measured } from './world.ts'

const MODEL = 'bench@1'
const TIMES = 20
const AT_ONCE = 1000

const line = (n: number, people: number): string =>
  JSON.stringify({
    id: `p-${n}`,
    entity: `c-${n % people}`,
    score: 0.5,
    time: new Date(Date.parse('2026-03-01T00:00:00Z') + (n % 86_400) * 1000).toISOString(),
    about: { campaign: `k-${n % 40}`, creative: 'A' },
  })

export function batchScope(
  rows = Number(process.env.ROWS ?? 1_000_000),
  people = rows / 5,
  singles = Number(process.env.SINGLES ?? 100_000),
): Promise<Measured[]> {
  return withWorld(async ({ client }) => {
    await client.apply({ files: [purposes] })
    await client.registerModel({ name: 'bench', predicts: 'nothing', metrics: {} })
    const text = Array.from({ length: rows }, (_, n) => line(n, people)).join('\n')
    const { accounting } = await client.predictBatch({ batch: 'bench', model: MODEL }, text)
    if (accounting.recorded !== rows) throw new Error(`not all were recorded: ${JSON.stringify(accounting)}`)
    const asked = async (predictions: number, who: number): Promise<number> => {
      const start = performance.now()
      const { predictions: found } = await client.scope({ kind: 'model', name: MODEL })
      if (found.predictions !== predictions || found.people !== who)
        throw new Error(`${JSON.stringify(found)} were counted`)
      return performance.now() - start
    }
    const first = await asked(rows, people)
    const held: number[] = []
    for (let i = 0; i < TIMES; i++) held.push(await asked(rows, people))

    let n = 0
    const proposing = async (predictions: (n: number) => string[]): Promise<number> => {
      const began = performance.now()
      const { released } = await client.proposeAll(
        Array.from({ length: AT_ONCE }, () => {
          n++
          return {
            id: `a-${n}`,
            type: 'send' as const,
            actor: { type: 'service' as const, id: 'mailer' },
            entity: `c-${n}`,
            channel: 'email',
            campaign: 'spring',
            purpose: 'newsletter',
            address: `c-${n}@example.com`,
            output: { copy: [{ part: 'subject', text: 'Spring is here' }] },
            inputs: { predictions: predictions(n) },
          }
        }),
      )
      if (released !== AT_ONCE) throw new Error(`${released} of ${AT_ONCE} were released`)
      return AT_ONCE / ((performance.now() - began) / 1000)
    }
    const [bare, naming]: number[][] = [[], []]
    for (let i = 0; i < 5; i++) {
      bare!.push(await proposing(() => []))
      naming!.push(await proposing((one) => [`p-${one}`]))
    }

    // Half of the people of these are in the batch too.
    for (let at = 0; at < singles; at += AT_ONCE)
      await client.predict({
        model: MODEL,
        predictions: Array.from({ length: AT_ONCE }, (_, i) => ({
          id: `s-${at + i}`,
          entity: `c-${people - singles / 2 + at + i}`,
          score: 0.5,
        })),
      })
    const both: number[] = []
    for (let i = 0; i < TIMES; i++) both.push(await asked(rows + singles, people + singles / 2))
    const counting: number[] = []
    for (let i = 0; i < TIMES; i++) {
      const from = performance.now()
      await client.status()
      counting.push(performance.now() - from)
    }
    const spread = (times: number[]): string => `p50 ${ms(quantile(times, 0.5))}, max ${ms(Math.max(...times))}`
    return [
      {
        what: `scope of a model version over a batch of ${whole(rows)} predictions about ${whole(people)} people`,
        measured: `counted ${ms(first)}; held, ${spread(held)}`,
        limit: `a request that counts nothing: ${spread(counting)}`,
        goal: '≤ 1 s',
      },
      {
        what: `the same with ${whole(singles)} single predictions beside, about people of whom half are in the batch`,
        measured: spread(both),
        limit: `the batch alone, counted: ${ms(first)}`,
        goal: '≤ 1 s',
      },
      {
        what: `proposals that each name a prediction in a batch of ${whole(rows)}`,
        measured: rate(quantile(naming!, 0.5)),
        limit: `proposals that name none: ${rate(quantile(bare!, 0.5))}`,
        goal: '',
      },
    ]
  })
}
