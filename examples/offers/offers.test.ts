import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { MissingData } from '../example.ts'
import { fake } from '../fake.ts'
import { realData } from '../real-data.ts'
import { offers } from './example.ts'
import { withTimes } from './files.ts'

const skip = existsSync(join(realData(), 'starbucks')) ? false : 'the real data are not here'

test('says which file is missing', async () => {
  await assert.rejects(offers.prepare('/nowhere', '/nowhere'), MissingData)
})

test('writes the day of joining as a time, and changes nothing else', () => {
  const line = '{"gender": null, "age": 118, "id": "68", "became_member_on": "20170212", "income": null}'
  assert.equal(withTimes(line), line.replace('20170212', '2017-02-12T00:00:00Z'))
})

test('the files hold 25,694 events of 13,268 members, and the model learns who completes', { skip }, async () => {
  const work = await mkdtemp(join(tmpdir(), 'whence-offers-'))
  try {
    const files = await offers.prepare(work, realData())
    assert.equal((await readFile(files['profiles']!, 'utf8')).split('\n').length, 17_001)
    const facts = offers.independent(files)
    assert.equal(facts.subjects, 13_268)
    assert.deepEqual(
      facts.counts.kinds.map(({ kind, count }) => [kind, count]),
      [
        ['offer received', 12_650],
        ['offer viewed', 6673],
        ['offer completed', 1498],
        ['transaction', 4873],
      ],
    )
    const { whence, predictions } = fake(facts)
    const model = await offers.train(whence, files)
    assert.ok(model.metrics!['auc']! > 0.6, `AUC ${model.metrics!['auc']}`)
    const snapshot = await whence.materialize({ view: offers.view, at: offers.at })
    assert.equal(await offers.score(whence, model, snapshot, files), snapshot.rows)
    assert.ok(predictions.some((prediction) => prediction.id === `pred-${offers.explain.number}`))
    if (process.env['SHOW'])
      console.log(
        model.metrics,
        snapshot.rows,
        model.model!.features,
        predictions.toSorted((a, b) => b.score - a.score)[0],
      )
  } finally {
    await rm(work, { recursive: true })
  }
})
