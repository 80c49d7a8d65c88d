import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MissingData } from '../example.ts'
import { fake } from '../fake.ts'
import { realData } from '../real-data.ts'
import { attribution } from './example.ts'
import { independent } from './independent.ts'
import { readTouchpoints } from './touchpoints.ts'

const skip = existsSync(join(realData(), 'attribution')) ? false : 'the real data are not here'

test('says which file is missing', async () => {
  await assert.rejects(attribution.prepare('/nowhere', '/nowhere'), MissingData)
})

test('computes the features of one customer as one would by hand', async () => {
  const work = await mkdtemp(join(tmpdir(), 'whence-attribution-'))
  try {
    const file = join(work, 'some.csv')
    await writeFile(
      file,
      `customer_id,time,interaction,conversion,conversion_value,channel
A1,2018-07-31T12:00:00Z,impression,0,0,Facebook
A1,2018-07-25T00:00:00Z,impression,0,0,Paid Search
A1,2018-07-25T00:00:01Z,impression,0,0,Facebook
A1,2018-07-02T00:00:00Z,conversion,1,7.5,Facebook
A1,2018-07-02T00:00:01Z,conversion,1,5.0625,Instagram
A1,2018-08-01T00:00:00Z,conversion,1,4,Facebook
A1,2018-08-01T00:00:01Z,impression,0,0,Facebook
A2,2018-08-02T00:00:00Z,impression,0,0,Facebook
`,
    )
    const facts = independent(file)
    assert.deepEqual(Object.fromEntries(facts.features('2018-08-01T00:00:00Z')), {
      A1: {
        impressions: 3,
        impressions_7d: 2,
        impressions_30d: 3,
        facebook_30d: 2,
        instagram_30d: 0,
        online_display_30d: 0,
        online_video_30d: 0,
        paid_search_30d: 1,
        channels_30d: 2,
        days_since_impression: 0.5,
        conversions: 3,
        conversions_30d: 2,
        conversion_value_30d: '9.0625',
        days_since_conversion: 0,
      },
    })
  } finally {
    await rm(work, { recursive: true })
  }
})

test('the file holds what its publisher counted', { skip }, async () => {
  const files = await attribution.prepare('', realData())
  const facts = attribution.independent(files)
  assert.equal(readTouchpoints(files['touchpoints']!).length, 62_483)
  assert.equal(facts.subjects, 7896)
  assert.deepEqual(
    facts.counts.kinds.map(({ count }) => count),
    [60_645, 1838],
  )
  const rows = [...facts.features('2018-08-01T00:00:00Z').values()]
  assert.equal(rows.length, 7896)
})

test('everybody is scored, by a model that says how little it knows', { skip }, async () => {
  const files = await attribution.prepare('', realData())
  const { whence, predictions } = fake(attribution.independent(files))
  const model = await attribution.train(whence, files)
  assert.ok(Math.abs(model.metrics!['auc']! - 0.5) < 0.05, `AUC ${model.metrics!['auc']}`)
  const snapshot = await whence.materialize({ view: attribution.view, at: attribution.at })
  assert.equal(await attribution.score(whence, model, snapshot, files), 7896)
  assert.ok(predictions.some((prediction) => prediction.id === `pred-${attribution.explain.number}`))
  if (process.env['SHOW']) console.log(model.metrics, predictions.toSorted((a, b) => b.score - a.score).slice(0, 2))
})
