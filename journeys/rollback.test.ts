// Decisions that were wrong are stopped, taken back and made good, and one report tells it.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { collect, refused } from './answers.ts'
import { message, purposes } from './messages.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const agent = `
kind: Agent
name: writer
owner: growth
unsigned: allowed
configurations:
  any: { channels: [email] }
`

suite('what is paused', () => {
  let site: Site
  let server: Running
  let client: Client
  const scope = { kind: 'campaign' as const, name: 'spring', reason: 'complaints' }
  const queued = async () => (await client.claim({ limit: 1000 })).claims.map(({ action }) => action)
  const back = async (claims: { claim: number }[]) =>
    claims.length > 0 && client.acknowledge(claims.map(({ claim }) => ({ claim, status: 'returned' as const })))

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    await client.apply({
      files: [purposes, { path: 'writer.yaml', text: agent }],
    })
  })
  after(() => site.remove())

  test('goes to no sender until it is resumed, and what is proposed meanwhile is held', async () => {
    await client.proposeAll([message('p-1', 'c-1'), message('p-2', 'c-2', { campaign: 'summer' })])
    const paused = await client.pause(scope)
    assert.deepEqual([paused.paused, paused.quarantined, paused.claimed], [true, 1, 0])
    assert.equal((await client.pause(scope)).receipt.status, 'duplicate')
    const { claims, withheld } = await client.claim()
    assert.deepEqual([claims.map(({ action }) => action), withheld], [['p-2'], 1])
    const told = await client.propose(message('p-3', 'c-3'))
    assert.equal(told.decision, 'held')
    assert.equal(told.verdicts.at(-1)!.findings[0]!.code, 'paused')
    assert.equal(
      (await client.preflight('spring', { proposal: message('x', 'c-9'), identifiers: ['c-9'] })).quarantined,
      1,
    )
    await server.stop()
    server = await site.start()
    client = server.client
    assert.deepEqual(
      (await client.pauses()).map(({ kind, name, quarantined }) => [kind, name, quarantined]),
      [['campaign', 'spring', 1]],
    )
    assert.deepEqual((await client.claim()).claims, [])
    await client.resume({ ...scope, reason: 'looked into' })
    await refused(client.resume(scope), 'conflict')
    assert.deepEqual(await queued(), ['p-1'])
  })

  test('is a model or a prompt in one version or in all, an agent, a creative', async () => {
    const more = {
      actor: { type: 'agent' as const, id: 'writer', configuration: 'any' },
      model: { name: 'gpt', version: '2' },
      prompt: { template: 'offer', version: '7', keep: 'digest' as const },
      creative: 'A',
      campaign: 'kinds',
    }
    const told = await client.propose(message('k-1', 'k-1', more))
    assert.equal(told.decision, 'released', told.reason)
    for (const name of ['model:gpt', 'model:gpt@2', 'prompt:offer', 'prompt:offer@7', 'agent:writer', 'creative:A']) {
      const one = { kind: name.split(':')[0] as 'model', name: name.split(':')[1]!, reason: 'a look' }
      await client.pause(one)
      assert.deepEqual(await queued(), [], name)
      await client.resume(one)
    }
    await client.pause({ kind: 'model', name: 'gpt@3', reason: 'another version' })
    const { claims } = await client.claim()
    assert.deepEqual(
      claims.map(({ action }) => action),
      ['k-1'],
    )
    await back(claims)
    await client.recall({ kind: 'campaign', name: 'kinds', id: 'kinds', reason: 'done with it' })
  })

  test('and recalled is never sent; what a sender has already is known to be too late', async () => {
    await client.proposeAll([
      message('r-1', 'r-1', { campaign: 'recalled' }),
      message('r-2', 'r-2', { campaign: 'recalled' }),
    ])
    const { claims } = await client.claim({ campaign: 'recalled', limit: 1 })
    const request = { kind: 'campaign' as const, name: 'recalled', id: 'one', reason: 'a wrong discount' }
    const done = await client.recall(request)
    assert.deepEqual([done.recalled, done.claimed, done.receipt.status], [1, 1, 'recorded'])
    const again = await client.recall(request)
    assert.deepEqual([again.recalled, again.receipt.status], [0, 'duplicate'])
    assert.equal((await client.action('r-2')).state, 'recalled')
    const { results } = await client.acknowledge([{ claim: claims[0]!.claim, status: 'returned' }])
    assert.equal('withdrawn' in results[0]! && results[0].withdrawn, done.receipt.seq)
    assert.deepEqual(await queued(), [])
    // What is released later is another matter.
    await client.propose(message('r-3', 'r-3', { campaign: 'recalled' }))
    assert.deepEqual(await queued(), ['r-3'])
  })

  test('is the same after a restart and when the tables are made again, and no claim stands against it', async () => {
    await client.proposeAll([
      message('t-1', 't-1', { campaign: 'after' }),
      message('t-2', 't-2', { campaign: 'recalled' }),
    ])
    await client.pause({ kind: 'campaign', name: 'after', reason: 'a look' })
    await client.recall({ kind: 'campaign', name: 'recalled', id: 'two', reason: 'again' })
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    client = server.client
    assert.deepEqual(await queued(), [])
    assert.equal((await client.action('r-2')).state, 'recalled')
    assert.deepEqual((await client.pauses()).map(({ name }) => name).sort(), ['after', 'gpt@3'])
    const { ok, problems } = await client.verify()
    assert.deepEqual([ok, problems], [true, []])
  })
})

suite('a rollback', () => {
  let site: Site
  let server: Running
  let client: Client
  const cause = { kind: 'campaign' as const, name: 'spring' }
  const all = {
    ...cause,
    reason: 'a discount for people who may not have it',
    degrees: ['pause' as const, 'revert' as const, 'compensate' as const],
    compensate: { copy: [{ part: 'subject', text: 'A correction' }] },
  }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    await client.apply({
      files: [
        purposes,
        {
          path: 'playbook.yaml',
          text: 'kind: Playbook\nname: wrong-offer\ntell: [{ who: legal }]\nfollows: [Call the regulator]\n',
        },
      ],
    })
    await client.proposeAll(Array.from({ length: 8 }, (_, i) => message(`s-${i}`, `c-${i}`)))
    const { claims } = await client.claim({ limit: 5 })
    await client.acknowledge(
      claims.slice(0, 4).map(({ claim }) => ({ claim, status: 'sent' as const, providerId: `m-${claim}` })),
    )
    await client.optOut({ optOuts: [{ identifier: 'c-0' }] })
  })
  after(() => site.remove())

  test('begins with whom it concerns, by what can be done', async () => {
    const scope = await client.scope(cause)
    assert.deepEqual([scope.actions, scope.people, scope.predictions.predictions], [8, 8, 0])
    assert.deepEqual(
      scope.groups.map(({ state, remedy, actions }) => [state, remedy, actions]),
      [
        ['claimed', 'wait for the sender', 1],
        ['queued', 'take back', 3],
        ['sent', 'compensate', 4],
      ],
    )
    assert.deepEqual(scope.consent, { allowed: 4, ended: 1 })
    const rows = await collect(client.scopeActions(cause))
    assert.deepEqual(
      rows.map(({ id }) => id),
      Array.from({ length: 8 }, (_, i) => `s-${i}`),
    )
    assert.equal(rows[0]!.allowed, false)
    await refused(client.scope({ kind: 'alarm', name: '3' }), 'not_found')
    await refused(client.scope({ kind: 'action', name: 'nobody' }), 'not_found')
    assert.equal((await client.scope({ kind: 'action', name: 's-1' })).actions, 1)
    assert.equal((await client.scope({ ...cause, until: '2020-01-01T00:00:00Z' })).actions, 0)
  })

  test('is shown before anything is done, and runs as it was shown or not at all', async () => {
    const stale = await client.planRollback(all)
    assert.deepEqual(
      stale.steps.map((step) => step.do),
      ['pause', 'take back', 'compensate'],
    )
    assert.ok(stale.cannot.some((one) => one.startsWith('4 were sent')))
    assert.deepEqual(await client.pauses(), [])
    await client.propose(message('s-9', 'c-9'))
    await refused(client.applyRollback({ ...all, plan: stale.id }), 'conflict')
    assert.deepEqual(await client.pauses(), [])
    assert.deepEqual((await client.rollbacks()).rollbacks, [])
    // While its scope is paused it holds still.
    await client.pause({ ...cause, reason: 'a look' })
    const plan = await client.planRollback({ ...all, playbook: 'wrong-offer' })
    await client.propose(message('s-10', 'c-10', { campaign: 'other' }))
    assert.equal((await client.planRollback({ ...all, playbook: 'wrong-offer' })).id, plan.id)
    assert.deepEqual(plan.follows, ['Call the regulator'])
    const done = await client.applyRollback({ ...all, playbook: 'wrong-offer', plan: plan.id })
    assert.equal(done.state, 'done', JSON.stringify(done.steps))
    assert.deepEqual(
      done.steps.map(({ says }) => says),
      [
        'the campaign spring is paused: 4 queued wait, 1 are with a sender',
        '4 queued were taken back; 1 are with a sender',
        '4 were written to, 0 are held, 0 refused by the gates',
        'legal is to be told: nothing is posted',
      ],
    )
    const { claims } = await client.claim({ limit: 100 })
    assert.deepEqual(
      claims.map(({ campaign, entity }) => `${campaign} ${entity}`),
      ['other c-10', ...['c-0', 'c-1', 'c-2', 'c-3'].map((who) => `rollback-${plan.id.slice(0, 12)} ${who}`)],
    )
    const again = await client.applyRollback({ ...all, playbook: 'wrong-offer', plan: plan.id })
    assert.deepEqual({ ...again, receipt: 0 }, { ...done, receipt: 0 })
    assert.deepEqual((await client.claim({ limit: 100 })).claims, [])
    assert.ok((await client.verify()).ok)
  })

  test('is told on one page, with the record behind each line and times that are differences of records', async () => {
    const { id } = (await client.rollbacks()).rollbacks[0]!
    const report = await client.rollbackReport(id.slice(0, 12))
    assert.match(
      report.sentence,
      /^9 decisions about 9 people were concerned by the campaign spring; every one of 4 steps/,
    )
    assert.deepEqual(Object.keys(report.times).sort(), ['toRollback', 'toSuppression', 'toTrace'])
    assert.deepEqual(
      report.now.groups.map(({ state, actions }) => [state, actions]),
      [
        ['claimed', 1],
        ['recalled', 4],
        ['sent', 4],
      ],
    )
    assert.ok(report.remains.includes('1 are still with a sender, who has not said what became of them'))
    assert.ok(report.timeline.every(({ integrity }) => integrity === 'intact'))
    for (const { seq, leaf } of report.timeline) {
      const { records } = await client.records({ from: seq, limit: 1 })
      assert.equal(records[0]!.leaf, leaf)
    }
    const [markdown, page] = [await client.rollbackReportText(id), await client.rollbackReportText(id, 'html')]
    for (const text of [markdown, page])
      for (const line of [report.sentence, ...report.stopped, ...report.remains]) assert.ok(text.includes(line), line)
    const ran = await site.whence('rollback', 'report', id.slice(0, 12))
    assert.deepEqual([ran.code, ran.stdout.slice(0, 17)], [0, '# Rollback report'])
    await refused(client.rollbackReport('00000000'), 'not_found')
  })

  test('by a marketing message goes to nobody who objected', async () => {
    await client.proposeAll([
      message('o-1', 'c-0', { campaign: 'fall', purpose: 'service' }),
      message('o-2', 'c-1', { campaign: 'fall' }),
    ])
    const { claims } = await client.claim({ campaign: 'fall' })
    await client.acknowledge(claims.map(({ claim }) => ({ claim, status: 'sent' as const })))
    const request = {
      kind: 'campaign' as const,
      name: 'fall',
      reason: 'a wrong price',
      degrees: ['compensate' as const],
      compensate: { purpose: 'newsletter', copy: [{ part: 'subject', text: 'Sorry: 10 % off' }] },
    }
    const { id } = await client.planRollback(request)
    const { steps } = await client.applyRollback({ ...request, plan: id })
    assert.equal(steps[0]!.says, '1 were written to, 0 are held, 1 refused by the gates')
  })

  test('of a model concerns its predictions, and the actions that were made from them', async () => {
    const { name, version } = await client.registerModel({ name: 'offers', predicts: 'nothing', metrics: {} })
    await client.predict({ model: `${name}@${version}`, predictions: [{ id: 'score-1', entity: 'm-1', score: 0.9 }] })
    await client.predictBatch({ batch: 'b', model: `${name}@${version}` }, [
      { id: 'score-2', entity: 'm-2', score: 0.8, time: '2026-03-01T00:00:00Z' },
    ])
    await client.proposeAll([
      message('m-1', 'm-1', { campaign: 'scored', inputs: { predictions: ['score-1'] } }),
      message('m-2', 'm-2', { campaign: 'scored' }),
    ])
    for (const cause of [`${name}@${version}`, name]) {
      const scope = await client.scope({ kind: 'model', name: cause })
      assert.deepEqual([scope.actions, scope.predictions.predictions, scope.predictions.inBatches], [1, 2, 1], cause)
      assert.equal(scope.predictions.people, 2)
    }
    await client.pause({ kind: 'model', name, reason: 'a look' })
    const { claims } = await client.claim({ campaign: 'scored' })
    assert.deepEqual(
      claims.map(({ action }) => action),
      ['m-2'],
    )
    await client.resume({ kind: 'model', name, reason: 'all well' })
  })

  test('counts what was acknowledged a moment ago', async () => {
    const { name, version } = await client.registerModel({ name: 'hasty', predicts: 'nothing', metrics: {} })
    const predictions = Array.from({ length: 1000 }, (_, n) => ({ id: `hasty-${n}`, entity: `h-${n}`, score: 0.5 }))
    await client.predict({ model: `${name}@${version}`, predictions })
    const { predictions: counted } = await client.scope({ kind: 'model', name })
    assert.deepEqual([counted.predictions, counted.people], [1000, 1000])
  })

  test('has one of its kind at a time, and is the same when the tables are made again', async () => {
    const before = await client.rollbacks()
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    client = server.client
    const after = await client.rollbacks()
    assert.deepEqual(after.rollbacks, before.rollbacks)
    assert.equal((await client.rollback(after.rollbacks[0]!.id)).state, 'done')
    const request = { ...cause, reason: 'twice', degrees: ['pause' as const] }
    const { id } = await client.planRollback(request)
    const both = await Promise.all([
      client.applyRollback({ ...request, plan: id }),
      client.applyRollback({ ...request, plan: id }),
    ])
    assert.equal(both[0].receipt.seq, both[1].receipt.seq)
    assert.equal((await client.rollbacks()).rollbacks.length, 3)
  })
})
