// Training runs, artifacts, model versions and their aliases, as a machine-learning engineer meets them.
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { readdir, writeFile } from 'node:fs/promises'
import { after, before, suite, test } from 'node:test'
import { createClient } from '@whence/sdk'
import type { Client } from '@whence/sdk'
import { refused } from './answers.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const version = (name: string, more: object = {}) => ({ name, predicts: 'opens the next letter', ...more })

suite('models', () => {
  let site: Site
  let server: Running
  let whence: Client

  const restart = async (options = {}): Promise<void> => {
    await server.stop()
    server = await site.start(options)
    whence = server.client
  }

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
  })
  after(() => site?.remove())

  test('a training run is told of at its start and at its end; telling again adds nothing', async () => {
    const start = { id: 'run-1', framework: 'scikit-learn 1.7.2', status: 'running' as const, parameters: { C: 0.5 } }
    const end = { id: 'run-1', status: 'finished' as const, ended: '2026-03-01T12:00:00Z', metrics: { auc: 0.71 } }
    const first = await whence.recordTrainingRun(start)
    assert.equal(first.receipt!.status, 'recorded')
    const second = await whence.recordTrainingRun(end)
    assert.equal(second.status, 'finished')
    const again = await whence.recordTrainingRun(start)
    assert.equal(again.receipt!.status, 'duplicate')
    assert.equal(again.receipt!.seq, first.receipt!.seq)
    assert.equal(again.status, 'finished', 'a start sent again takes back no end')
    const run = await whence.trainingRun('run-1')
    assert.deepEqual(
      [run.source, run.origin, run.parameters, run.metrics, run.records.length],
      ['local', { system: 'api' }, { C: 0.5 }, { auc: 0.71 }, 2],
    )
    await refused(whence.trainingRun('run-2'), 'not_found')
    await refused(whence.recordTrainingRun({ id: 'run-3', started: '9999-01-01T00:00:00Z' }), 'invalid')
  })

  test('two at once: both tellings are kept', async () => {
    const told = await Promise.all(
      Array.from({ length: 12 }, (_, i) => whence.recordTrainingRun({ id: 'run-many', metrics: { [`m${i}`]: i } })),
    )
    assert.equal(new Set(told.map(({ receipt }) => receipt!.seq)).size, 12)
    assert.equal(Object.keys((await whence.trainingRun('run-many')).metrics!).length, 12)
  })

  test('lineage of a training becomes a run, labelled as what it is, beside what others say of it', async () => {
    const runId = '01936893-9751-7a91-a2a0-a51101a3970c'
    const event = (eventType: string, facets: object = {}, seconds = 0) => ({
      eventType,
      eventTime: `2026-03-02T10:00:0${seconds}Z`,
      producer: 'https://trainer.example',
      schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
      run: { runId, facets },
      job: { namespace: 'ml', name: 'nightly' },
    })
    const base = { _producer: 'https://trainer.example', _schemaURL: 'urn:whence:facets:1-0-0:WhenceTrainingRunFacet' }
    await whence.collect(event('START', { whence_trainingRun: { ...base, framework: 'torch 2.9' } }))
    await whence.collect(event('COMPLETE', {}, 5))
    await whence.collect({ ...event('COMPLETE'), run: { runId: '01936893-9751-7a91-a2a0-a51101a39700' } })
    const run = await whence.trainingRun(runId.toUpperCase().toLowerCase())
    assert.deepEqual(
      [run.origin.system, run.framework, run.status, run.started, run.ended],
      ['openlineage', 'torch 2.9', 'finished', '2026-03-02T10:00:00.000000Z', '2026-03-02T10:00:05.000000Z'],
    )
    const { runs } = await whence.trainingRuns({ system: 'openlineage' })
    assert.deepEqual(
      runs.map(({ id }) => id),
      [runId],
      'a run that nothing marks as a training is none',
    )
    const both = await whence.recordTrainingRun({ id: runId, framework: 'torch 2.9.1' })
    assert.equal(both.framework, 'torch 2.9.1')
    assert.deepEqual(both.others, [{ source: 'local', system: 'openlineage' }])
  })

  test('an artifact is stored under its digest, or not at all', async () => {
    const bytes = randomBytes(3_000_000)
    const sha256 = hash('sha256', bytes)
    assert.deepEqual(await whence.putArtifact(sha256, bytes), { sha256, bytes: bytes.length, status: 'stored' })
    assert.deepEqual(await whence.putArtifact(sha256, bytes), { sha256, bytes: bytes.length, status: 'known' })
    const pieces: Uint8Array[] = []
    for await (const piece of whence.artifact(sha256)) pieces.push(piece)
    assert.ok(Buffer.concat(pieces).equals(bytes))
    await refused(whence.putArtifact('a'.repeat(64), bytes), 'invalid')
    await refused(whence.putArtifact('../keys/kek', bytes), 'invalid')
    await refused(drain(whence.artifact('b'.repeat(64))), 'not_found')
    const empty = await whence.putArtifact(hash('sha256', ''), new Uint8Array())
    assert.equal(empty.bytes, 0)
    assert.deepEqual(await readdir(`${site.data}/artifacts`), [sha256, empty.sha256].sort(), 'no draft is left')
  })

  test('an upload that breaks off leaves nothing, and two of the same file at once do no harm', async () => {
    const bytes = randomBytes(1_000_000)
    const sha256 = hash('sha256', bytes)
    const { promise, resolve } = Promise.withResolvers<void>()
    const breaking = new AbortController()
    const broken = fetch(`${server.url}/v1/artifacts/${sha256}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${server.token}` },
      body: new ReadableStream({
        async pull(controller) {
          controller.enqueue(bytes.subarray(0, 400_000))
          await promise
          controller.error(new Error('the line went dead'))
        },
      }),
      signal: breaking.signal,
      duplex: 'half',
    } as RequestInit)
    resolve()
    await assert.rejects(broken)
    const stored = await Promise.all([whence.putArtifact(sha256, bytes), whence.putArtifact(sha256, bytes)])
    assert.ok(stored.every((one) => one.bytes === bytes.length))
    assert.equal((await whence.verify()).ok, true)
  })

  test('an altered artifact is not handed out, and verify names it; stored again it is whole', async () => {
    const bytes = randomBytes(2000)
    const sha256 = hash('sha256', bytes)
    await whence.putArtifact(sha256, bytes)
    await writeFile(`${site.data}/artifacts/${sha256}`, bytes.subarray(1))
    await assert.rejects(drain(whence.artifact(sha256)))
    const found = await whence.verify()
    assert.deepEqual(
      found.problems.map(({ path, code }) => [path, code]),
      [[`artifacts/${sha256}`, 'altered']],
    )
    assert.equal((await whence.putArtifact(sha256, bytes)).status, 'stored')
    assert.equal((await whence.verify()).ok, true)
  })

  test('a version whose stored artifact is gone is a problem; one that was never stored is none', async () => {
    const bytes = randomBytes(100)
    const sha256 = hash('sha256', bytes)
    await whence.putArtifact(sha256, bytes)
    await whence.registerModel(version('kept', { artifact: { sha256, format: 'pickle' } }))
    await whence.registerModel(version('elsewhere', { artifact: { sha256: 'c'.repeat(64), uri: 's3://models/x' } }))
    assert.equal((await whence.verify()).ok, true)
    const { rm } = await import('node:fs/promises')
    await rm(`${site.data}/artifacts/${sha256}`)
    const { problems } = await whence.verify()
    assert.deepEqual(
      problems.map(({ path, code }) => [path, code]),
      [[`artifacts/${sha256}`, 'missing']],
    )
    await whence.putArtifact(sha256, bytes)
  })

  test('an alias points at one version in each environment, and is understood wherever a version is', async () => {
    await whence.registerModel(version('opens', { description: 'first' }))
    await whence.registerModel(version('opens', { description: 'second' }))
    await refused(whence.model('opens@champion'), 'not_found')
    const set = await whence.setAlias('opens', 'champion', { version: 1, reason: 'first of all' })
    assert.equal(set.receipt!.status, 'recorded')
    assert.equal((await whence.setAlias('opens', 'champion', { version: 1 })).receipt!.status, 'duplicate')
    await whence.setAlias('opens', 'champion', { environment: 'staging', version: 2 })
    assert.equal((await whence.model('opens@champion')).version, 1)
    assert.equal((await whence.model('opens@champion:staging')).version, 2)
    const predicted = await whence.predict({
      model: 'opens@champion',
      predictions: [{ id: 'p1', entity: 'c-1', score: 0.5 }],
    })
    assert.equal(predicted.model, 'opens@1')
    await refused(whence.setAlias('opens', 'champion', { version: 2, expected: null }), 'conflict')
    await whence.setAlias('opens', 'champion', { version: 2, expected: 1 })
    await whence.setAlias('opens', 'champion', { version: 1, reason: 'back again' })
    const [champion] = await whence.aliases('opens')
    assert.deepEqual(
      champion!.history.map((change) => change.version),
      [1, 2, 1],
    )
    assert.deepEqual((await whence.model('opens@1')).aliases, [{ environment: 'production', alias: 'champion' }])
    await whence.setAlias('opens', 'champion', { version: null })
    await refused(whence.model('opens@champion'), 'not_found')
    await refused(whence.setAlias('opens', 'champion', { version: 9 }), 'not_found')
    await refused(whence.aliases('nobody'), 'not_found')
    for (const alias of ['v3', '3', 'A', 'a b'])
      await refused(whence.setAlias('opens', alias, { version: 1 }), 'invalid')
  })

  test('of two that move an alias at once, each expecting the same, one is refused', async () => {
    await whence.setAlias('opens', 'challenger', { version: 1 })
    const moved = await Promise.allSettled(
      Array.from({ length: 6 }, () => whence.setAlias('opens', 'challenger', { version: 2, expected: 1 })),
    )
    assert.equal(moved.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('models are listed with what is live, and the versions of one', async () => {
    await whence.setAlias('opens', 'champion', { version: 2 })
    const { models } = await whence.models()
    assert.deepEqual(
      models.map(({ name, version: newest, form }) => [name, newest, form]),
      [
        ['elsewhere', 1, 'artifact'],
        ['kept', 1, 'pickle'],
        ['opens', 2, 'none'],
      ],
    )
    const all = await whence.models({ name: 'opens' })
    assert.deepEqual(
      all.models.map((each) => [each.version, each.predictions, each.aliases.map(({ alias }) => alias)]),
      [
        [2, 0, ['challenger', 'champion', 'champion']],
        [1, 1, []],
      ],
    )
    const page = await whence.models({ limit: 2 })
    assert.equal(page.next, 'kept')
    assert.deepEqual(
      (await whence.models({ limit: 2, after: page.next })).models.map(({ name }) => name),
      ['opens'],
    )
  })

  test('lineage knows what an alias points at, and how a run stands', async () => {
    const [now, before] = await Promise.all(
      ['model:opens@2', 'model:opens@1'].map((node) => whence.lineageNode({ node })),
    )
    const live = (detail: typeof now) => JSON.stringify(detail).includes('whence_alias_production_champion')
    assert.deepEqual([live(now), live(before)], [true, false])
    const run = await whence.lineageRun({ run: 'run-1' })
    assert.match(JSON.stringify(run), /scikit-learn 1\.7\.2/)
  })

  test('aliases and artifacts are for keys that may', async () => {
    const { secret } = await whence.issueKey({ name: 'trainer', scopes: ['ingest'] })
    const trainer = createClient({ url: server.url, key: secret })
    await refused(trainer.setAlias('opens', 'champion', { version: 1 }), 'forbidden')
    await refused(trainer.trainingRun('run-1'), 'forbidden')
    assert.equal((await trainer.putArtifact(hash('sha256', 'x'), Buffer.from('x'))).status, 'stored')
    assert.equal((await trainer.recordTrainingRun({ id: 'run-1', framework: 'other' })).source, 'trainer')
    assert.equal(
      (await whence.trainingRun('run-1')).framework,
      'scikit-learn 1.7.2',
      'the first that recorded it counts',
    )
    assert.equal((await whence.trainingRun('run-1', { source: 'trainer' })).framework, 'other')
  })

  test('after a restart and a rebuild all of it is as it was', async () => {
    const before = await everything()
    await restart()
    assert.deepEqual(await everything(), before)
    await restart({ rebuild: () => {} })
    assert.deepEqual(await everything(), before)

    async function everything(): Promise<unknown> {
      const { runs } = await whence.trainingRuns()
      const told = await Promise.all(runs.map(({ id, source }) => whence.trainingRun(id, { source })))
      return [runs, told, await whence.models(), await whence.aliases('opens')]
    }
  })
})

async function drain(pieces: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of pieces);
}
