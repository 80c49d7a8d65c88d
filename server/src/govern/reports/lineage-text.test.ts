import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LineageDiff, LineageEdge, LineageExplained, LineageNode } from '@whence/sdk'
import { lineageDiffText } from './lineage-diff-text.ts'
import { nodeText, runText } from './lineage-shown-text.ts'
import { explainedText } from './lineage-text.ts'

const node = (id: string, depth: number): LineageNode => {
  const [, kind, namespace, name, field] = /^([a-z]+):([^:]*):([^#]*)(?:#(.*))?$/.exec(id)!
  return { id, kind: kind as 'dataset', namespace: namespace!, name: name!, depth, ...(field ? { field } : {}) }
}
const edge = (from: string, to: string, how: LineageEdge['how'], more: Partial<LineageEdge> = {}): LineageEdge => ({
  from,
  to,
  how,
  ...more,
})
const explained = (more: Partial<LineageExplained>): LineageExplained => ({
  node: more.nodes?.[0]?.id ?? '',
  level: 'names',
  depth: 20,
  asOf: 9,
  notes: [],
  completeness: {
    pending: 0,
    unread: 0,
    silent: [],
    silentCount: 0,
    open: [],
    openCount: 0,
    unknownInputs: [],
    unknownInputCount: 0,
    withoutColumns: [],
    withoutColumnCount: 0,
  },
  nodes: [],
  edges: [],
  total: more.nodes?.length ?? 0,
  truncated: false,
  sources: [],
  sourceCount: more.sources?.length ?? 0,
  ...more,
})
const [t1, t2, hive, older, copy] = [
  'dataset:hdfs%3A//h:/warehouse/t1',
  'dataset:hdfs%3A//h:/warehouse/t2',
  'dataset:hive%3A//h:default.t2',
  'dataset:old%3A//h:default.t2',
  'job:etl:copy',
]

describe('what something comes from, for a terminal', () => {
  test('a dataset with several names stands once, and leads on whichever name was asked for', () => {
    const text = explainedText(
      explained({
        nodes: [node(hive, 0), node(older, 0), node(t2, 0), node(copy, 1), node(t1, 2)],
        edges: [edge(t2, hive, 'symlink'), edge(t2, older, 'symlink'), edge(copy, t2, 'write'), edge(t1, copy, 'read')],
        sources: [t1],
      }),
    )
    assert.deepEqual(text.split('\n'), [
      'It comes from 1 source: /warehouse/t1.',
      '',
      '  dataset /warehouse/t2  = dataset:hive://h:default.t2 = dataset:old://h:default.t2',
      '  └ job copy',
      '    └ dataset /warehouse/t1',
      '',
      '  5 nodes, depth 20, as of record 9',
      '',
    ])
  })

  test('of a column it says how each comes into it, and counts the other columns that it comes into', () => {
    const [a, b, x, y] = [`${t1}#a`, `${t1}#b`, `${t2}#x`, `${t2}#y`]
    const text = explainedText(
      explained({
        level: 'columns',
        nodes: [node(t2, 0), node(x, 0), node(y, 0), node(a, 1), node(b, 1)],
        edges: [
          edge(a, x, 'direct', { transformation: 'IDENTITY', basis: 'stated', masking: true }),
          edge(a, x, 'indirect', { transformation: 'JOIN', basis: 'stated' }),
          edge(a, x, 'indirect', { transformation: 'FILTER', basis: 'stated' }),
          edge(a, y, 'indirect', { transformation: 'FILTER', basis: 'stated' }),
          edge(b, y, 'direct', { basis: 'conservative' }),
        ],
        sources: [a, b],
      }),
    )
    assert.deepEqual(text.split('\n').slice(2, -3), [
      '  field /warehouse/t2#x',
      '  └ field /warehouse/t1#a  direct IDENTITY (masked)  indirect FILTER, JOIN  (and by 1 other way)',
      '  field /warehouse/t2#y',
      '  └ field /warehouse/t1#b  direct (conservative)',
    ])
  })

  test('where nothing flows into it, it is no source of itself', () => {
    const version: LineageNode = { id: `version:${t1}@v1`, kind: 'version', name: t1, version: 'v1', depth: 0 }
    const text = explainedText(explained({ node: t1, level: 'runs', nodes: [version], sources: [version.id] }))
    assert.deepEqual(text.split('\n').slice(0, 3), ['Nothing is known to flow into it.', '', '  /warehouse/t1 @ v1'])
  })
})

test('a diff says by which runs, and of inputs no more than what tells them apart', () => {
  const side = (run: string) => ({
    id: `${t2}@${run}`,
    run,
    job: copy,
    version: run,
    time: `2026-03-0${run}T10:00:00Z`,
  })
  const diff: LineageDiff = {
    asOf: 9,
    from: side('1'),
    to: side('2'),
    sentence: 'Between.',
    notes: [],
    differences: [{ what: 'input', name: t1, change: 'changed', before: '/warehouse/t1 1', after: '/warehouse/t1 2' }],
    upstream: [
      {
        name: 'load',
        kind: 'job',
        depth: 2,
        before: { id: 'run:3', run: '3', time: '2026-03-01T09:00:00Z' },
        after: { id: 'run:4', run: '4', time: '2026-03-02T09:00:00Z' },
        differences: [{ what: 'input', name: t2, change: 'added', after: '/warehouse/t2, version unknown' }],
      },
    ],
    unchanged: 1,
    truncated: false,
  }
  assert.deepEqual(lineageDiffText(diff).split('\n'), [
    'Between.',
    '',
    '  before   run 1   copy   2026-03-01T10:00',
    '  after    run 2   copy   2026-03-02T10:00',
    '',
    '  ~   input   /warehouse/t1   1 → 2',
    '',
    'Upstream, nearest first',
    '',
    '  load',
    '    run 3 (2026-03-01T09:00Z) → run 4 (2026-03-02T09:00Z)',
    '    +   input   /warehouse/t2   version unknown',
    '',
    '  1 job upstream without a difference, as of record 9',
    '',
  ])
})

describe('what is known of one name and one run, for a terminal', () => {
  test('of a run what went wrong comes first, then what it read and wrote', () => {
    const text = runText({
      asOf: 11,
      id: 'r-2',
      job: 'job:duckdb%3A//crm:load',
      state: 'FAIL',
      started: '2026-03-19T23:00:00.000000Z',
      updated: '2026-03-19T23:00:05.000000Z',
      ended: '2026-03-19T23:00:05.000000Z',
      producer: 'https://orchestrator.example/v1',
      parent: 'r-1',
      root: 'r-1',
      facets: [
        { name: 'errorMessage', body: { message: 'division by zero\nat line 4\x1b[2J' }, seq: 10, time: '' },
        { name: 'nominalTime', body: { _producer: 'x', nominalStartTime: '2026-03-19' }, seq: 10, time: '' },
      ],
      inputs: [
        {
          dataset: 'dataset:duckdb%3A//crm:raw',
          version: '7',
          resolved: 'by time',
          facets: {},
          here: { inputStatistics: { rowCount: 1200 } },
        },
      ],
      outputs: [{ dataset: 'dataset:duckdb%3A//crm:clean', facets: {}, here: {} }],
      events: 2,
      first: 9,
      last: 10,
    })
    assert.deepEqual(text.split('\n'), [
      '! It says: division by zero at line 4\\x1b[2J',
      '',
      'run r-2   FAIL',
      '  2 events, records 9 to 10, shown as of record 11',
      '',
      '  of                  job:duckdb://crm:load',
      '  time                2026-03-19T23:00:00Z to 2026-03-19T23:00:05Z',
      '  producer            https://orchestrator.example/v1',
      '  parent              run r-1',
      '  read                dataset:duckdb://crm:raw @ 7 (the last one before it began), 1,200 rows',
      '  wrote               dataset:duckdb://crm:clean',
      '  facet nominalTime   {"nominalStartTime":"2026-03-19"}',
      '',
    ])
  })

  test('of a dataset its other names, its fields, what became of it, and who wrote which version', () => {
    const text = nodeText({
      asOf: 30,
      id: t2,
      kind: 'dataset',
      namespace: 'hdfs://h',
      name: '/warehouse/t2',
      appeared: 4,
      names: [hive],
      jobs: [],
      facets: [{ name: 'documentation', body: { description: 'd'.repeat(400) }, seq: 4, time: '' }],
      fields: Array.from({ length: 22 }, (_, i) => `c${i}`),
      runs: [],
      versions: [
        { version: '8', run: 'r-8', job: copy, time: '2026-03-20T00:00:00.000000Z', seq: 20 },
        { version: 'r-7', run: 'r-7', time: '2026-03-19T00:00:00.000000Z', seq: 10 },
      ],
      lifecycle: [{ change: 'RENAME', previous: t1, time: '2026-03-18T00:00:00.000000Z', seq: 5 }],
    })
    const lines = text.split('\n')
    assert.equal(lines[0], 'dataset /warehouse/t2 of hdfs://h')
    for (const line of [
      '  also called           dataset:hive://h:default.t2',
      '  became                rename from dataset:hdfs://h:/warehouse/t1, 2026-03-18T00:00:00Z',
      '  versions              8, 2026-03-20T00:00:00Z by run r-8 of job:etl:copy',
      '                        r-7, 2026-03-19T00:00:00Z',
    ])
      assert.ok(lines.includes(line), `${line}\n${text}`)
    assert.match(text, /fields .*c0, c1, .* and 2 more/s)
    assert.match(text, /"d{200,}…\s+\(--json has all of it\)/)
  })
})
