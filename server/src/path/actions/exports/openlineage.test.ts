import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readLineageBytes } from '../../../rules/lineage/event.ts'
import { actionOpenLineage } from './openlineage.ts'
import { bareView, wholeView } from './testing.ts'
import type { ActionView } from './view.ts'

const shared = new URL('../../../../../../shared/openlineage/spec/', import.meta.url).pathname
const views: Record<string, ActionView> = {
  whole: wholeView(),
  bare: bareView(),
  shadow: wholeView({ shadow: true }),
  refused: { ...bareView(), decision: 'refused' },
}
const event = (view: ActionView) => actionOpenLineage(view, 'whence.local/test')

test(
  'each view fits the JSON Schema of the specification, and its facets theirs',
  {
    skip: existsSync(shared) ? false : 'the shared OpenLineage folder is not here',
  },
  () => {
    const ajv = new Ajv2020({ strict: false, formats: { uuid: UUID, 'date-time': TIME, uri: true, date: true } })
    const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as { $id: string; properties?: object }
    ajv.addSchema(read(`${shared}OpenLineage.json`))
    const own = new URL('../../../../../docs/spec/facets/', import.meta.url).pathname
    const facets = [...globSync(`${shared}facets/*.json`), ...globSync(`${own}*.json`)].map(read)
    const checks = new Map(
      facets.flatMap((schema) => {
        const fits = ajv.compile(schema)
        return Object.keys(schema.properties ?? {}).map((key) => [`${schema.$id} ${key}`, fits] as const)
      }),
    )
    const fits = ajv.getSchema('https://openlineage.io/spec/2-0-2/OpenLineage.json')!
    let checked = 0
    for (const [name, view] of Object.entries(views)) {
      const made = event(view)
      assert.equal(fits(made), true, `${name}: ${JSON.stringify(fits.errors)}`)
      for (const holder of [made.run, made.job, ...made.inputs, ...made.outputs])
        for (const [key, facet] of Object.entries(holder.facets)) {
          const [id] = (facet as { _schemaURL: string })._schemaURL.split('#')
          const check = checks.get(`${id} ${key}`)
          assert.ok(check, `${key}: no schema ${id}`)
          assert.equal(check({ [key]: facet }), true, `${key}: ${JSON.stringify(check.errors)}`)
          checked++
        }
    }
    assert.ok(checked > 15, String(checked))
    assert.equal(fits({ ...event(views['bare']!), run: { runId: 'x' } }), false, 'the schema does refuse')
  },
)

test('our own door takes each without a violation, and finds what is ours in it', () => {
  for (const view of Object.values(views)) {
    const read = readLineageBytes(Buffer.from(JSON.stringify(event(view))), 0)
    assert.ok(!('refused' in read), JSON.stringify(read))
    assert.deepEqual(read.violations, [])
  }
  const read = readLineageBytes(Buffer.from(JSON.stringify(event(wholeView()))), 0)
  assert.ok(!('refused' in read))
  assert.deepEqual(
    read.statement.inputs.map(({ name, version }) => [name.kind, name.name, version]),
    [
      ['view', 'engagement@v2', '41'],
      ['model', 'opens@3', undefined],
      ['dataset', 'catalog', '2026-01-16'],
      ['dataset', 'terms', undefined],
    ],
  )
})

test('the last review decides; what is held, refused or in shadow has no output', () => {
  assert.deepEqual([event(wholeView()).eventType, event(wholeView()).outputs.length], ['COMPLETE', 1])
  assert.equal(event(wholeView()).eventTime, '1970-01-01T00:00:13.000000Z')
  const held = event(wholeView({ reviews: [] }))
  assert.deepEqual([held.eventType, held.outputs], ['RUNNING', []])
  const refused = event(
    wholeView({ reviews: [{ seq: 120, at: 2, by: 'a', outcome: 'refused' }, ...wholeView().reviews] }),
  )
  assert.deepEqual([refused.eventType, refused.outputs], ['ABORT', []])
  assert.deepEqual(event(views['shadow']!).outputs, [])
  assert.deepEqual(event(bareView()).outputs[0]!.name, 'out/production/bid')
})

test('the id of the run is that of the action in its log', () => {
  const id = event(wholeView()).run.runId
  assert.match(id, UUID)
  assert.equal(event(wholeView({ edits: [] })).run.runId, id)
  assert.notEqual(event(bareView()).run.runId, id)
  assert.notEqual(actionOpenLineage(wholeView(), 'whence.local/other').run.runId, id)
})

test('nothing that may be about a person is in it: no id of the action, no receipt, no content', () => {
  const text = JSON.stringify(event(wholeView()))
  for (const word of ['personal', 'a-17', 'r-0', 'r-1']) assert.ok(!text.includes(word), word)
})

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
