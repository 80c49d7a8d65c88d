// The audit of a model version: what it was made from, checked again, and what of it has changed since.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { AuditItem, Client, ModelAudit } from '@whence/sdk'
import { logistic as onnxOf } from '../../server/src/store/onnx.fixture.ts'
import { refused } from '../answers.ts'
import { contract, customers, follow, modelOf, view } from '../shop.ts'
import type { Thread } from '../shop.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

const item = (audit: ModelAudit, what: AuditItem['what']): AuditItem => {
  const [found, ...more] = audit.items.filter((each) => each.what === what)
  assert.ok(found, `${what} is there`)
  assert.equal(more.length, 0, `there is one ${what}`)
  return found
}

suite('the audit of a model version', () => {
  let site: Site
  let server: Running
  let whence: Client
  let thread: Thread

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    thread = await follow(whence)
    await whence.recordTrainingRun({
      id: 'run-1',
      framework: 'scikit-learn 1.7.2',
      status: 'finished',
      parameters: { C: 0.5 },
      code: { repository: 'https://git.example/opens', commit: 'c0ffee' },
      environment: { language: 'python 3.13', packages: { numpy: '2.4.1' } },
    })
    await whence.setAlias('opens', 'champion', { version: 1 })
  })
  after(() => site?.remove())

  test('of what is in production everything is the same, and what can be checked is', async () => {
    const audit = await whence.modelAudit('opens@champion')
    assert.equal(audit.model, 'opens@1')
    assert.equal(
      audit.sentence,
      'opens@1 is what production uses (champion). Nothing that it was made from is otherwise now.',
    )
    assert.deepEqual(audit.live, [{ environment: 'production', alias: 'champion' }])
    assert.deepEqual(audit.alerts, [])
    const marks = audit.items.map(({ what, truth, now, integrity }) => [what, truth, now, integrity])
    assert.deepEqual(marks, [
      ['record', 'recomputed', 'same', 'intact'],
      ['alias', 'recomputed', 'same', 'intact'],
      ['view', 'recomputed', 'same', 'intact'],
      ['contract', 'recomputed', 'same', 'intact'],
      ['training set', 'recomputed', 'same', 'intact'],
      ['events', 'recomputed', 'same', 'intact'],
      ['snapshot', 'recomputed', 'same', 'intact'],
      ['run', 'asserted', 'same', 'intact'],
      ['code', 'asserted', 'same', 'intact'],
      ['environment', 'asserted', 'same', 'intact'],
      ['parameters', 'asserted', 'same', 'intact'],
      ['artifact', 'recomputed', 'same', 'intact'],
    ])
    assert.equal(item(audit, 'view').text, view)
    assert.equal(item(audit, 'contract').text, contract())
    assert.equal(item(audit, 'training set').digest, thread.training.contentDigest ?? thread.training.rowsDigest)
    assert.match(item(audit, 'events').value, /events under letters@1\.0\.0, records \d+ to \d+/)
    assert.match(item(audit, 'code').value, /https:\/\/git\.example\/opens c0ffee/)
  })

  test('what has changed since is named, with the lines that differ', async () => {
    const clicks = view.replace(
      'features:\n',
      "features:\n  - { name: clicks_90d, type: int64, window: 90d, filter: event = 'clicked', expr: count(*) }\n",
    )
    await whence.apply({ files: [{ path: 'features/reader.yaml', text: clicks }] })
    await whence.apply({
      files: [{ path: 'contracts/letters.yaml', text: contract('1.1.0', { creatives: ['A', 'B', 'C'] }) }],
    })
    const onnx = onnxOf([0.1], 0)
    const sha256 = hash('sha256', onnx)
    await whence.putArtifact(sha256, onnx)
    await whence.recordTrainingRun({ id: 'run-2', parameters: { C: 0.25 }, artifacts: [{ path: 'm.onnx', sha256 }] })
    const { model: _, ...rest } = modelOf(thread.training.id)
    await whence.registerModel({
      ...rest,
      view: 'reader@v2',
      run: { id: 'run-2', code: { commit: 'decaf' } },
      artifact: { sha256, format: 'onnx' },
      signature: { inputs: [{ name: 'X', features: ['clicks_90d'] }], output: { name: 'score' } },
    })
    await whence.setAlias('opens', 'champion', { version: 2, reason: 'better' })
    const audit = await whence.modelAudit('opens@1')
    assert.match(audit.sentence, /^Production uses opens@2 \(champion\), not opens@1\. Changed since: /)
    assert.equal(item(audit, 'alias').now, 'changed')
    const changed = item(audit, 'view')
    assert.deepEqual([changed.truth, changed.now], ['recomputed', 'changed'])
    assert.ok(changed.diff!.some((line) => line.startsWith('+') && line.includes('clicks_90d')))
    assert.ok(item(audit, 'contract').diff!.some((line) => line.startsWith('+version: 1.1.0')))
    assert.deepEqual(item(audit, 'parameters').diff!.slice(-2), ['-C: 0.5', '+C: 0.25'])
    assert.equal(item(audit, 'code').now, 'changed')
    assert.equal(item(audit, 'environment').now, 'unknown')
    assert.equal(item(audit, 'artifact').now, 'changed')
    const newer = await whence.modelAudit('opens@2')
    assert.deepEqual([item(newer, 'artifact').truth, item(newer, 'artifact').now], ['recomputed', 'same'])
    assert.equal(item(newer, 'environment').truth, 'missing')
  })

  test('what version and run say of each other must agree', async () => {
    await whence.recordTrainingRun({ id: 'run-2', code: { commit: 'other' } })
    const audit = await whence.modelAudit('opens@2')
    assert.equal(item(audit, 'run').truth, 'contradicted')
    assert.match(audit.alerts[0]!.text, /the version says commit decaf, the run other/)
  })

  test('the command line says the same, worst first, and its exit code tells', async () => {
    const good = await site.whence('model', 'audit', 'opens@1', '--diff')
    assert.equal(good.code, 0, good.stderr)
    assert.match(good.stdout, /^Production uses opens@2/)
    assert.match(good.stdout, /\+ {2}- \{ name: clicks_90d/)
    const bad = await site.whence('model', 'audit', 'opens@champion')
    assert.equal(bad.code, 1)
    assert.match(bad.stdout, /^CONTRADICTED {3}Run run-2: the version says commit decaf/)
    const json = await site.whence('model', 'audit', 'opens@1', '--json')
    assert.equal((JSON.parse(json.stdout) as ModelAudit).model, 'opens@1')
    const listed = await site.whence('models')
    assert.match(listed.stdout, /opens@2 +onnx +champion/)
    assert.match((await site.whence('model', 'show', 'opens@champion')).stdout, /run +run-2/)
    const history = await site.whence('model', 'alias', 'opens')
    assert.match(history.stdout.replace(/\s+/g, ' '), /opens@champion production version 2 now .* version 1 before/)
    const set = await site.whence(
      'model',
      'alias',
      'opens',
      'challenger',
      '1',
      '--environment',
      'staging',
      '--expected',
      'none',
    )
    assert.equal(set.code, 0, set.stderr)
    assert.equal((await site.whence('model', 'alias', 'opens', 'challenger')).code, 2)
    assert.equal((await site.whence('model', 'show', 'nobody@1')).code, 1)
  })

  test('the card says what is on record, and what nobody said', async () => {
    const plain = await whence.modelCard('opens@1')
    assert.match(plain, /^# opens@1\n/)
    assert.match(plain, /_not said: where it must not be used_/)
    assert.match(plain, new RegExp(thread.training.contentDigest ?? thread.training.rowsDigest))
    await whence.registerModel({
      ...modelOf(thread.training.id),
      threshold: 0.5,
      card: {
        purpose: 'Choosing who gets the next letter.\n# Not a heading of ours <script>',
        limits: ['Knows nothing of people | without letters'],
        approvals: [{ by: 'marketing board', at: '2026-03-01T00:00:00Z' }],
        markdown: '# Notes\n\nTrained twice.',
      },
    })
    const card = await whence.modelCard('opens@3')
    assert.match(card, /\n> # Not a heading of ours &lt;script>/)
    assert.match(card, /- Knows nothing of people \\\| without letters/)
    assert.match(card, /Yes where the score is at least 0\.5\./)
    assert.match(card, /- the model, by marketing board at 2026-03-01T00:00:00Z \(as its producer says\)/)
    assert.match(card, /\n### Notes\n/)
  })

  test('a file that was altered, or is gone, is found', async () => {
    const path = join(site.data, thread.training.files[0]!.path)
    const bytes = await readFile(path)
    await writeFile(path, Buffer.concat([bytes.subarray(0, 40), Buffer.from([bytes[40]! ^ 1]), bytes.subarray(41)]))
    const altered = await whence.modelAudit('opens@1')
    assert.equal(item(altered, 'training set').truth, 'contradicted')
    assert.match(altered.sentence, /1 of what is on record is contradicted/)
    await writeFile(path, bytes)
    const { artifact } = await whence.model('opens@2')
    await rm(join(site.data, 'artifacts', artifact!.sha256))
    const gone = item(await whence.modelAudit('opens@2'), 'artifact')
    assert.deepEqual([gone.truth, gone.now], ['missing', 'gone'])
  })

  test('a version of which little was said is audited too', async () => {
    await whence.registerModel({ name: 'bare', predicts: 'something' })
    const audit = await whence.modelAudit('bare@1')
    assert.ok(audit.items.every(({ what, truth }) => what === 'record' || truth === 'missing'))
    assert.equal(audit.counts.missing, audit.items.length - 1)
    await refused(whence.modelAudit('bare@2'), 'not_found')
    await refused(whence.modelAudit('bare@champion'), 'not_found')
    await refused(whence.modelAudit('bare'), 'invalid')
  })

  test('after an erasure the training set has changed, and is still what was written', async () => {
    await whence.erase({ identifier: customers[2]!, basis: 'request of the person' })
    const audit = await whence.modelAudit('opens@1')
    const set = item(audit, 'training set')
    assert.deepEqual([set.truth, set.now], ['recomputed', 'changed'])
    assert.match(set.nowValue!, /2 rows less: people who were erased/)
    assert.equal(item(audit, 'events').truth, 'recomputed')
  })
})
