// Each kind of feature that docs/spec/views.md shows, held against values reckoned by hand.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { compileView } from './compile.ts'
import type { StreamShape } from './events.ts'
import { materialize, rows } from './materialize.ts'
import { contributors } from './recompute.ts'
import { columnsOf, memorySource, subject, testFolder } from './testing.ts'
import type { StreamEvent } from './testing.ts'
import { parseView } from './view.ts'

const base = await testFolder()
const [, yaml] = /```yaml\n(kind: FeatureView\nname: kinds\n[^]*?)```/.exec(
  readFileSync(new URL('../../../../docs/spec/views.md', import.meta.url), 'utf8'),
)!
const view = parseView(yaml!, 'docs/spec/views.md')

const shapes: StreamShape[] = [
  {
    stream: 'touchpoints',
    contract: 'touchpoints@1.0.0',
    columns: [
      { name: 'interaction', type: 'VARCHAR' },
      { name: 'channel', type: 'VARCHAR' },
      { name: 'amount', type: 'DECIMAL(18,2)' },
    ],
  },
  { stream: 'profiles', contract: 'profiles@1.0.0', columns: [{ name: 'tier', type: 'VARCHAR' }] },
]
const compiled = await compileView(base.columns, view, shapes)

const day = 86_400_000_000
const start = Date.UTC(2026, 2, 1) * 1000
const anna = subject(1)
const bela = subject(2)

const touched = (seq: number, who: string, at: number, ...values: unknown[]): StreamEvent => ({
  stream: 'touchpoints',
  seq,
  subject: who,
  time: start + at * day,
  known: start + at * day,
  values,
})
/** A change of the profile that happened on one day and was heard of on another. */
const changed = (seq: number, who: string, at: number, heard: number, tier: string | null): StreamEvent => ({
  stream: 'profiles',
  seq,
  subject: who,
  time: start + at * day,
  known: start + heard * day,
  values: [tier],
})

const events = [
  changed(0, anna, -100, -100, 'bronze'),
  touched(1, anna, 0, 'view', 'Search', null),
  touched(2, anna, 10, 'click', 'Facebook', null),
  touched(3, anna, 25, 'click', 'Search', '10.50'),
  touched(4, anna, 28, 'view', null, '0.25'),
  changed(5, anna, 5, 20, 'silver'),
  // A correction of the same moment: recorded later, it wins.
  changed(6, anna, 5, 22, 'gold'),
  touched(7, bela, 29, 'view', 'Search', null),
]
const place = await columnsOf(base, shapes, memorySource(events), [8])

async function valuesAt(days: number, asOf = 8): Promise<Map<string, unknown>> {
  const made = await materialize(place, compiled, { at: start + days * day, asOf, name: `${days}-${asOf}` })
  return new Map((await rows(place, made, { limit: 10 })).map((row) => [row.subject, row.values]))
}

test('every kind of feature gives what its example says', async () => {
  const found = await valuesAt(30)
  assert.deepEqual(found.get(anna), {
    clicks_7d: 1n,
    click_rate: 2 / 3,
    channels_30d: 2n,
    last_channel: 'Search',
    channel_of_last: null,
    days_since: 2,
    spent_30d: '10.75',
    tier: 'gold',
    fresh_tier: 'gold',
  })
  assert.deepEqual(found.get(bela), {
    clicks_7d: 0n,
    click_rate: 0,
    channels_30d: 1n,
    last_channel: 'Search',
    channel_of_last: 'Search',
    days_since: 1,
    spent_30d: '0.00',
    tier: null,
    fresh_tier: null,
  })
})

test('a profile is looked up as it was known at both clocks, however late its changes were heard of', async () => {
  const tier = async (days: number, asOf?: number): Promise<unknown[]> => {
    const values = (await valuesAt(days, asOf)).get(anna) as Record<string, unknown>
    return [values.tier, values.fresh_tier]
  }
  // It had changed on day 5, and on day 15 nobody knew; the old one is more than 90 days old.
  assert.deepEqual(await tier(15), ['bronze', null])
  assert.deepEqual(await tier(20), ['silver', 'silver'])
  assert.deepEqual(await tier(21), ['silver', 'silver'])
  assert.deepEqual(await tier(22), ['gold', 'gold'])
  // And by what the log had: before the change, and before its correction.
  assert.deepEqual(await tier(30, 5), ['bronze', null])
  assert.deepEqual(await tier(30, 6), ['silver', 'silver'])
})

test('each of them is made from the events that feed it, and no others', async () => {
  const { features } = await contributors(place, compiled, { subject: anna, at: start + 30 * day, asOf: 8 })
  assert.deepEqual(features, {
    clicks_7d: [3],
    click_rate: [2, 3, 4],
    channels_30d: [2, 3],
    last_channel: [1, 2, 3],
    channel_of_last: [1, 2, 3, 4],
    days_since: [1, 2, 3, 4],
    spent_30d: [3, 4],
    tier: [0, 5, 6],
    fresh_tier: [5, 6],
  })
})
