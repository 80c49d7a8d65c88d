// Events that real producers, the official suite and another back end's tests hold: each is accepted, or refused by a
// named rule. The table says which and why.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseTime } from '../contracts/time.ts'
import { readAccepted, readLineageBytes } from './event.ts'
import { eventRules } from './rules.ts'

const folder = new URL('../../../../../shared/openlineage/events/', import.meta.url).pathname
const received = parseTime('2026-11-21T10:00:00Z')!

/** What is no whole event: expectations with matchers or of another consumer, templates, bare facets, configurations. */
const partial =
  /^(compat-producer|compat-consumer-expected-dataplex|ol-(spark|dbt|hive|flink1)-expected|ol-spec-tests|marquez-facets)\/|\.template\.json$|(^|\/)config\.json$|^ol-spark-serde\/.*-node\.json$/

interface Row {
  events: number
  clean: number
  flagged: number
  rules: Map<string, number>
  refused: Map<string, number>
}

const expected: Record<string, [events: number, clean: number, flagged: number, refused: Record<string, number>]> = {
  'compat-consumer/CLL': [9, 9, 0, {}],
  'compat-consumer/airflow': [32, 32, 0, {}],
  'compat-consumer/simple_run_event': [1, 0, 1, {}],
  'compat-consumer/spark_dataproc_bigquery_shakespare': [12, 12, 0, {}],
  'compat-consumer/spark_dataproc_simple_producer_test': [4, 4, 0, {}],
  'compat-consumer/spark_dataproc_simple_producer_test_complete': [16, 16, 0, {}],
  'marquez-apples': [8, 0, 8, {}],
  'marquez-seed': [26, 26, 0, {}],
  'marquez-test-events': [13, 10, 3, {}],
  'marquez-test-events/listener': [2, 0, 2, {}],
  // One of the five is a facet alone.
  'ol-client-python': [5, 1, 3, { 'event.kind': 1 }],
  'ol-proxy-fluentd/docker': [2, 2, 0, {}],
  'ol-proxy-fluentd': [8, 1, 6, { 'run.runId.required': 1 }],
  'ol-spark-serde': [1, 0, 1, {}],
  'derived-from-templates': [830, 762, 68, {}],
}

test(
  'every whole event is accepted, or refused by a named rule',
  { skip: existsSync(folder) ? false : 'the shared OpenLineage folder is not here' },
  (t) => {
    const table = new Map<string, Row>()
    for (const [directory, bytes] of wholeEvents()) {
      const row = table.get(directory) ?? { events: 0, clean: 0, flagged: 0, rules: new Map(), refused: new Map() }
      table.set(directory, row)
      row.events++
      const read = readLineageBytes(bytes, received)
      if ('refused' in read) {
        const reasons = read.rules.filter((rule) => 'refuses' in eventRules[rule as keyof typeof eventRules])
        assert.ok(reasons.length > 0, `refused by no rule: ${String(bytes)}`)
        for (const rule of reasons) row.refused.set(rule, (row.refused.get(rule) ?? 0) + 1)
        continue
      }
      assert.deepEqual(readAccepted(bytes, received), read.statement, 'read again, it says the same')
      if (read.rules.length === 0) row.clean++
      else row.flagged++
      for (const rule of read.rules) row.rules.set(rule, (row.rules.get(rule) ?? 0) + 1)
    }
    for (const line of printed(table)) t.diagnostic(line)
    const found = [...table].map(([directory, { events, clean, flagged, refused }]) => [
      directory,
      [events, clean, flagged, Object.fromEntries(refused)],
    ])
    assert.deepEqual(Object.fromEntries(found), expected)
  },
)

function* wholeEvents(): Generator<[directory: string, bytes: Uint8Array]> {
  for (const file of globSync('**/*.json', { cwd: folder }).toSorted()) {
    if (partial.test(file)) continue
    const value = JSON.parse(readFileSync(folder + file, 'utf8')) as unknown
    const directory = file.replace(/(\/events)?\/[^/]*$/, '')
    // Files that hold one event are read as they are; of an array each element is.
    if (!Array.isArray(value)) yield [directory, readFileSync(folder + file)]
    else for (const event of value) yield [directory, Buffer.from(JSON.stringify(event))]
  }
  for (const line of readFileSync(`${folder}derived-from-templates.ndjson`, 'utf8').split('\n')) {
    if (line === '') continue
    yield ['derived-from-templates', Buffer.from(JSON.stringify((JSON.parse(line) as { event: unknown }).event))]
  }
}

function printed(table: Map<string, Row>): string[] {
  const list = (rules: Map<string, number>): string => [...rules].map(([rule, n]) => `${rule} ${n}`).join(', ')
  const rows = [...table].map(([directory, { events, clean, flagged, rules, refused }]) => [
    directory,
    String(events),
    String(clean),
    flagged === 0 ? '0' : `${flagged} (${list(rules)})`,
    refused.size === 0 ? '0' : list(refused),
  ])
  const all = [['directory', 'events', 'clean', 'accepted with violations (rules)', 'refused (rules)'], ...rows]
  const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
}
