import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { WhatIf } from '@whence/sdk'
import { whatIfPage } from './what-if-page.ts'
import { whatIfCsv, whatIfMarkdown, whatIfText } from './what-if-text.ts'

const hostile = '=cmd|"x", </td><script>alert(1)</script> @team [a](http://evil.example)\n| `pwn` | \u202e'

const report = (over: Partial<WhatIf> = {}): WhatIf => ({
  asOf: 1234,
  changes: [{ id: 'dataset:s:t#c', dataset: 'dataset:s:t', field: 'c', change: 'rename', to: 'd', type: 'text' }],
  sentence: 'Renaming c of t breaks 1 feature of 1 feature view and 1 model version, with predictions about 7 people.',
  notes: ['1 run began and never ended: r-1.'],
  completeness: {
    pending: 0,
    unread: 0,
    silent: [],
    silentCount: 0,
    open: [],
    openCount: 1,
    unknownInputs: [],
    unknownInputCount: 0,
    withoutColumns: [],
    withoutColumnCount: 0,
  },
  consequences: [
    {
      id: 'view:v@v1#clicks',
      kind: 'view',
      name: 'v@v1',
      field: 'clicks',
      certainty: 'breaks',
      why: "feature clicks of v@v1 counts rows where c = 'x'",
      by: ['dataset:s:t#c'],
      owners: ['growth'],
      depth: 2,
    },
    {
      id: 'dataset:s:other',
      kind: 'dataset',
      name: hostile,
      certainty: 'might break',
      why: hostile,
      by: ['dataset:s:t#c'],
      owners: [],
      depth: 3,
    },
  ],
  counts: {
    datasets: 1,
    jobs: 0,
    streams: 0,
    featureViews: 1,
    trainingSets: 0,
    modelVersions: 1,
    deployedModels: 1,
    predictions: 9,
    predictionsInBatches: 0,
    people: 7,
    erasedPredictions: 0,
    campaigns: 0,
    creatives: 0,
  },
  breaking: { fields: 1, features: 1, featureViews: 1, modelVersions: 1, people: 7 },
  models: [{ model: 'm@1', predictions: 9, people: 7, certainty: 'breaks' }],
  truncated: false,
  ...over,
})

test('the text says what is lacking first, then what breaks, then what might', () => {
  const text = whatIfText(report())
  const order = ['! 1 run began', 'Renaming c', 'BREAKS', 'MIGHT BREAK', 'Model versions', 'as of record 1,234']
  const places = order.map((each) => text.indexOf(each))
  assert.ok(
    places.every((place, i) => place >= 0 && (i === 0 || place > places[i - 1]!)),
    `${places.join()}\n${text}`,
  )
  assert.ok(!text.includes('\u202e'))
})

test('in Markdown nothing of a name is markup, a mention or a new row', () => {
  const markdown = whatIfMarkdown(report())
  assert.match(markdown, /^### 🔴 Lineage impact/)
  const rows = markdown.split('\n').filter((line) => line.includes('alert'))
  assert.equal(rows.length, 1, 'a line break in a name makes no row')
  const [, , why] = rows[0]!.split(/(?<!\\)\|/)
  assert.doesNotMatch(why!, /<script|\]\(|@team|`/)
  assert.match(markdown, /people with predictions of them \| 7 \| 7/)
  assert.match(whatIfMarkdown(report({ consequences: [] })), /^### 🟢/)
})

test('a bar in a name ends no cell, whatever stands before it', () => {
  for (const name of ['a|b', 'a\\|b', 'a\\\\|b', '`|`', '\\'.repeat(7) + '|']) {
    const [one] = report().consequences
    const markdown = whatIfMarkdown(report({ consequences: [{ ...one!, kind: 'dataset', name, owners: [name] }] }))
    const row = markdown.split('\n').find((line) => line.startsWith('| column'))!
    // As GitHub reads a row: a backslash takes what follows it along.
    const bars = row.replaceAll(/\\./g, '').split('|').length - 1
    assert.equal(bars, 4, row)
  }
})

test('what GitHub would make a link of is none', () => {
  const [one] = report().consequences
  const why = 'see www.evil.example, #12, GH-12, a/b#3 and @team'
  const markdown = whatIfMarkdown(report({ consequences: [{ ...one!, why }] }))
  assert.doesNotMatch(markdown, /www\.|GH-12|@team/)
  assert.doesNotMatch(
    markdown.replaceAll(/&#(\d+);/g, (_, c: string) => String.fromCodePoint(Number(c))),
    /#12|#3/,
  )
})

test('names of 4,000 characters keep every form within its bounds', () => {
  const name = '|😀'.repeat(1333)
  const [one] = report().consequences
  const changes = Array.from({ length: 200 }, () => ({ id: name, dataset: name, field: name, change: 'drop' as const }))
  const hostile_ = report({
    changes,
    sentence: `Dropping ${name}`,
    notes: [name, name],
    consequences: Array.from({ length: 100 }, () => ({ ...one!, name, field: name, why: name, owners: [name] })),
  })
  const markdown = whatIfMarkdown(hostile_)
  assert.ok(markdown.length <= 60_000, `${markdown.length}`)
  assert.ok(markdown.isWellFormed())
  assert.match(markdown, /^- and \d+ more$/m)
  const column = whatIfText(report({ consequences: [{ ...one!, name, why: 'why', owners: [] }] }))
  assert.ok(column.split('\n').every((line) => line.length < 400))
  assert.ok(whatIfCsv(hostile_).includes(name), 'nothing is cut where there is room')
})

test('Markdown fits into a comment, and says when it was cut', () => {
  const [one] = report().consequences
  const many = Array.from({ length: 5000 }, (_, i) => ({ ...one!, field: `clicks_${i}` }))
  const markdown = whatIfMarkdown(report({ consequences: many }))
  assert.ok(markdown.length <= 60_000, `${markdown.length}`)
  assert.match(markdown, /_Cut to the length of a comment/)
})

test('CSV has a row for each consequence, and no cell is a formula', () => {
  const csv = whatIfCsv(report())
  const [head, first, second] = csv.split('\r\n')
  assert.equal(head, 'certainty,kind,name,field,why,owners,depth,id,changed')
  assert.equal(
    first,
    "breaks,view,v@v1,clicks,feature clicks of v@v1 counts rows where c = 'x',growth,2,view:v@v1#clicks,dataset:s:t#c",
  )
  assert.match(second!, /^might break,dataset,"'=cmd\|""x""/)
  for (const formula of ['=1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', ' =1', '＝1', '＠x']) {
    const [one_] = report().consequences
    const cells = whatIfCsv(report({ consequences: [{ ...one_!, name: formula }] })).split(',')
    assert.ok(
      cells.some((cell) => cell.replace(/^"/, '').startsWith("'")),
      JSON.stringify(formula),
    )
  }
})

test('the page stands alone: no script, nothing from elsewhere, names escaped', () => {
  const page = whatIfPage(report())
  assert.match(page, /^<!doctype html>/)
  assert.doesNotMatch(page, /<script|<link|<img|src=/i)
  assert.match(page, /&#60;script&#62;/)
  assert.match(page, /Renaming c of t breaks 1 feature/)
  assert.match(page, /Whence, impact of a planned change/)
})
