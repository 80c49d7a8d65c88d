// Changing what is declared: planned first, shown with what it touches, applied exactly as shown, or not at all.
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client, FeatureRow, Plan, PlannedChange } from '@whence/sdk'
import { WhenceError } from '@whence/sdk'
import { at, contract, customers, files, follow, letters, reader, stream, view } from './shop.ts'
import type { Thread } from './shop.ts'
import { run } from '../server/src/cli/testing.ts'
import type { Ran } from '../server/src/cli/testing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const [contractFile, viewFile] = files as [(typeof files)[0], (typeof files)[0]]
const withView = (text: string) => [contractFile, { ...viewFile, text }]

async function rowsOf(client: Client, name: string, when = at): Promise<FeatureRow[]> {
  const { id } = await client.materialize({ view: name, at: when })
  const rows: FeatureRow[] = []
  for await (const row of client.snapshotRows(id)) rows.push(row)
  return rows
}

function only(plan: Plan): PlannedChange {
  assert.equal(plan.changes.length, 1, JSON.stringify(plan.changes, null, 1))
  return plan.changes[0]!
}

const classes = (change: PlannedChange): string[] =>
  change.parts.map((part) => `${part.what}: ${part.aspect}: ${part.class}`)

const refused = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WhenceError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, message)
  return true
}

suite('plans', () => {
  let site: Site
  let server: Running
  let client: Client
  let thread: Thread

  const whence = (...args: string[]): Promise<Ran> => run(args, client, { cwd: site.folder })

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    thread = await follow(client)
  })
  after(() => site?.remove())

  test('files as they are in force, and other layouts of them, are no change', async () => {
    const laidOut = view
      .replace("filter: event = 'opened', expr: count(*)", `filter: "EVENT   =  'opened'", expr: "COUNT( * ) -- all"`)
      .replace('features:', '# a note\nfeatures:')
    for (const text of [view, laidOut]) {
      const plan = await client.plan({ files: withView(text) })
      assert.deepEqual(plan.changes, [])
      assert.equal(plan.unchanged, 2)
      const size = (await client.status()).size
      const { applied, plan: made } = await client.apply({ files: withView(text) })
      assert.ok(applied.every(({ change }) => change === 'unchanged'))
      assert.equal(made, undefined)
      assert.equal((await client.status()).size, size)
    }
  })

  test('each difference is told with how far it reaches', async () => {
    const cases: [(text: string) => string, PlannedChange['class'], string[]][] = [
      [
        (text) => text.replace('opens_90d, type: int64, window: 90d', 'opens_90d, type: int64, window: 60d'),
        'breaking',
        ['feature opens_90d: window: breaking'],
      ],
      [(text) => text.replace('name: spent', 'name: paid'), 'breaking', ['feature spent: renamed: breaking']],
      [(text) => text.replace(/\n.*name: spent.*\n/, '\n'), 'breaking', ['feature spent: removed: breaking']],
      [
        (text) => text.replace('coalesce(sum(amount), 0)', 'coalesce(sum(amount), 1)'),
        'breaking',
        ['feature spent: expr: breaking'],
      ],
      [(text) => text.replace("filter: event = 'bought', ", ''), 'breaking', ['feature spent: filter: breaking']],
      [(text) => text.replace('type: decimal', 'type: "decimal(18,2)"'), 'breaking', ['feature spent: type: breaking']],
      [
        (text) => `${text}  - { name: clicks, type: int64, filter: event = 'clicked', expr: count(*) }\n`,
        'non-breaking',
        ['feature clicks: added: non-breaking'],
      ],
      [(text) => text.replace('features:', 'ttl: 7d\nfeatures:'), 'forward-only', ['the view: ttl: forward-only']],
      [
        (text) => text.replace('type: decimal,', 'type: decimal, tolerance: 0.01,'),
        'forward-only',
        ['feature spent: tolerance: forward-only'],
      ],
      [
        (text) => text.replace('entity:', 'owner: growth\ntags: [letters]\ndescription: readers\nentity:'),
        'metadata',
        ['the view: owner: metadata', 'the view: description: metadata', 'the view: tags: metadata'],
      ],
      [
        (text) => text.replace('spent {value} euros', 'paid {value} euros'),
        'metadata',
        ['feature spent: sentence: metadata'],
      ],
    ]
    for (const [change, cls, parts] of cases) {
      const planned = only(await client.plan({ files: withView(change(view)) }))
      assert.deepEqual([planned.class, classes(planned)], [cls, parts])
      assert.equal(planned.to, cls === 'metadata' ? 'v1' : 'v2')
    }
  })

  test('a change shows whose values it would change, and what was made from the view', async () => {
    const text = view.replace('opens_90d, type: int64, window: 90d', 'opens_90d, type: int64, window: 30d')
    const planned = only(await client.plan({ files: withView(text), at }))
    assert.equal(planned.sample!.people, customers.length)
    const wanted = customers.filter((who) => reader(who).opens_90d !== reader(who).opens_30d)
    const opens = planned.sample!.features.find(({ feature }) => feature === 'opens_90d')!
    assert.equal(opens.changed, wanted.length)
    assert.ok(wanted.length > 0)
    assert.ok(
      planned.sample!.features.filter(({ feature }) => feature !== 'opens_90d').every((one) => one.changed === 0),
    )
    for (const { subject, before, after } of opens.examples) {
      const values = reader(customers[thread.subjects.indexOf(subject)]!)
      assert.deepEqual([before, after], [values.opens_90d, values.opens_30d])
    }
    const { snapshots, trainingSets, models } = planned.downstream!
    assert.deepEqual([snapshots, trainingSets], [1, ['readers of winter']])
    assert.deepEqual(
      models.map(({ model, predictions, people }) => [model, predictions, people]),
      [['opens@1', customers.length, customers.length]],
    )
    // Where a version is in use, the plan says so.
    assert.deepEqual(models[0]!.aliases, [])
    await client.setAlias('opens', 'champion', { version: 1 })
    const live = only(await client.plan({ files: withView(text), sample: 0 }))
    assert.deepEqual(live.downstream!.models[0]!.aliases, ['production/champion'])
    // The same files, log and size draw the same people.
    const again = only(await client.plan({ files: withView(text), sample: 4 }))
    assert.equal(again.sample!.people, 4)
    assert.deepEqual(again.sample, only(await client.plan({ files: withView(text), sample: 4 })).sample)
    assert.equal(only(await client.plan({ files: withView(text), sample: 0 })).sample, undefined)
  })

  test('a view that cannot compute real events says so before it is applied', async () => {
    const text = `${view}  - { name: odd, type: int64, expr: max(campaign::BIGINT) }\n`
    const planned = only(await client.plan({ files: withView(text) }))
    assert.match(planned.sample!.problem!, /Could not convert string/)
  })

  test('texts that would grow without end are refused before the engine sees them', async () => {
    const grown = `${'replace('.repeat(8)}campaign${`, 'a', '${'a'.repeat(20)}')`.repeat(8)}`
    const text = `${view}  - { name: odd, type: int64, expr: "max(length(${grown}))" }\n`
    await assert.rejects(client.plan({ files: withView(text) }), refused('invalid', /line 11: feature odd: .*2 deep/))
  })

  test('words change the text of the same version; nothing else of it moves', async () => {
    const before = await client.view('reader')
    const text = view.replace('entity:', 'owner: growth\nentity:')
    const { applied, plan } = await client.apply({ files: withView(text) })
    assert.deepEqual(
      applied.map(({ kind, version, change }) => [kind, version, change]),
      [
        ['contract', '1.0.0', 'unchanged'],
        ['view', 'v1', 'described'],
      ],
    )
    const described = await client.view('reader')
    assert.deepEqual(
      [described.version, described.fingerprint, described.seq, described.revision, described.text],
      [1, before.fingerprint, before.seq, 2, text],
    )
    // The record says so, and the plan names the one before it.
    const { records } = await client.records({ from: plan!.receipt.seq - 1 })
    assert.deepEqual(
      records.map(({ entry }) => [entry.kind, entry.id]),
      [
        ['view/1', 'reader@v1~2'],
        ['plan/1', plan!.digest],
      ],
    )
    const first = await client.plan({ files, sample: 0 })
    assert.equal(first.base, plan!.receipt.seq)
    const node = await client.lineageNode({ node: 'view:reader@v1' })
    assert.deepEqual(node.facets.find(({ name }) => name === 'ownership')?.body, { owners: [{ name: 'growth' }] })
    // And back: the same words again are another text, not a conflict with the first record.
    await client.apply({ files })
    assert.deepEqual([(await client.view('reader')).revision, (await client.view('reader')).text], [3, view])
  })

  test('exactly the plan that was shown is applied, or nothing', async () => {
    const text = view.replace('entity:', 'description: those who read\nentity:')
    const plan = await client.plan({ files: withView(text), sample: 0 })
    const other = view.replace('entity:', 'description: others\nentity:')
    // Other files than those planned.
    const size = (await client.status()).size
    await assert.rejects(
      client.apply({ files: withView(other), plan }),
      refused('conflict', /not those that were planned/),
    )
    await assert.rejects(
      client.apply({ files: withView(text), plan: { ...plan, digest: '0'.repeat(64) } }),
      refused('conflict', /not those that were planned/),
    )
    assert.equal((await client.status()).size, size)
    // Something else was applied meanwhile.
    await client.apply({ files: withView(other) })
    await assert.rejects(client.apply({ files: withView(text), plan }), refused('conflict', /stale.*applied since/))
    const fresh = await client.plan({ files: withView(text), sample: 0 })
    assert.equal((await client.apply({ files: withView(text), plan: fresh })).plan!.digest, fresh.digest)
    // And once is enough.
    await assert.rejects(client.apply({ files: withView(text), plan: fresh }), refused('conflict', /stale/))
  })

  test('of many who apply at once, each plan is applied once, and they make one chain', async () => {
    const texts = ['a', 'b', 'c', 'd', 'e'].map((word) => view.replace('entity:', `description: ${word}\nentity:`))
    const plans = await Promise.all(texts.map((text) => client.plan({ files: withView(text), sample: 0 })))
    const results = await Promise.allSettled(
      texts.map((text, i) => client.apply({ files: withView(text), plan: plans[i]! })),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const result of results)
      if (result.status === 'rejected') assert.ok(refused('conflict', /stale/)(result.reason))
    // Without a plan of their own they go one after the other.
    await Promise.all(texts.map((text) => client.apply({ files: withView(text) })))
    let previous: string | undefined
    for (let from = 0; ;) {
      const { records, next, size } = await client.records({ from, limit: 1000 })
      for (const { seq, entry } of records) {
        if (entry.kind !== 'plan/1') continue
        assert.equal((entry.refs as { previous?: string }).previous, previous)
        previous = String(seq)
      }
      from = next
      if (next >= size) break
    }
    await client.apply({ files })
  })

  test('a file that is wrong refuses all of them; every wrong view is named', async () => {
    const wrong = view.replace('count(*)', 'count(nothing)').replace('sum(amount)', 'sum(random())')
    const size = (await client.status()).size
    const request = {
      files: [
        { path: 'contracts/letters.yaml', text: contract('1.1.0', { creatives: ['A', 'B', 'C'] }) },
        { path: 'features/a.yaml', text: wrong },
        { path: 'features/b.yaml', text: 'kind: FeatureView\nname: b\n' },
      ],
    }
    for (const attempt of [() => client.plan(request), () => client.apply(request)])
      await assert.rejects(
        attempt(),
        refused(
          'invalid',
          /a.yaml line 7: feature letters_90d.*\n.*a.yaml line 10: feature spent: random.*\n.*b.yaml/s,
        ),
      )
    const twice = { files: [...files, { ...viewFile, path: 'copy.yaml' }] }
    await assert.rejects(
      client.plan(twice),
      refused('invalid', /copy.yaml: features\/reader.yaml declares view reader/),
    )
    assert.equal((await client.status()).size, size)
  })

  test('a version that is pinned is materialised and served with its own text and contracts, whatever comes', async () => {
    const before = await rowsOf(client, 'reader@v1', '2026-02-20T00:00:00Z')
    const explained = await client.explain('p-bela')
    // A contract with more columns, and a view that reads one of them.
    const wider = contract('1.1.0').replace(
      '      - { name: consent,',
      '      - { name: shelf, logicalType: string }\n      - { name: consent,',
    )
    const text = view
      .replace("window: 90d, filter: event = 'opened'", "window: 10d, filter: event = 'opened'")
      .concat('  - { name: shelves, type: int64, expr: count(distinct shelf) }\n')
    const request = {
      files: [
        { ...contractFile, text: wider },
        { ...viewFile, text },
      ],
    }
    const plan = await client.plan(request)
    assert.deepEqual(
      plan.changes.map(({ kind, class: cls, from, to }) => [kind, cls, from, to]),
      [
        ['contract', 'non-breaking', '1.0.0', '1.1.0'],
        ['view', 'breaking', 'v1', 'v2'],
      ],
    )
    assert.deepEqual(classes(plan.changes[1]!), [
      'stream letters: contract: non-breaking',
      'feature shelves: added: non-breaking',
      'feature opens_90d: window: breaking',
    ])
    assert.deepEqual(plan.changes[0]!.downstream!.featureViews, ['reader@v1'])
    await client.apply({ ...request, plan })
    await client.ingest(stream, [
      { ...letters[0]!, id: 'l-late', n: letters.length + 1, time: '2026-02-19T00:00:00Z', shelf: 'top' },
    ])

    // What v1 gives for the same instants is what it gave, new events apart; and so does the live model's snapshot.
    const asOf = thread.snapshot.asOf
    const { id } = await client.materialize({ view: 'reader@v1', at, asOf })
    assert.equal(id, thread.snapshot.id)
    const again = await rowsOf(client, 'reader@v1', '2026-02-20T00:00:00Z')
    assert.deepEqual(
      again.map(({ subject, values }) => [subject, values.opens_90d, values.opens_30d, values.spent]),
      before.map(({ subject, values }) => [subject, values.opens_90d, values.opens_30d, values.spent]),
    )
    const now = await client.explain('p-bela')
    assert.deepEqual([now.score, now.inputs], [explained.score, explained.inputs])
    const fresh = await rowsOf(client, 'reader')
    assert.ok(fresh.every(({ values }) => 'shelves' in values))
    // A prediction served from the pinned version is scored and explained by it.
    const pinned = await client.materialize({ view: 'reader@v1', at: '2026-03-02T00:00:00Z' })
    assert.equal(pinned.view, 'reader@v1')
    assert.equal(pinned.inputs[0]!.contract, 'letters@1.0.0')
    assert.deepEqual((await client.verify()).problems, [])
  })

  test('a contract with the same columns makes a version whose past is the same', async () => {
    const text = contract('1.2.0', { creatives: ['A', 'B', 'C'] }).replace(
      '      - { name: consent,',
      '      - { name: shelf, logicalType: string }\n      - { name: consent,',
    )
    const { text: viewNow } = await client.view('reader')
    const plan = await client.plan({
      files: [
        { ...contractFile, text },
        { ...viewFile, text: viewNow },
      ],
    })
    assert.deepEqual(
      plan.changes.map(({ kind, class: cls }) => [kind, cls]),
      [
        ['contract', 'forward-only'],
        ['view', 'forward-only'],
      ],
    )
    assert.ok(plan.changes[1]!.sample!.features.every(({ changed }) => changed === 0))
    assert.deepEqual(classes(plan.changes[1]!), ['stream letters: contract: forward-only'])
  })

  test('what is not among the files stays, until removing is asked for; versions of it stay even then', async () => {
    const second = view.replace('name: reader', 'name: second')
    const policy = 'kind: LineagePolicy\nname: pipelines\nrules:\n  - { namespace: "*", require: [owner] }\n'
    const more = [
      { path: 'features/second.yaml', text: second },
      { path: 'policies/p.yaml', text: policy },
    ]
    await client.apply({ files: more })
    const readerFile = { path: 'features/reader.yaml', text: (await client.view('reader')).text }
    const plan = await client.plan({ files: [readerFile] })
    assert.deepEqual(plan.changes, [])
    assert.deepEqual(
      plan.absent.map(({ kind, name }) => `${kind} ${name}`),
      ['contract letters', 'view second', 'policy pipelines'],
    )
    await client.apply({ files: [readerFile] })
    assert.equal((await client.view('second')).version, 1)

    const removal = await client.plan({ files: [readerFile], remove: true, sample: 0 })
    assert.deepEqual(
      removal.changes.map(({ action, kind, name, class: cls }) => [action, kind, name, cls]),
      [
        ['remove', 'view', 'second', 'breaking'],
        ['remove', 'policy', 'pipelines', 'breaking'],
      ],
    )
    // A plan that removes is not one that does not.
    await assert.rejects(client.apply({ files: [readerFile], plan: removal }), refused('conflict', /not those/))
    const { applied } = await client.apply({ files: [readerFile], plan: removal, remove: true })
    assert.deepEqual(
      applied.filter(({ change }) => change === 'removed').map(({ name }) => name),
      ['second', 'pipelines'],
    )
    await assert.rejects(client.materialize({ view: 'second', at }), refused('not_found', /out of force.*second@v1/))
    assert.equal((await client.materialize({ view: 'second@v1', at })).view, 'second@v1')
    assert.deepEqual((await client.lineageCoverage({})).policies, [])

    const back = await client.plan({ files: more, sample: 0 })
    assert.deepEqual(
      back.changes.map(({ action, kind, name, to }) => [action, kind, name, to]),
      [
        ['restore', 'view', 'second', 'v1'],
        ['create', 'policy', 'pipelines', 'v2'],
      ],
    )
    await client.apply({ files: more, plan: back })
    assert.equal((await client.materialize({ view: 'second', at })).view, 'second@v1')
    assert.equal((await client.lineageCoverage({})).policies.length, 1)
  })

  test('the command line plans, keeps the plan, applies it, and tells CI of changes', async () => {
    const folder = join(site.folder, 'project')
    await mkdir(folder, { recursive: true })
    const text = (await client.view('reader')).text
    await writeFile(join(folder, 'reader.yaml'), text)
    assert.equal((await whence('plan', 'project', '--check')).code, 0)
    await writeFile(join(folder, 'reader.yaml'), text.replace('window: 10d', 'window: 12d'))
    const planned = await whence('plan', 'project', '--out', 'plan.json', '--check')
    assert.equal(planned.code, 2, planned.stderr)
    assert.match(planned.stdout, /~ view reader +v2 → v3 +breaking/)
    assert.match(planned.stdout, /feature opens_90d +window +10d → 12d +breaking/)
    assert.match(planned.stdout, /model version opens@1 in use: production\/champion, 10 predictions about 10 people/)
    assert.match(planned.stdout, /Plan: 0 to add, 1 to change, 0 to remove \(1 breaking\); 0 unchanged\./)
    assert.match(planned.stdout, /In force and not among these files.*contract letters@1\.1\.0/s)
    assert.equal((JSON.parse(await readFile(join(site.folder, 'plan.json'), 'utf8')) as Plan).changes.length, 1)

    await writeFile(join(folder, 'reader.yaml'), text.replace('window: 10d', 'window: 13d'))
    const other = await whence('apply', 'project', '--plan', 'plan.json')
    assert.equal(other.code, 1)
    assert.match(other.stderr, /not those that were planned/)
    await writeFile(join(folder, 'reader.yaml'), text.replace('window: 10d', 'window: 12d'))
    const applied = await whence('apply', 'project', '--plan', 'plan.json')
    assert.equal(applied.code, 0, applied.stderr)
    assert.match(applied.stdout, /view +reader@v3/)
    assert.match((await whence('apply', 'project', '--plan', 'plan.json')).stderr, /stale/)
    for (const content of ['', '{}', '[]', '{"base":1,"digest":"x"', 'null']) {
      await writeFile(join(site.folder, 'broken.json'), content)
      const broken = await whence('apply', 'project', '--plan', 'broken.json')
      assert.deepEqual([broken.code, /is no plan/.test(broken.stderr)], [2, true], content)
    }
    const nothing = await whence('apply', 'project', '--json')
    assert.equal(nothing.code, 0)
    assert.equal(JSON.parse(nothing.stdout).plan, undefined)
    await rm(folder, { recursive: true })
  })

  test('a restart and a rebuild leave the same in force', async () => {
    const state = async (c: Client) => [
      await c.view('reader'),
      await c.view('reader@v1'),
      await c.view('second'),
      (await c.plan({ files: [], sample: 0 })).base,
      (await c.plan({ files: [], sample: 0 })).absent,
    ]
    const was = await state(client)
    await server.stop()
    server = await site.start({ rebuild: () => {} })
    client = server.client
    assert.deepEqual(await state(client), was)
    const text = (await client.view('reader')).text.replace('window: 12d', 'window: 14d')
    assert.equal((await client.apply({ files: [{ path: 'r.yaml', text }] })).applied[0]!.version, 'v4')
  })
})
