import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fake } from '../fake.ts'
import { email } from './example.ts'
import { campaigns } from './programme.ts'
import { letIn, simulate } from './simulate.ts'

const programme = simulate()

test('the same seed gives the same bytes, another seed others', () => {
  const digest = (lines: readonly string[]) => createHash('sha256').update(lines.join('\n')).digest('hex')
  assert.equal(digest(programme.lines), '39a7453ab498e20bf24c65ecdef7bb0cba136b37728f8b86bcff74419372b094')
  const small = (seed: number) => digest(simulate({ seed, customers: 500 }).lines)
  assert.equal(small(7), small(7))
  assert.notEqual(small(8), small(7))
})

test('the programme has 40 campaigns with three subject lines each, all different', () => {
  assert.equal(campaigns.length, 40)
  assert.equal(new Set(campaigns.map((c) => c.name)).size, 40)
  assert.equal(new Set(campaigns.flatMap((c) => Object.values(c.subjects))).size, 120)
})

test('27 lines are dirty: 21 to be flagged, 6 for quarantine, and three sequence numbers are missing', () => {
  const { lines, flawed, gap } = programme
  const flagged = [...flawed.values()].filter((flaw) => letIn.has(flaw))
  assert.equal(flagged.length, 21)
  assert.equal(flawed.size - flagged.length, 6)
  const numbers = new Set(lines.map((line) => Number(/"sequence":(\d+)/.exec(line)![1])))
  assert.equal(numbers.size, lines.length)
  const last = lines.length + gap.to - gap.from + 1
  for (let n = 1; n <= last; n++) assert.equal(numbers.has(n), n < gap.from || n > gap.to)
  const clean = lines.filter((_, i) => !flawed.has(i + 1))
  assert.ok(clean.every((line) => typeof JSON.parse(line).customer_id === 'string'))
})

test('the model learns who opens, and scores everybody who has not objected', async () => {
  const work = await mkdtemp(join(tmpdir(), 'whence-email-'))
  try {
    const files = await email.prepare(work, '')
    const facts = email.independent(files)
    const { whence, predictions } = fake(facts)
    const model = await email.train(whence, files)
    assert.ok(model.metrics!['auc']! > 0.68 && model.metrics!['auc']! < 0.85, `AUC ${model.metrics!['auc']}`)
    const snapshot = await whence.materialize({ view: email.view, at: email.at })
    assert.equal(await email.score(whence, model, snapshot, files), predictions.length)
    const objected = [...facts.features(email.at).values()].filter((values) => Number(values['optouts_90d']) > 0)
    assert.equal(predictions.length, snapshot.rows - objected.length)
    const followed = predictions.find((prediction) => prediction.id === `pred-${email.explain.number}`)!
    assert.ok(followed.score > 0.5)
    assert.equal(followed.reasons!.length, model.model!.features.length)
    if (process.env.SHOW) console.log(model, followed, predictions.length, snapshot.rows)
  } finally {
    await rm(work, { recursive: true })
  }
})
