import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { Fault, isFault } from '../../../fault.ts'
import { readLineageEvent } from '../../../rules/lineage/event.ts'
import { readCatalog, readManifest, readRunResults } from './dbt-artifacts.ts'
import { namespaceOf } from './dbt-names.ts'
import { dbtEvents, type DbtProject } from './dbt.ts'
import { bodies, eventsIn, pages } from './events.ts'
import { namedUuid } from './uuid.ts'

const bytes = (text: string) => Buffer.from(text)
const texts = (events: Iterable<{ bytes: Uint8Array }>) => [...events].map((each) => Buffer.from(each.bytes).toString())

describe('files of events', () => {
  test('lines, an array, one event: the bytes stay as they came', () => {
    const lines = eventsIn(bytes('{"a": 1.0}\n\n{"b":12345678901234567890}\r\n'), 'f')
    assert.equal(lines.form, 'lines')
    assert.ok('events' in lines)
    assert.deepEqual(texts(lines.events), ['{"a": 1.0}', '{"b":12345678901234567890}\r'])
    assert.deepEqual(
      lines.events.map(({ place }) => place),
      [1, 3],
    )
    const array = eventsIn(bytes(' [ {"a": 1.0} , {"b":2} ]'), 'f')
    assert.ok(array.form === 'array')
    assert.deepEqual(texts(array.events), ['{"a": 1.0}', '{"b":2}'])
    const single = eventsIn(bytes('{"eventTime":"x",\n"events":[]}'), 'f')
    assert.ok(single.form === 'single')
  })

  test('a listing of Marquez is opened', () => {
    const listing = eventsIn(bytes('{"events":[{"a":1},{"b":2}],"totalCount":2}'), 'f')
    assert.ok(listing.form === 'listing')
    assert.deepEqual(texts(listing.events), ['{"a":1}', '{"b":2}'])
  })

  test('what holds no events is refused', () => {
    for (const text of ['', '  \n', 'hello', '[1,', '{\n  "a": 1,\n  "b":'])
      assert.throws(
        () => eventsIn(bytes(text), 'f'),
        (error) => isFault(error, 'invalid'),
        text,
      )
  })

  test('a broken line is named and breaks no other', () => {
    const found = eventsIn(bytes('{"a":1}\n{"a":\n{"b":2}'), 'f')
    assert.ok(found.form === 'lines')
    const [only, ...others] = [...bodies(found.events)]
    assert.equal(others.length, 0)
    assert.deepEqual(JSON.parse(Buffer.from(only!.body).toString()), [{ a: 1 }, { b: 2 }])
    assert.deepEqual(
      only!.broken.map(({ place }) => place),
      [2],
    )
  })

  test('bodies are bounded and hold every event once', () => {
    const many = Array.from({ length: 1001 }, (_, i) => ({ place: i + 1, bytes: bytes(`{"i":${i}}`) }))
    const made = [...bodies(many)]
    assert.ok(made.length >= 4 && made.every(({ sent }) => sent.length <= 250))
    const sent = made.flatMap(({ body }) => JSON.parse(Buffer.from(body).toString()) as { i: number }[])
    assert.deepEqual(
      sent.map(({ i }) => i),
      many.map((_, i) => i),
    )
  })

  test('all pages of a Marquez are read, and a short page is not taken for the end', async () => {
    const asked: string[] = []
    const all = [1, 2, 3, 4, 5].map((n) => ({ n }))
    const get = async (url: string) => {
      asked.push(url)
      const { searchParams } = new URL(url)
      const offset = Number(searchParams.get('offset'))
      return bytes(JSON.stringify({ events: all.slice(offset, offset + 2) }))
    }
    const found: unknown[] = []
    for await (const page of pages('http://m/api/v1/events/lineage?limit=3&before=x', get))
      found.push(...(JSON.parse(Buffer.from(page.bytes).toString()) as { events: unknown[] }).events)
    assert.deepEqual(found, all)
    assert.match(asked[1]!, /before=x.*offset=2/)
  })
})

test('a named UUID is of version 5, and the same for the same name', () => {
  assert.match(namedUuid('a'), /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(namedUuid('a'), namedUuid('a'))
  assert.notEqual(namedUuid('a'), namedUuid('b'))
})

test('namespaces are those of dbt-ol', () => {
  assert.equal(namespaceOf({ type: 'duckdb', path: '/d/x.duckdb' }), 'duckdb:///d/x.duckdb')
  assert.equal(namespaceOf({ type: 'postgres', host: 'h', port: 1234 }), 'postgres://h:1234')
  assert.equal(namespaceOf({ type: 'bigquery' }), 'bigquery')
  assert.equal(namespaceOf({ type: 'snowflake', account: 'a.b' }), 'snowflake://a.b')
  assert.throws(() => namespaceOf({ type: 'elsewhere' }), Fault)
  assert.throws(() => namespaceOf({ type: 'postgres', host: "{{ env_var('H') }}" }), Fault)
})

const folder = new URL('../../../../../../shared/data/dbt/artifacts/', import.meta.url)
const skip = existsSync(folder) ? false : 'the shared data folder is not here'
const artifact = (name: string): unknown => JSON.parse(readFileSync(new URL(name, folder), 'utf8'))

type Event = {
  eventType?: string
  eventTime: string
  run?: { runId: string; facets: Record<string, Record<string, unknown>> }
  job: { namespace: string; name: string; facets: Record<string, Record<string, unknown>> }
  inputs: { namespace: string; name: string; facets: Record<string, unknown>; inputFacets?: Record<string, unknown> }[]
  outputs: { namespace: string; name: string; facets: Record<string, unknown> }[]
}
const imported = (project: Omit<DbtProject, 'jobNamespace'>) => {
  const made = dbtEvents({ jobNamespace: 'dbt', ...project })
  return { notes: made.notes, events: made.events as unknown as readonly Event[] }
}

describe('artifacts of dbt', { skip }, () => {
  test('every manifest and run result in the data folder is read, or refused by its version', (t) => {
    for (const [name, read] of [
      ['manifest_v1.json', readManifest],
      ['manifest_v4.json', readManifest],
      ['manifest_v7.json', readManifest],
      ['manifest_v11.json', readManifest],
      ['manifest_v12_dbt1.12.json', readManifest],
      ['run_results_v4.json', readRunResults],
      ['run_results_v6.json', readRunResults],
      ['run_results_v6_dbt1.12.json', readRunResults],
      ['catalog_v1.json', readCatalog],
      ['catalog_v1_dbt1.12.json', readCatalog],
    ] as const) {
      const version = /_v(\d+)/.exec(name)![1]!
      const readable = /manifest_v1[12]|run_results_v6|catalog/.test(name)
      if (readable) read(artifact(name))
      else
        assert.throws(
          () => read(artifact(name)),
          (error: Error) => isFault(error, 'invalid') && error.message.includes(`version v${version}`),
        )
      t.diagnostic(`${name}: ${readable ? 'read' : 'refused by its version'}`)
    }
  })

  test('v12 with a catalog: docs wrote nothing, so jobs and datasets are described without runs', () => {
    const { events, notes } = imported({
      manifest: readManifest(artifact('manifest_v12_dbt1.12.json')),
      runResults: readRunResults(artifact('run_results_v6_dbt1.12.json')),
      catalog: readCatalog(artifact('catalog_v1_dbt1.12.json')),
      namespace: 'duckdb:///x',
    })
    assert.match(notes[0]!, /dbt generate/)
    assert.ok(events.every((event) => event.run === undefined))
    const job = events.find((event) => event.job.name === 'jaffle_shop.main.jaffle_shop.stg_products')!
    assert.deepEqual(
      job.inputs.map(({ namespace, name }) => [namespace, name]),
      [['duckdb:///x', 'jaffle_shop.raw.raw_products']],
    )
    assert.equal(job.outputs[0]!.name, 'jaffle_shop.main.stg_products')
    const { fields } = job.outputs[0]!.facets.schema as { fields: { name: string; type: string }[] }
    assert.deepEqual(fields[0], {
      name: 'product_id',
      type: 'VARCHAR',
      description: 'The unique key for each product.',
    })
    assert.match(String(job.job.facets.sql!.query), /raw_products/)
    const metric = events.find((event) => event.job.name === 'metric.jaffle_shop.customers')!
    assert.deepEqual(
      metric.inputs.map(({ name }) => name),
      ['jaffle_shop.main.customers'],
    )
    assert.equal(metric.outputs.length, 0)
  })

  test('a build: a run for each node, tests as assertions, the same bytes again, all read without a violation', () => {
    const manifest = readManifest(artifact('manifest_v11.json'))
    const runResults = readRunResults(artifact('run_results_v6.json'))
    const project = { manifest, runResults, namespace: 'bigquery' }
    const { events, notes } = imported(project)
    assert.match(notes[0]!, /two invocations/)
    assert.equal(JSON.stringify(imported(project).events), JSON.stringify(events))
    for (const event of events) {
      const read = readLineageEvent(event, Date.UTC(2030, 0) * 1000)
      assert.ok('statement' in read, JSON.stringify(event).slice(0, 200))
      assert.deepEqual(read.violations, [])
    }
    const started = events.filter(({ eventType }) => eventType === 'START')
    const ended = events.filter(({ eventType }) => eventType === 'COMPLETE' || eventType === 'FAIL')
    assert.ok(started.length > 5)
    assert.deepEqual(
      started.map((event) => event.run!.runId).toSorted(),
      ended.map((event) => event.run!.runId).toSorted(),
    )
    const model = ended.find(({ job }) => job.name.endsWith('.jaffle_shop.customers.build.run'))!
    assert.equal(model.eventType, 'COMPLETE')
    assert.equal((model.run!.facets.parent!.run as { runId: string }).runId, runResults.metadata.invocation_id)
    const test = ended.find(({ job }) => job.name.endsWith('.jaffle_shop.stg_orders.build.test'))!
    const { assertions } = test.inputs[0]!.inputFacets!.dataQualityAssertions as {
      assertions: Record<string, unknown>[]
    }
    assert.ok(
      assertions.some((each) => each.assertion === 'not_null' && each.column === 'order_id' && each.success === true),
    )
  })

  test('a node that failed ends its run with its message, and a skipped one has no run', () => {
    const manifest = readManifest(artifact('manifest_v11.json'))
    const results = readRunResults(artifact('run_results_v6.json'))
    const [first, second] = results.results.filter(({ unique_id: id }) => id.startsWith('model.jaffle_shop.'))
    const runResults = {
      ...results,
      metadata: { ...results.metadata, invocation_id: manifest.metadata.invocation_id! },
      results: [
        { ...first!, status: 'error', message: 'no such column' },
        { ...second!, status: 'skipped', timing: [] },
      ],
    }
    const { events, notes } = imported({ manifest, runResults, namespace: 'bigquery' })
    const failed = events.filter(({ eventType }) => eventType === 'FAIL')
    assert.equal(failed.length, 2, 'the node, and the invocation')
    assert.equal(failed[0]!.run!.facets.errorMessage!.message, 'no such column')
    assert.deepEqual(notes, ['1 results say that nothing ran: they give no run.'])
  })
})
