import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { Name, Statement } from '../../record/lineage/statement.ts'
import { parseTime } from '../contracts/time.ts'
import { readAccepted, readLineageBytes, readLineageEvent } from './event.ts'
import type { Accepted, Refused } from './event.ts'
import { Findings } from './findings.ts'
import { MOST_LINKS } from './links.ts'

const received = parseTime('2026-11-21T10:00:00Z')!
const run = '01936893-9751-7a91-a2a0-a51101a3970c'
const base = { _producer: 'https://x.example', _schemaURL: 'https://x.example/schema' }
const dataset = (name: string, namespace = 'db'): Name => ({ kind: 'dataset', namespace, name })
const job = (name: string, namespace = 'nightly'): Name => ({ kind: 'job', namespace, name })

const event = (over: object = {}): Record<string, unknown> => ({
  eventType: 'COMPLETE',
  eventTime: '2026-03-20T10:00:00Z',
  producer: 'https://orchestrator.example/v1',
  schemaURL: 'https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent',
  run: { runId: run },
  job: { namespace: 'nightly', name: 'load' },
  inputs: [{ namespace: 'db', name: 'raw' }],
  outputs: [{ namespace: 'db', name: 'sends' }],
  ...over,
})
const read = (over: object = {}): Accepted => {
  const found = readLineageEvent(event(over), received)
  assert.ok('statement' in found, JSON.stringify(found))
  return found
}
const refusal = (value: unknown): Refused => {
  const found = readLineageEvent(value, received)
  assert.ok('refused' in found, JSON.stringify(found))
  return found
}
const output = (facets: object, over: object = {}) =>
  read({ outputs: [{ namespace: 'db', name: 'sends', facets: withBase(facets), ...over }] })
const runFacets = (facets: object) => read({ run: { runId: run, facets: withBase(facets) } })
const withBase = (facets: object) =>
  Object.fromEntries(Object.entries(facets).map(([key, facet]) => [key, { ...base, ...(facet as object) }]))

suite('an OpenLineage event', () => {
  test('of a run is read as it stands', () => {
    const { statement, violations, rules } = read()
    assert.deepEqual([violations, rules], [[], []])
    const expected: Statement = {
      time: parseTime('2026-03-20T10:00:00Z')!,
      producer: 'https://orchestrator.example/v1',
      run: { id: run, state: 'COMPLETE', facets: {} },
      job: { name: job('load'), facets: {} },
      inputs: [{ name: dataset('raw'), facets: {}, here: {} }],
      outputs: [{ name: dataset('sends'), facets: {}, here: {} }],
      described: [],
      links: [],
      aliases: [],
      changes: [],
      jobs: [],
    }
    assert.deepEqual(statement, expected)
  })

  test('of a job has no run, of a dataset neither', () => {
    const { run: _, eventType: __, ...ofJob } = event()
    const read = readLineageEvent(ofJob, received) as Accepted
    assert.deepEqual([read.statement.run, read.statement.job!.name, read.rules], [undefined, job('load'), []])
    const { eventTime, producer, schemaURL } = event()
    const of = readLineageEvent({ eventTime, producer, schemaURL, dataset: { namespace: 'db', name: 't' } }, received)
    assert.deepEqual((of as Accepted).statement.described, [{ name: dataset('t'), facets: {}, here: {} }])
    assert.deepEqual((of as Accepted).rules, [])
    assert.deepEqual(readLineageEvent(event({ dataset: { namespace: 'db', name: 't' } }), received), {
      ...readLineageEvent(event(), received),
      statement: {
        ...(readLineageEvent(event(), received) as Accepted).statement,
        described: [{ name: dataset('t'), facets: {}, here: {} }],
      },
      violations: [
        {
          rule: 'event.mixed',
          type: 'Additional-Properties',
          path: '/dataset',
          message: 'a dataset beside a run or job: both are read',
        },
      ],
      rules: ['event.mixed'],
    })
  })

  test('is refused by a named rule where it cannot be understood', () => {
    for (const [value, rule, path] of [
      [null, 'event.object', ''],
      ['{}', 'event.object', ''],
      [[event()], 'event.object', ''],
      [{}, 'event.kind', ''],
      [{ run: null, job: null }, 'event.kind', ''],
      [event({ run: {} }), 'run.runId.required', '/run/runId'],
      [event({ run: 'x' }), 'run.runId.required', '/run/runId'],
      [event({ run: { runId: 5 } }), 'run.runId.required', '/run/runId'],
      [event({ run: { runId: '' } }), 'name.empty', '/run/runId'],
      [event({ job: { name: 'x' } }), 'name.required', '/job/namespace'],
      [event({ job: [] }), 'name.required', '/job/namespace'],
      [event({ job: { namespace: 'n', name: '' } }), 'name.empty', '/job/name'],
      [event({ inputs: [{ namespace: 'n', name: 'x'.repeat(4001) }] }), 'name.length', '/inputs/0/name'],
      [event({ outputs: [{}, { namespace: 'n\0', name: 'x' }] }), 'name.characters', '/outputs/1/namespace'],
      [event({ outputs: [{ namespace: 'n', name: '\udc00' }] }), 'name.characters', '/outputs/0/name'],
    ] as const) {
      const { refused, rules } = refusal(value)
      assert.ok(rules.includes(rule), `${rule}: ${JSON.stringify(refused)}`)
      assert.ok(
        refused.some((violation) => violation.rule === rule && violation.path === path),
        path,
      )
    }
    const bytes = (text: string) => readLineageBytes(Buffer.from(text), received) as Refused
    assert.deepEqual(bytes('{"a"').rules, ['json.syntax'])
    assert.deepEqual(bytes('{"job":"\xff"}'.slice(0, 8)).rules, ['json.syntax'])
    assert.deepEqual((readLineageBytes(Buffer.from([0x22, 0xff, 0x22]), received) as Refused).rules, ['json.utf8'])
    assert.deepEqual(bytes('['.repeat(513) + ']'.repeat(513)).rules, ['json.depth'])
    assert.deepEqual(bytes(' '.repeat((8 << 20) + 1)).rules, ['event.size'])
  })

  test('is accepted with every other fault, which is said', () => {
    const { schemaURL: _, ...bare } = event()
    assert.deepEqual((readLineageEvent(bare, received) as Accepted).rules, ['schemaURL.required'])
    for (const [over, ...rules] of [
      [{ producer: 'me' }, 'producer.uri'],
      [{ producer: undefined }, 'producer.required'],
      [{ schemaURL: 'x y' }, 'schemaURL.uri'],
      [{ run: { runId: 'job-1' } }, 'run.runId.uuid'],
      [{ eventType: 'complete' }, 'eventType.enum'],
      [{ eventType: 'DONE' }, 'eventType.enum'],
      [{ eventType: null }, 'eventType.enum'],
      [{ job: undefined }, 'job.required'],
      [{ inputs: {}, outputs: [7] }, 'datasets.array', 'dataset.object'],
      [{ run: { runId: run, facets: null } }, 'facets.object'],
      [{ run: { runId: run, facets: { my_x: null } } }, 'facet.null'],
      [{ run: { runId: run, facets: { my_x: 'x' } } }, 'facet.object'],
      [{ run: { runId: run, facets: { my_x: {} } } }, 'facet.producer', 'facet.schemaURL'],
      [{ run: { runId: run, facets: { nominalTime: base } } }, 'facet.nominalTime'],
    ] as const)
      assert.deepEqual(read(over).rules, rules, JSON.stringify(over))
    assert.equal(read({ eventType: 'complete' }).statement.run!.state, 'COMPLETE')
    assert.equal(read({ eventType: 'DONE' }).statement.run!.state, 'OTHER')
    assert.equal(read({ eventType: null }).statement.run!.state, undefined)
    assert.equal(read({ eventType: undefined }).statement.run!.state, undefined)
    assert.deepEqual(read({ eventType: 'START', inputs: undefined, outputs: undefined }).rules, [], 'a START alone')
    assert.deepEqual(read({ outputs: [{ namespace: 'db', name: 'raw' }] }).rules, [], 'reads and writes the same')
  })

  test('tells its time however it is written', () => {
    const at = (eventTime: unknown): [string, string[]] => {
      const { statement, rules } = read({ eventTime })
      return [new Date(statement.time / 1000).toISOString(), rules]
    }
    const ten = '2026-03-20T10:00:00.000Z'
    assert.deepEqual(at('2026-03-20T10:00:00'), [ten, ['eventTime.zone']])
    assert.deepEqual(at('2026-03-20 10:00'), [ten, ['eventTime.zone']])
    assert.deepEqual(at('2026-03-20T12:00:00+02:00'), [ten, []])
    assert.deepEqual(at('2026-03-20T12:00:00+0200'), [ten, ['eventTime.format']])
    assert.deepEqual(at('2026-03-20T12:00+02'), [ten, ['eventTime.format']])
    assert.deepEqual(at('2026-03-20T11:00:00+01:00[Europe/Warsaw]'), [ten, ['eventTime.format']])
    assert.deepEqual(at('2026-03-20T10:00:00.0000000000Z'), [ten, ['eventTime.format']])
    assert.deepEqual(at('2019-03-20T10:00:00Z'), ['2019-03-20T10:00:00.000Z', []], 'years late')
    assert.deepEqual(at('2026-11-22T10:00:01Z')[1], ['eventTime.future'])
    assert.equal(read({ eventTime: '2026-03-20T10:00:00.123456789Z' }).statement.time % 1_000_000, 123_456)
    assert.deepEqual(read({ eventTime: '2026-03-20T10:00:00.123456789Z' }).rules, [], 'RFC 3339 allows nanoseconds')
    for (const none of [
      undefined,
      null,
      '',
      'now',
      '2026-02-30T10:00:00Z',
      1774000000,
      {},
      '9999-01-01T00:00:00Z',
      'x'.repeat(1e6),
    ]) {
      const { statement, rules } = read({ eventTime: none })
      assert.equal(statement.time, received)
      assert.deepEqual(rules, [none === undefined || none === null ? 'eventTime.required' : 'eventTime.unreadable'])
    }
  })

  test('keeps names of any script and shape, and ids of runs that are UUIDs in lower case', () => {
    for (const name of [
      'a/b',
      'a:b',
      'a#b%23',
      '../..',
      ' ',
      'ä',
      '名',
      '😀',
      '\u202e',
      '__proto__',
      'x'.repeat(4000),
    ]) {
      const { statement, rules } = read({ job: { namespace: name, name }, outputs: [{ namespace: name, name }] })
      assert.deepEqual([statement.job!.name, statement.outputs[0]!.name], [job(name, name), dataset(name, name)])
      assert.deepEqual(rules, [])
    }
    assert.equal(read({ run: { runId: run.toUpperCase() } }).statement.run!.id, run)
    assert.equal(read({ run: { runId: 'Job-1' } }).statement.run!.id, 'Job-1')
  })

  test('names what is ours in the namespace whence', () => {
    const named = (name: string) => {
      const { statement, rules } = read({ outputs: [{ namespace: 'whence', name }] })
      return [
        statement.outputs[0]!.name.kind,
        statement.outputs[0]!.name.name,
        statement.outputs[0]!.name.namespace,
        rules,
      ]
    }
    assert.deepEqual(named('sends'), ['stream', 'sends', '', []])
    assert.deepEqual(named('view/engagement@v2'), ['view', 'engagement@v2', '', []])
    assert.deepEqual(named('training/t-1'), ['training', 't-1', '', []])
    assert.deepEqual(named('model/buys@3'), ['model', 'buys@3', '', []])
    for (const name of ['view/engagement', 'model/buys@v3', 'training/', 'other/x'])
      assert.deepEqual(named(name), ['dataset', name, 'whence', ['dataset.whence']])
    const { statement } = output(
      {
        columnLineage: {
          fields: { Channel: { inputFields: [{ namespace: 'whence', name: 'sends', field: 'Kind' }] } },
        },
      },
      { namespace: 'whence' },
    )
    assert.deepEqual(
      [statement.links[0]!.from.field, statement.links[0]!.to.field],
      ['kind', 'channel'],
      'fields of streams are in lower case',
    )
  })

  test('in the simplified form has versions behind names and facets of ours beside the run', () => {
    const simplified = {
      eventType: 'COMPLETE',
      run: { runId: 'job-1234-20260112-3' },
      producer: 'feature-pipeline:v2.1',
      job: { namespace: 'marketing', name: 'user_campaign_aggregates' },
      inputs: [{ namespace: 'events', name: 'email_send_events@2026-01-12T00:00:00Z' }],
      outputs: [{ namespace: 'feature_store', name: 'fs_user_open_rate_v1' }],
      facets: { codeVersion: { gitCommit: 'a1b2c3' }, campaignContext: { campaignId: 'spring_sale_2026' }, other: {} },
    }
    const { statement } = readLineageEvent(simplified, received) as Accepted
    assert.deepEqual(statement.inputs, [
      { name: dataset('email_send_events', 'events'), version: '2026-01-12T00:00:00Z', facets: {}, here: {} },
    ])
    assert.deepEqual(statement.run!.facets, {
      whence_codeVersion: { gitCommit: 'a1b2c3' },
      whence_campaignContext: { campaignId: 'spring_sale_2026' },
      other: {},
    })
    assert.equal(statement.time, received)
    const whole = read({ inputs: [{ namespace: 'db', name: 'a@1' }] }).statement
    assert.deepEqual(whole.inputs[0]!.name.name, 'a@1', 'an event with a schemaURL means its names as they are')
    const bad = readLineageEvent(
      { ...simplified, facets: { codeVersion: { gitCommit: 'main' } } },
      received,
    ) as Accepted
    assert.ok(bad.rules.includes('facet.whence_codeVersion'))
    assert.deepEqual(bad.statement.run!.facets, { whence_codeVersion: { gitCommit: 'main' } }, 'kept as it came')
  })

  test('keeps all facets as they came, those that take back included, and those of the use apart', () => {
    const { statement, rules } = output(
      { schema: { fields: [{ name: 'a' }] }, my_thing: { x: 1 }, ownership: { _deleted: true } },
      { outputFacets: withBase({ outputStatistics: { rowCount: 5 } }) },
    )
    const [use] = statement.outputs
    assert.deepEqual(Object.keys(use!.facets), ['schema', 'my_thing', 'ownership'])
    assert.deepEqual(use!.facets.ownership, { ...base, _deleted: true })
    assert.deepEqual(use!.here, withBase({ outputStatistics: { rowCount: 5 } }))
    assert.deepEqual(rules, [])
  })

  test('honours the version facet of what is read and what is written', () => {
    const facets = withBase({ version: { datasetVersion: '7' } })
    const { statement } = read({
      inputs: [{ namespace: 'db', name: 'raw', facets }],
      outputs: [{ namespace: 'db', name: 'sends', facets: { version: { ...base, datasetVersion: 8 } } }],
    })
    assert.deepEqual([statement.inputs[0]!.version, statement.outputs[0]!.version], ['7', undefined])
  })

  test('tells of parents, roots and dependencies', () => {
    const other = '01936893-0000-7a91-a2a0-a51101a3970c'
    const { statement, rules } = runFacets({
      parent: {
        run: { runId: other.toUpperCase() },
        job: { namespace: 'nightly', name: 'dag' },
        root: { run: { runId: run }, job: { namespace: 'nightly', name: 'all' } },
      },
      jobDependencies: {
        upstream: [{ job: { namespace: 'nightly', name: 'before' } }],
        downstream: [{ job: { namespace: 'nightly', name: 'after' } }],
      },
    })
    assert.deepEqual([statement.run!.parent, statement.run!.root, rules], [other, run, []])
    assert.deepEqual(statement.jobs, [
      { from: job('dag'), to: job('load'), how: 'parent' },
      { from: job('before'), to: job('load'), how: 'before' },
      { from: job('load'), to: job('after'), how: 'before' },
    ])
    const older = runFacets({ parentRun: { run: { runId: other }, job: { namespace: 'nightly', name: 'dag' } } })
    assert.equal(older.statement.run!.parent, other)
    const broken = runFacets({ parent: { run: { noRunId: 1 }, job: { namespace: 'nightly', name: '' } } })
    assert.deepEqual([broken.statement.run!.parent, broken.statement.jobs], [undefined, []])
    assert.deepEqual(broken.rules, ['facet.parent', 'facet.name'])
  })

  test('tells of second names and of what became of a dataset', () => {
    const { statement } = output({
      symlinks: {
        identifiers: [
          { namespace: 'hive', name: 'sends', type: 'TABLE' },
          { namespace: 'db', name: 'sends', type: 'TABLE' },
        ],
      },
      lifecycleStateChange: { lifecycleStateChange: 'RENAME', previousIdentifier: { namespace: 'db', name: 'old' } },
    })
    assert.deepEqual(statement.aliases, [[dataset('sends'), dataset('sends', 'hive')]])
    assert.deepEqual(statement.changes, [{ name: dataset('sends'), change: 'rename', previous: dataset('old') }])
    const drop = output({ lifecycleStateChange: { lifecycleStateChange: 'DROP' } })
    assert.deepEqual(drop.statement.changes, [{ name: dataset('sends'), change: 'drop' }])
    const none = output({ lifecycleStateChange: { lifecycleStateChange: 'VANISH' } })
    assert.deepEqual([none.statement.changes, none.rules], [[], ['facet.lifecycleStateChange']])
  })
})

suite('column lineage', () => {
  const from = (field: string) => ({ name: dataset('raw'), field })
  const source = (field: string, over: object = {}) => ({ namespace: 'db', name: 'raw', field, ...over })
  const to = (field?: string) => (field === undefined ? { name: dataset('sends') } : { name: dataset('sends'), field })

  test('is read with its transformations and masking, of fields and of the whole dataset', () => {
    const { statement, rules } = output({
      columnLineage: {
        fields: {
          a: {
            inputFields: [
              source('x', {
                transformations: [
                  { type: 'DIRECT', subtype: 'IDENTITY' },
                  { type: 'INDIRECT', subtype: 'FILTER', masking: false },
                ],
              }),
            ],
          },
          b: {
            inputFields: [
              source('y', { transformations: [{ type: 'DIRECT', subtype: 'TRANSFORMATION', masking: true }] }),
              source('y'),
            ],
          },
        },
        dataset: [source('z', { transformations: [{ type: 'INDIRECT', subtype: 'JOIN' }] }), source('w')],
      },
    })
    assert.deepEqual(rules, [])
    assert.deepEqual(statement.links, [
      { from: from('x'), to: to('a'), how: 'direct', transformation: 'IDENTITY', basis: 'stated' },
      { from: from('x'), to: to('a'), how: 'indirect', transformation: 'FILTER', masking: false, basis: 'stated' },
      { from: from('y'), to: to('b'), how: 'direct', transformation: 'TRANSFORMATION', masking: true, basis: 'stated' },
      { from: from('y'), to: to('b'), how: 'direct', basis: 'stated' },
      { from: from('z'), to: to(), how: 'indirect', transformation: 'JOIN', basis: 'stated' },
      { from: from('w'), to: to(), how: 'indirect', basis: 'stated' },
    ])
  })

  test('in its older form says one transformation of a field', () => {
    const { statement } = output({
      columnLineage: {
        fields: {
          a: {
            inputFields: [source('x'), source('x')],
            transformationType: 'MASKED',
            transformationDescription: 'hash',
          },
          b: { inputFields: [source('x')], transformationType: 'IDENTITY' },
        },
      },
    })
    assert.deepEqual(statement.links, [
      { from: from('x'), to: to('a'), how: 'direct', transformation: 'MASKED', masking: true, basis: 'stated' },
      { from: from('x'), to: to('b'), how: 'direct', transformation: 'IDENTITY', basis: 'stated' },
    ])
  })

  test('leaves out what has no name, and stops at a bound', () => {
    const { statement, rules } = output({
      columnLineage: {
        fields: { a: { inputFields: [source(''), source('ok'), 5, source('a\0')] }, '': { inputFields: [] } },
      },
    })
    assert.deepEqual(
      statement.links.map((link) => link.from.field),
      ['ok'],
    )
    assert.ok(
      rules.includes('facet.name') && rules.includes('facet.columnLineage') && rules.includes('text.characters'),
    )
    const wide = Array.from({ length: 10_000 }, (_, i) => [`c${i}`, { inputFields: [source('x'), source(`c${i}`)] }])
    const tenThousand = output({ columnLineage: { fields: Object.fromEntries(wide) } })
    assert.deepEqual([tenThousand.statement.links.length, tenThousand.rules], [20_000, []])
    const many = Array.from({ length: MOST_LINKS + 5 }, (_, i) => source(`f${i}`))
    const bounded = output({ columnLineage: { fields: { a: { inputFields: many } } } })
    assert.deepEqual([bounded.statement.links.length, bounded.rules], [MOST_LINKS, ['links.many']])
  })

  test('taken back or without sources, says that nothing flows into the dataset', () => {
    for (const facet of [
      { _deleted: true, fields: { a: { inputFields: [source('x')] } } },
      { fields: {} },
      { fields: { a: { inputFields: [] } } },
    ]) {
      const { statement } = output({ columnLineage: facet })
      assert.deepEqual([statement.links, statement.unlinked], [[], [dataset('sends')]])
    }
    const { statement } = output({
      columnLineage: { _deleted: true },
      lineage: { inputs: [{ ...source('x'), type: 'DATASET' }] },
    })
    assert.deepEqual([statement.links.length, statement.unlinked], [1, undefined])
    assert.deepEqual(output({ schema: { fields: [] } }).statement.unlinked, undefined)
  })

  test('of a dataset with a long name is bounded by what its fields take', () => {
    const long = 'x'.repeat(4000)
    const wide = Array.from({ length: 20_000 }, (_, i) => [`c${i}`, { inputFields: [source('x')] }])
    const columnLineage = { ...base, fields: Object.fromEntries(wide) }
    const { statement, rules } = read({ outputs: [{ namespace: long, name: long, facets: { columnLineage } }] })
    assert.deepEqual(rules, ['links.many'])
    assert.ok(statement.links.length > 8000 && statement.links.length < 9000)
  })
})

suite('a schema', () => {
  test('of nested fields cannot make more names than can be held', () => {
    let fields: object[] = []
    for (let i = 0; i < 250; i++) fields = [{ name: 'c'.repeat(300), type: 'struct', fields }]
    const { violations } = output({ schema: { fields } })
    assert.deepEqual(
      violations.map(({ rule, path }) => [rule, path]),
      [['facet.name', '/outputs/0/facets/schema']],
    )
    const inner = Array.from({ length: 30_000 }, (_, i) => ({ name: `c${i}` }))
    assert.deepEqual(output({ schema: { fields: [{ name: 'o'.repeat(3000), fields: inner }] } }).rules, ['fields.many'])
    const wide = Array.from({ length: 10_000 }, (_, i) => ({ name: `column ${i}`, type: 'text' }))
    assert.deepEqual(output({ schema: { fields: wide } }).rules, [])
  })
})

suite('the lineage facet', () => {
  const ofJob = (entries: object[]) =>
    read({
      inputs: [],
      outputs: [],
      job: { namespace: 'nightly', name: 'load', facets: withBase({ lineage: { entries } }) },
    })
  const data = (name: string, over: object = {}) => ({ namespace: 'db', name, type: 'DATASET', ...over })

  test('of a dataset names its sources, whole or by field', () => {
    const { statement, rules } = output({
      lineage: {
        inputs: [data('raw'), data('raw', { field: 'day' })],
        fields: {
          id: {
            inputs: [
              data('raw', { field: 'key', transformations: [{ type: 'DIRECT', subtype: 'IDENTITY', masking: false }] }),
            ],
          },
        },
      },
    })
    assert.deepEqual(rules, [])
    assert.deepEqual(statement.links, [
      { from: { name: dataset('raw') }, to: { name: dataset('sends') }, how: 'direct', basis: 'stated' },
      {
        from: { name: dataset('raw'), field: 'day' },
        to: { name: dataset('sends') },
        how: 'indirect',
        basis: 'stated',
      },
      {
        from: { name: dataset('raw'), field: 'key' },
        to: { name: dataset('sends'), field: 'id' },
        how: 'direct',
        transformation: 'IDENTITY',
        masking: false,
        basis: 'stated',
      },
    ])
  })

  test('of a job lets it read and write, and connects other jobs and datasets', () => {
    const { statement, rules } = ofJob([
      { type: 'JOB', inputs: [data('read')] },
      data('written', { inputs: [], fields: { total: { inputs: [{ type: 'JOB' }] } } }),
      data('summary', { inputs: [{ namespace: 'nightly', name: 'extract', type: 'JOB', runId: run }] }),
      {
        namespace: 'nightly',
        name: 'later',
        type: 'JOB',
        inputs: [{ namespace: 'nightly', name: 'earlier', type: 'JOB' }],
      },
      data('copy', { inputs: [data('original')] }),
    ])
    assert.deepEqual(rules, [])
    assert.deepEqual(
      statement.inputs.map(({ name }) => name),
      [dataset('read')],
    )
    assert.deepEqual(
      statement.outputs.map(({ name }) => name),
      [dataset('written')],
    )
    assert.deepEqual(
      statement.links.map(({ from, to }) => [from.name, to.name]),
      [
        [job('extract'), dataset('summary')],
        [job('earlier'), job('later')],
        [dataset('original'), dataset('copy')],
      ],
    )
  })

  test('repeats no dataset that the event names already', () => {
    const lineage = { entries: [{ type: 'JOB', inputs: [data('raw'), data('more')] }] }
    const { statement } = read({ job: { namespace: 'nightly', name: 'load', facets: withBase({ lineage }) } })
    assert.deepEqual(
      statement.inputs.map(({ name }) => name.name),
      ['raw', 'more'],
    )
  })
})

suite('hostile content', () => {
  test('is mended for the graph, and said', () => {
    const text = JSON.stringify(event()).replace(
      '"run":{',
      '"run":{"facets":{"__proto__":{"x":1},"constructor":{},"my_x":{"a\\u0000":"\\ud800","__proto__":{"polluted":1},"n":1e999}},',
    )
    const { statement, rules } = readLineageBytes(Buffer.from(text), received) as Accepted
    const { facets } = statement.run!
    assert.deepEqual(Object.keys(facets), ['constructor', 'my_x'])
    assert.deepEqual(facets.my_x, { 'a\uFFFD': '\uFFFD', n: Infinity })
    assert.equal(Object.getPrototypeOf(facets.my_x), Object.prototype)
    assert.deepEqual(readAccepted(Buffer.from(text), received), statement, 'and so it is when read again')
    assert.equal(readAccepted(Buffer.from('{"a'), received), undefined)
    assert.deepEqual(
      new Set(rules),
      new Set(['text.characters', 'json.number', 'key.proto', 'facet.producer', 'facet.schemaURL']),
    )
  })

  test('of a million faults lists a hundred, and names each rule', () => {
    const facets = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`f${i}`, null]))
    const { violations, rules } = read({ eventType: 5, producer: 5, run: { runId: 'x', facets } })
    assert.equal(violations.length, Findings.limit)
    assert.deepEqual(rules, ['producer.required', 'run.runId.uuid', 'facet.null', 'eventType.enum'])
  })

  test('nested too deep is refused, with no stack run out', () => {
    let deep: unknown = 'x'
    for (let i = 0; i < 100_000; i++) deep = [deep]
    assert.equal(refusal(event({ run: { runId: run, facets: { my_x: { deep } } } })).rules.includes('json.depth'), true)
  })
})
