import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { LineageDiff, LineageEdge, LineageExplained, LineageNode } from '@whence/sdk'
import { lineageDiffText } from './lineage-diff-text.ts'
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
