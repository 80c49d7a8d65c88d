// Training sets when something is odd: several views, rows that are late or repeated, files that are cut, two at once,
// somebody erased meanwhile, a full disk.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client, TrainingSet } from '@whence/sdk'
import { openColumns } from '../../server/src/store/columns.ts'
import { collect, refused } from '../answers.ts'
import { customers, follow, stream } from '../shop.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

const [anna, bela, cleo] = customers as [string, string, string]
const second = `
kind: FeatureView
name: buyer
entity: customer
source: ${stream}
features:
  - { name: spent, type: decimal, window: 30d, filter: event = 'bought', expr: 'coalesce(sum(amount), 0)' }
  - { name: bought, type: int64, filter: event = 'bought', expr: count(*) }
`

suite('training sets, when something is odd', () => {
  let site: Site
  let server: Running
  let whence: Client

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    await follow(whence)
    await whence.apply({ files: [{ path: 'buyer.yaml', text: second }] })
  })
  after(() => site?.remove())

  const at = '2026-02-15T00:00:00Z'
  const spine = customers.map((entity, i) => ({ entity, at, label: i % 2 }))
  const make = (id: string, more: object): Promise<TrainingSet> =>
    whence.createTrainingSet({ id, view: 'reader', label: 'opened', ...more })
  const drafts = (): string[] => readdirSync(join(site.data, 'training')).filter((name) => name.endsWith('.tmp'))

  test('several views stand side by side, and a name that both have is written with its view', async () => {
    const set = await make('both', { view: undefined, views: ['reader', 'buyer@v1'], spine })
    assert.deepEqual(
      set.columns.map(({ name }) => name),
      [
        'at',
        'label',
        'reader__present',
        'letters_90d',
        'opens_90d',
        'opens_30d',
        'reader__spent',
        'buyer__present',
        'buyer__spent',
        'bought',
      ],
    )
    const own = new Map((await collect(whence.trainingRows('both'))).map((row) => [row.subject, row.values]))
    for (const [name, prefix] of [
      ['reader', 'reader__spent'],
      ['buyer', 'buyer__spent'],
    ] as const) {
      // A row has what a snapshot has of that subject at that instant.
      const snapshot = await whence.materialize({ view: name, at, asOf: set.asOf })
      for (const { subject, values } of await collect(whence.snapshotRows(snapshot.id)))
        for (const [feature, value] of Object.entries(values))
          assert.deepEqual(own.get(subject)![feature === 'spent' ? prefix : feature], value, feature)
    }
    assert.equal((await whence.verifyTrainingSet('both')).equal, true)
    const card = await whence.trainingCardText('both')
    assert.match(card, /## View buyer@v1/)
    await refused(make('none', { view: undefined, spine }), 'invalid')
    await refused(make('twice', { view: undefined, views: ['reader', 'reader@v1'], spine }), 'invalid')
  })

  test('rows that repeat, lie in the future, or have positions of their own', async () => {
    const ahead = new Date(Date.now() + 86_400_000).toISOString()
    const set = await make('odd', {
      spine: [
        spine[0]!,
        spine[0]!,
        { ...spine[1]!, at: ahead },
        { ...spine[2]!, asOf: 1 },
        { ...spine[3]!, at: '2020-01-01T00:00:00Z' },
      ],
    })
    assert.deepEqual({ rows: set.rows, future: set.leftOut.future }, { rows: 4, future: 1 })
    const card = await whence.trainingCard('odd')
    assert.deepEqual({ repeated: card.repeated, absent: card.views[0]!.absent }, { repeated: 1, absent: 2 })
    const early = (await collect(whence.trainingRows('odd'))).filter(({ values }) => values.letters_90d === 0)
    assert.equal(early.length, 2)
    assert.equal((await whence.verifyTrainingSet('odd')).equal, true)
    const { upload } = await whence.uploadSpine('entity,at,label\n', 'csv')
    assert.match(await refused(make('empty', { from: { upload } }), 'invalid'), /no rows/)
    await refused(whence.uploadSpine('', 'csv'), 'invalid')
  })

  test('a Parquet file that is cut, is none, or lies about itself is refused plainly', async () => {
    const folder = join(site.data, 'tmp/odd')
    const columns = await openColumns({ folder })
    const path = join(folder, 'spine.parquet')
    await columns.run(
      `COPY (SELECT '${anna}' AS entity, TIMESTAMP '2026-02-15' + to_seconds(range) AS "at", 1 AS label FROM range(5000)) TO '${path}' (FORMAT parquet)`,
    )
    const whole = await readFile(path)
    await columns.close()
    const lying = Buffer.from(whole)
    lying.fill(0xff, 8, whole.length - 12)
    for (const bytes of [
      whole.subarray(0, 2000),
      whole.subarray(100),
      Buffer.from('PAR1PAR1'),
      Buffer.from('no'),
      lying,
    ]) {
      const { upload } = await whence.uploadSpine(bytes, 'parquet')
      const said = await refused(make('cut', { from: { upload } }), 'invalid')
      assert.ok(!said.includes(anna) && !said.includes(site.data), said)
    }
    const { upload } = await whence.uploadSpine(whole, 'parquet')
    assert.equal((await make('whole', { from: { upload } })).rows, 5000)
  })

  test('a set is a table, and a table is a spine', async () => {
    const set = await make('tabled', { spine })
    const again = await make('of a table', { view: 'buyer', from: { table: 'training.tabled' } })
    assert.equal(again.rows, set.rows)
    await refused(make('of nothing', { from: { table: 'training.nothing' } }), 'not_found')
    assert.deepEqual((await whence.verify()).problems, [])
  })

  test('two at once under one id: one set; two others: two', async () => {
    const [a, b, c] = await Promise.all([
      make('at once', { spine }),
      make('at once', { spine }),
      make('beside', { spine }),
    ])
    assert.deepEqual([a.seq, [a, b].map(({ receipt }) => receipt!.status).sort()], [b.seq, ['duplicate', 'recorded']])
    assert.equal(c.contentDigest, a.contentDigest)
    assert.deepEqual(drafts(), [])
  })

  test('a decision is recorded once under its id, and changes nothing', async () => {
    const before = await make('decided', { spine })
    const request = { id: 'd-1', role: 'reviewer', decision: 'rejected' as const, note: 'too | few *rows*' }
    const first = await whence.approveTrainingSet('decided', request)
    const again = await whence.approveTrainingSet('decided', request)
    assert.deepEqual([again.seq, again.receipt!.status], [first.seq, 'duplicate'])
    await refused(whence.approveTrainingSet('decided', { ...request, decision: 'approved' }), 'conflict')
    await whence.approveTrainingSet('decided', { role: 'reviewer', decision: 'approved' })
    const { approvals, contentDigest } = await whence.trainingSet('decided')
    assert.deepEqual(
      [approvals.map(({ decision }) => decision), contentDigest],
      [['rejected', 'approved'], before.contentDigest],
    )
    assert.ok((await whence.trainingCardText('decided')).includes(String.raw`too \| few \*rows\*`))
    await refused(whence.approveTrainingSet('nothing', request), 'not_found')
  })

  test('an altered file is neither served nor exported, and verify says what is altered', async () => {
    const set = await make('altered', { spine })
    const path = join(site.data, set.files[0]!.path)
    const bytes = await readFile(path)
    const other = await readFile(join(site.data, (await make('other', { spine: spine.slice(1) })).files[0]!.path))
    await writeFile(`${path}.x`, other)
    await rename(`${path}.x`, path)
    await refused(collect(whence.exportTrainingSet('altered')), 'altered')
    await refused(whence.trainingCard('altered'), 'altered')
    assert.ok((await whence.verifyTrainingSet('altered')).problems.length > 0)
    await writeFile(`${path}.x`, bytes)
    await rename(`${path}.x`, path)
    assert.deepEqual((await whence.verifyTrainingSet('altered')).problems, [])
  })

  test('who is erased while a set is made is in none of it, and the digest can still be checked', async () => {
    const rows = Array.from({ length: 400 }, (_, i) => ({
      ...spine[i % 10]!,
      at: new Date(Date.parse(at) + i * 1000).toISOString(),
    }))
    const [set] = await Promise.all([
      make('meanwhile', { spine: rows }),
      whence.erase({ identifier: bela, basis: 'asked' }),
    ])
    const now = await whence.trainingSet('meanwhile')
    const { subjects } = await whence.subjects({ identifiers: [cleo] })
    const there = await collect(whence.trainingRows('meanwhile'))
    assert.equal(there.length, 360)
    assert.equal(now.now.rows, 360)
    assert.ok(there.some(({ subject }) => subject === subjects[0]))
    assert.equal(set.rows + set.leftOut.erased, 400)
    const verified = await whence.verifyTrainingSet('meanwhile')
    assert.equal(verified.equal, true)
    assert.equal(verified.rows.erased, set.rows - 360)
    assert.equal(verified.contentDigest.list, now.contentDigest)
    const both = await whence.verifyTrainingSet('both')
    assert.deepEqual([both.equal, both.differences.map(({ why, rows: n }) => [why, n])], [true, [['erased', 1]]])
    assert.equal((await whence.trainingCard('both')).erased, 1)
    assert.deepEqual((await whence.verify()).problems, [])
    // An objection of an erased person can no longer be read, and none is taken.
    await refused(whence.object({ identifier: bela, purpose: 'profiling' }), 'conflict')
  })

  test('everything holds after the tables are made again', async () => {
    const before = await whence.trainingSet('decided')
    await whence.object({ identifier: anna, purpose: 'profiling' })
    const state = await whence.objections({ identifier: anna, at: '2027-01-01T00:00:00Z' })
    await server.stop()
    await site.forgetTables()
    server = await site.start()
    whence = server.client
    assert.deepEqual(await whence.trainingSet('decided'), before)
    assert.deepEqual(
      (await whence.objections({ identifier: anna, at: '2027-01-01T00:00:00Z', asOf: state.asOf })).because,
      state.because,
    )
  })
})
