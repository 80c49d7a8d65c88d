// What would have been decided: the predictions of a cause, computed again under the model version or the feature view that
// should have been in use, and reckoned here in plain loops.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client, CorrectedRequest } from '@whence/sdk'
import { run } from '../server/src/cli/testing.ts'
import { collect, refused } from './answers.ts'
import {
  at,
  customers,
  follow,
  letters,
  logistic,
  modelName,
  modelOf,
  prediction,
  reader,
  scored,
  view,
} from './shop.ts'
import type { Thread } from './shop.ts'
import { message, purposes } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

/** It asks for clicks where the first asked for opened letters. */
const clicks = view.replace(
  "opens_90d, type: int64, window: 90d, filter: event = 'opened'",
  "opens_90d, type: int64, window: 90d, filter: event = 'clicked'",
)
/** It has no opens_30d, which the model reads. */
const fewer = clicks.replace(/\n {2}- \{ name: opens_30d.*?\n/, '\n')

/** The second version likes buyers more. */
const generous = {
  ...logistic,
  features: logistic.features.map((one) => (one.name === 'spent' ? { ...one, weight: 3 } : one)),
}

function scoredBy(model: typeof logistic, values: Readonly<Record<string, number>>): number {
  const logit = model.features.reduce(
    (sum, { name, weight, mean, scale }) => sum + (weight * (values[name]! - mean)) / scale,
    model.intercept,
  )
  return 1 / (1 + Math.exp(-logit))
}

const clicked = (customer: string): number =>
  letters.filter(
    (one) =>
      one.customer === customer && one.event === 'clicked' && Date.parse(one.time) > Date.parse(at) - 90 * 86_400_000,
  ).length

const idOf = (customer: string): string => `p-${customer.split('-')[1]}`

const follows = (id: string, entity: string, predictions: string[], campaign = 'winter') =>
  message(id, entity, {
    purpose: 'service',
    campaign,
    output: { copy: [{ part: 'subject', text: 'It snows' }] },
    inputs: { predictions },
  })

suite('predictions under a corrected configuration', () => {
  let site: Site
  let server: Running
  let client: Client
  let thread: Thread
  const cause = { kind: 'model' as const, name: modelName }
  const threshold = 0.63
  const yes = (score: number): boolean => score >= threshold
  const scores = customers.map((customer) => ({
    id: idOf(customer),
    before: scored({ ...reader(customer) }).score,
    generous: scoredBy(generous, { ...reader(customer) }),
    clicks: scoredBy(logistic, { ...reader(customer), opens_90d: clicked(customer) }),
  }))

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    thread = await follow(client)
    await client.registerModel({ ...modelOf(thread.training.id), run: { id: 'run-2' }, model: generous })
    await client.apply({
      files: [{ path: 'features/reader.yaml', text: clicks }, purposes],
    })
    await client.apply({ files: [{ path: 'features/reader.yaml', text: fewer }] })
  })
  after(() => site.remove())

  test('two runs at once give what each gives alone', async () => {
    const requests = [
      { ...cause, model: 'opens@2', threshold },
      { ...cause, view: 'reader@v2', threshold },
      { ...cause, model: 'opens@2', threshold },
    ]
    const alone = []
    for (const request of requests) alone.push(await client.corrected(request))
    assert.deepEqual(await Promise.all(requests.map((request) => client.corrected(request))), alone)
    const under = { ...cause, model: 'opens@2', job: 'under-way' }
    const both = await Promise.allSettled([client.corrected(under), client.corrected(under)])
    // Of one name only one is under way; a second that came when the first was over is answered too.
    for (const one of both)
      if (one.status === 'rejected') assert.equal((one.reason as { code: string }).code, 'conflict')
    assert.ok(both.some(({ status }) => status === 'fulfilled'))
  })

  test('under another model version: the same inputs, other scores, and which decisions would have been different', async () => {
    const told = await client.corrected({ ...cause, model: 'opens@2', threshold })
    const flipped = scores.filter((one) => yes(one.before) !== yes(one.generous))
    assert.ok(flipped.length > 0 && flipped.length < 10, 'the shop has both kinds')
    assert.deepEqual(told.under, ['opens@2'])
    assert.deepEqual(
      [told.population, told.sampled, told.computed, told.reproduced, told.erased, told.asserted],
      [10, 10, 10, 10, 0, 0],
    )
    assert.deepEqual([told.decisions.same, told.decisions.different], [10 - flipped.length, flipped.length])
    assert.deepEqual(told.rows.map(({ id }) => id).sort(), flipped.map(({ id }) => id).sort())
    for (const row of told.rows) {
      const own = scores.find(({ id }) => id === row.id)!
      assert.ok(Math.abs(row.score.before - own.before) < 1e-12 && Math.abs(row.score.after - own.generous) < 1e-12)
      assert.deepEqual(row.decision, yes(own.before) ? { before: 'yes', after: 'no' } : { before: 'no', after: 'yes' })
      assert.deepEqual([row.differs, row.reproduced, row.under], ['decision', true, { model: 'opens@2' }])
    }
    assert.equal(told.scores.different, scores.filter((one) => Math.abs(one.before - one.generous) > 1e-12).length)
    // Nothing was drawn, so nothing is estimated.
    assert.equal(told.decisions.interval, undefined)
    assert.deepEqual(await collect(client.correctedRows({ ...cause, model: 'opens@2', threshold })), told.rows)
  })

  test('under another version of the view: recomputed at the two clocks of then', async () => {
    // It happened before the snapshot was taken, and was recorded after it: then nobody knew it.
    await client.ingest('letters', [
      {
        ...letters[0]!,
        id: 'late',
        n: 900,
        event: 'clicked',
        time: '2026-02-20T10:00:00Z',
        received: '2026-02-20T10:01:00Z',
      },
    ])
    const told = await client.corrected({ kind: 'view', name: 'reader@v1', view: 'reader@v2', threshold })
    const flipped = scores.filter((one) => yes(one.before) !== yes(one.clicks))
    assert.ok(flipped.length > 0)
    assert.deepEqual([told.computed, told.reproduced], [10, 10])
    assert.deepEqual(told.rows.map(({ id }) => id).sort(), flipped.map(({ id }) => id).sort())
    for (const row of told.rows) {
      const own = scores.find(({ id }) => id === row.id)!
      assert.ok(Math.abs(row.score.after - own.clicks) < 1e-12, `${row.id}: ${row.score.after}, not ${own.clicks}`)
      assert.deepEqual(row.under, { model: 'opens@1', view: 'reader@v2' })
    }
  })

  test('a feature that the view does not have is no zero: it is said that it cannot be computed', async () => {
    const told = await client.corrected({ ...cause, view: 'reader@v3', threshold })
    assert.deepEqual([told.computed, told.notComputed], [0, { 'feature missing': 10 }])
    assert.match(told.examples[0]!.detail, /opens@1 reads opens_30d, which reader@v3 lacks/)
    assert.deepEqual([told.decisions.same, told.decisions.different, told.rows.length], [0, 0, 0])
    assert.equal(told.scores.mean, undefined)
  })

  test('the actions that were made from them are counted once each, by what became of them', async () => {
    const told = await client.corrected({ ...cause, model: 'opens@2', threshold })
    assert.deepEqual(told.actions, { actions: 0, people: 0, states: {} })
    const [flip, other] = told.rows
    const steady = scores.find(({ id }) => !told.rows.some((row) => row.id === id))!
    const whose = (id: string): string => customers.find((customer) => idOf(customer) === id)!
    const { results } = await client.proposeAll([
      follows('a-1', whose(flip!.id), [flip!.id, flip!.id]),
      follows('a-2', whose(flip!.id), [flip!.id]),
      follows('a-3', whose(steady.id), [steady.id, 'nobody knows this one']),
      // About somebody else than its prediction.
      follows('a-4', whose(steady.id), [`seq:${other!.seq}`, other!.id]),
    ])
    assert.ok(
      results.every((one) => !('problem' in one)),
      JSON.stringify(results),
    )
    const again = await client.corrected({ ...cause, model: 'opens@2', threshold })
    assert.deepEqual(again.actions, { actions: 3, people: 2, states: { queued: 3 } })
    // A campaign leads to what its actions were made from.
    const campaign = await client.corrected({ kind: 'campaign', name: 'winter', model: 'opens@2', threshold })
    assert.deepEqual([campaign.population, campaign.decisions.different], [3, 2])
    assert.match(campaign.notes.join(), /1 ids that decisions name are of no one prediction/)
  })

  test('a sample says how many of all of them differ, with an interval, and is the same under its seed', async () => {
    const request = { ...cause, model: 'opens@2', threshold, limit: 4 }
    const told = await client.corrected(request)
    assert.deepEqual([told.population, told.sampled, told.computed], [10, 4, 4])
    const { low, high } = told.decisions.interval!
    assert.ok(low >= 0 && low <= told.decisions.different / 4 && high >= told.decisions.different / 4 && high <= 1)
    assert.ok(high - low > 0.3, 'four say little')
    assert.match(told.notes.join(), /4 of 10 were drawn/)
    assert.deepEqual((await client.corrected(request)).rows, told.rows)
  })

  test('a prediction that does not come out again as it was is told apart, and what lacks inputs is not guessed', async () => {
    const [anna, bela, cleo] = customers as [string, string, string]
    const made = (id: string, entity: string, more: object) => ({ ...prediction(entity, id), ...more })
    await client.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      predictions: [made('wrong', anna, { about: { campaign: 'odd' }, score: 0.99, time: '2026-04-01T00:00:00Z' })],
    })
    await client.predict({
      model: modelName,
      predictions: [
        made('bare', bela, { inputs: undefined, time: '2026-04-01T00:00:00Z' }),
        made('stated', cleo, { time: '2026-04-01T00:00:00Z' }),
      ],
    })
    const told = await client.corrected({ ...cause, model: 'opens@2', since: '2026-04-01T00:00:00Z', threshold })
    assert.deepEqual([told.population, told.computed, told.reproduced, told.asserted], [3, 2, 1, 1])
    assert.deepEqual(told.notComputed, { 'no inputs': 1 })
    assert.match(told.notes.join(), /1 do not come out again under their own configuration/)
    // The events say what a bare one would have been given by a view.
    const view = await client.corrected({ ...cause, view: 'reader@v2', since: '2026-04-01T00:00:00Z', threshold })
    assert.equal(view.computed, 3)
    const none = await client.corrected({ ...cause, model: 'opens@2', until: '2026-04-01T00:00:00Z', threshold })
    assert.equal(none.population, 10)
  })

  test('the decisions on record show their rule where nobody gives a threshold; what lies between is not decided', async () => {
    const decision = (score: number): string => (yes(score) ? 'send' : 'skip')
    await client.registerModel({ ...modelOf(thread.training.id), name: 'sends', run: { id: 'run-3' } })
    await client.registerModel({ ...modelOf(thread.training.id), name: 'sends', run: { id: 'run-4' }, model: generous })
    // A batch: a record of its own for many.
    await client.predictBatch(
      { batch: 'sends', model: 'sends@1', snapshot: thread.snapshot.id },
      customers.map((customer) => {
        const one = prediction(customer, `s-${customer}`)
        return { ...one, decision: decision(one.score) }
      }),
    )
    const told = await client.corrected({ kind: 'model', name: 'sends@1', model: 'sends@2' })
    assert.equal(told.decisions.rules[0]!.kind, 'observed')
    const highest = Math.max(...scores.filter((one) => !yes(one.before)).map((one) => one.before))
    const lowest = Math.min(...scores.filter((one) => yes(one.before)).map((one) => one.before))
    const would = scores.map(({ generous: score }) =>
      score <= highest ? 'skip' : score >= lowest ? 'send' : undefined,
    )
    const different = scores.filter((one, i) => would[i] !== undefined && decision(one.before) !== would[i]).length
    assert.equal(told.decisions.different, different)
    assert.equal(told.decisions.undetermined, would.filter((one) => one === undefined).length)
    assert.ok(told.rows.every(({ row }) => row !== undefined))
  })

  test('of a rollback: under what its plan went back to', async () => {
    await client.registerModel({ ...modelOf(thread.training.id), name: 'live', run: { id: 'run-5' } })
    await client.registerModel({ ...modelOf(thread.training.id), name: 'live', run: { id: 'run-6' }, model: generous })
    await client.setAlias('live', 'champion', { version: 1 })
    const { seq: to } = await client.setAlias('live', 'champion', { version: 2 })
    await client.predict({
      model: 'live@2',
      snapshot: thread.snapshot.id,
      predictions: customers.map((customer) => ({
        ...prediction(customer, `l-${customer}`),
        score: scoredBy(generous, { ...reader(customer) }),
      })),
    })
    const request = {
      kind: 'model' as const,
      name: 'live@2',
      reason: 'it likes buyers too much',
      degrees: ['revert' as const],
      revert: { to, aliases: [{ model: 'live', alias: 'champion' }] },
    }
    const { id } = await client.planRollback(request)
    await client.applyRollback({ ...request, plan: id })
    const told = await client.corrected({ rollback: id.slice(0, 12), threshold })
    assert.deepEqual([told.rollback, told.under, told.population, told.reproduced], [id, ['live@1'], 10, 10])
    assert.equal(told.decisions.different, scores.filter((one) => yes(one.before) !== yes(one.generous)).length)
    for (const { id: own, score } of told.rows) {
      const one = scores.find((each) => own === `l-${customers.find((customer) => idOf(customer) === each.id)!}`)!
      assert.ok(Math.abs(score.after - one.before) < 1e-12)
    }
    // Another question about the same predictions.
    assert.deepEqual((await client.corrected({ rollback: id, view: 'reader@v2', threshold })).under, ['reader@v2'])
    const paused = { kind: 'model' as const, name: 'live@2', reason: 'a look', degrees: ['pause' as const] }
    const plan = await client.planRollback(paused)
    await client.applyRollback({ ...paused, plan: plan.id })
    assert.match(
      await refused(client.corrected({ rollback: plan.id }), 'invalid'),
      /no model version and no feature view/,
    )
  })

  test('what is not known, or not said, is refused before anything is computed', async () => {
    const bad: [CorrectedRequest, string][] = [
      [{ ...cause }, 'invalid'],
      [{ model: 'opens@2' }, 'invalid'],
      [{ ...cause, rollback: '0123456789', model: 'opens@2' }, 'invalid'],
      [{ ...cause, model: 'opens@99' }, 'not_found'],
      [{ ...cause, view: 'reader@v99' }, 'not_found'],
      [{ ...cause, view: 'nothing' }, 'not_found'],
      [{ kind: 'model', name: 'nothing@1', model: 'opens@2' }, 'not_found'],
      [{ kind: 'campaign', name: 'nothing', model: 'opens@2' }, 'not_found'],
      [{ rollback: '0123456789' }, 'not_found'],
      [{ ...cause, model: 'opens@2', limit: 0 }, 'invalid'],
    ]
    for (const [request, code] of bad) await refused(client.corrected(request), code)
    // A model that is named without a version is all of its versions.
    const all = await client.corrected({ kind: 'model', name: 'live', model: 'live@1', threshold })
    assert.equal(all.population, 10)
  })

  test('whoever is erased is in no row, and is counted', async () => {
    const before = await client.corrected({ ...cause, model: 'opens@2', threshold, until: '2026-04-01T00:00:00Z' })
    const gone = customers.find((customer) => idOf(customer) === before.rows[0]!.id)!
    await client.erase({ identifier: gone, basis: 'asked for it' })
    const told = await client.corrected({ ...cause, model: 'opens@2', threshold, until: '2026-04-01T00:00:00Z' })
    assert.deepEqual([told.erased, told.computed], [1, 9])
    assert.ok(!JSON.stringify(told).includes(idOf(gone)))
  })

  test('from the command line: a cause or a rollback, in words, as JSON, and row by row', async () => {
    const args = ['rollback', 'corrected', `model:${modelName}`, '--model', 'opens@2', '--threshold', String(threshold)]
    const told = await run(args, client)
    assert.equal(told.code, 1, told.stderr)
    assert.match(told.stdout, /decisions would have been different/)
    assert.match(told.stdout, /opens@1: "yes" where the score is at least 0.63/)
    const json = JSON.parse((await run([...args, '--json', '--limit', '3'], client)).stdout) as { sampled: number }
    assert.equal(json.sampled, 3)
    const rows = (await run([...args, '--list'], client)).stdout.trimEnd().split('\n')
    assert.ok(rows.every((row) => (JSON.parse(row) as { differs: string }).differs === 'decision'))
    assert.equal(
      (await run([...args.slice(0, 3), '--model', modelName, '--threshold', '0.63', '--until', '2026-04-01'], client))
        .code,
      0,
    )
    assert.equal((await run(['rollback', 'corrected', 'nonsense', '--model', 'opens@2'], client)).code, 2)
    assert.equal((await run([...args.slice(0, 5), '--threshold', 'high'], client)).code, 2)
  })
})
