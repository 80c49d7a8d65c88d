// Reads that are under way while somebody is erased: after the erasure is acknowledged no value of theirs is answered, not
// even by a read that had begun long before.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Online } from '@whence/sdk'
import { contract, stream } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const people = Array.from({ length: 60 }, (_, i) => `person-${i}`)
/** `reader` is computed by the second engine; the median only by DuckDB, which takes its time. */
const views = ['reader', 'slow'].map((name) => ({
  path: `${name}.yaml`,
  text: `
kind: FeatureView
name: ${name}
entity: customer
source: ${stream}
features:
  - { name: letters, type: int64, expr: count(*) }
  - { name: middle, type: double, expr: '${name === 'slow' ? 'median(amount)' : 'max(amount)'}' }
`,
}))

let site: Site
let server: Running
before(async () => {
  site = await Site.make()
  server = await site.start()
  await server.client.apply({ files: [{ path: 'letters.yaml', text: contract() }, ...views] })
  let n = 0
  await server.client.ingest(
    stream,
    people.flatMap((customer, i) =>
      Array.from({ length: 20 }, (_, k) => {
        const time = new Date(Date.parse('2026-01-01T00:00:00Z') + (i * 20 + k) * 60_000).toISOString()
        const more = { campaign: 'c', creative: 'A', consent: true, amount: k + 1 }
        return { id: `e-${++n}`, n, event: 'bought', time, received: time, customer, ...more }
      }),
    ),
  )
})
after(() => site?.remove())

const read = (order: readonly string[], names: string[]): Promise<Online> =>
  server.client.onlineMany({ views: names, entities: [...order] })

/** What an answer says of somebody: whole, or nothing. */
function said(answer: Online, who: string): string {
  const one = answer.entities.find(({ entity }) => entity === who)!
  if (one.state !== 'known') {
    assert.deepEqual(one.views, [], `${one.state}, and yet there is something`)
    assert.equal(one.subject, undefined)
    return one.state
  }
  for (const { values, problem, present } of one.views) {
    assert.equal(problem, undefined)
    assert.deepEqual([present, values.letters], [true, 20])
  }
  return 'known'
}

for (const names of [['slow', 'reader'], ['reader']] as string[][])
  test(`${names.join(' and ')}: no value of an erased person after the erasure is acknowledged`, async () => {
    const gone = people.pop()!
    const others = people.slice(0, names.length > 1 ? 15 : 50)
    let acknowledged = false
    let stop = false
    const answers: { late: boolean; state: string }[] = []
    let pending = 0
    // They stand first, so that they are answered long before the answer is whole.
    const reading = Array.from({ length: 3 }, async () => {
      while (!stop) {
        pending++
        const begun = acknowledged
        const answer = await read([gone, ...others], names)
        pending--
        answers.push({ late: begun || acknowledged, state: said(answer, gone) })
        for (const other of others) assert.equal(said(answer, other), 'known')
      }
    })
    const begun = read([gone, ...others], names)
    assert.equal(said(await begun, gone), 'known')
    await server.client.erase({ identifier: gone, basis: 'asked' })
    const under = pending
    // What was sent before the acknowledgement has been heard when two more answers have come.
    await server.client.status()
    await server.client.status()
    acknowledged = true
    assert.ok(under > 0, 'reads were under way')
    await Promise.race([Promise.all(reading), server.client.status()])
    for (let i = 0; i < 3; i++) assert.equal(said(await read([gone, ...others], names), gone), 'erased')
    stop = true
    await Promise.all(reading)
    const late = answers.filter((one) => one.late)
    assert.ok(late.length > 0 && answers.some(({ state }) => state === 'known'))
    assert.deepEqual([...new Set(late.map(({ state }) => state))], ['erased'])
    assert.deepEqual((await server.client.verify()).problems, [])
  })
