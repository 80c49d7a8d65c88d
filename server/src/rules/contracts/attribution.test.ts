// The contract of real advertising touchpoints, held against the file that they come from.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import { readContent } from './content.ts'
import { parseContract } from './contract.ts'
import { checkHeader, coerceRow } from './csv.ts'
import { columnValues, extract, judge } from './judge.ts'

const file = new URL('../../../../../shared/data/attribution/attribution_data.csv', import.meta.url)

const contract = parseContract(`
apiVersion: v3.1.0
kind: DataContract
id: touchpoints
version: 1.0.0
status: active
description: { purpose: Advertising touchpoints and conversions of July 2018 }
schema:
  - name: touchpoints
    logicalType: object
    properties:
      - { name: customer_id, logicalType: string, required: true, classification: personal, logicalTypeOptions: { pattern: '^A[0-9A-Z]{6}$' } }
      - { name: time, logicalType: timestamp, required: true, logicalTypeOptions: { minimum: "2018-07-01T00:00:00Z" } }
      - { name: interaction, logicalType: string, required: true, logicalTypeOptions: { enum: [impression, conversion] } }
      - { name: conversion, logicalType: integer, required: true, logicalTypeOptions: { minimum: 0, maximum: 1 } }
      - { name: conversion_value, logicalType: number, physicalType: "decimal(8,2)", required: true, logicalTypeOptions: { minimum: 0 } }
      - { name: channel, logicalType: string, required: true, logicalTypeOptions: { enum: [Facebook, Instagram, Online Display, Online Video, Paid Search] } }
customProperties:
  - { property: whence, value: { subject: customer_id, eventTime: time, knownAt: eventTime, campaign: channel } }
`)

test(
  'all rows of the attribution file pass',
  { skip: existsSync(file) ? false : 'the shared data folder is not here' },
  () => {
    const [headers = [], ...rows] = parse(readFileSync(file))
    assert.deepEqual(checkHeader(contract, headers), [])
    const outcomes = new Map<string, number>()
    const interactions = new Map<unknown, number>()
    const customers = new Set<string>()
    let value = 0
    for (const cells of rows) {
      const row = coerceRow(contract, headers, cells)
      const { outcome, violations } = judge(contract, row.value, row.problems)
      if (violations.length > 0) assert.fail(`${cells.join()}: ${JSON.stringify(violations)}`)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      const event = readContent(Buffer.from(JSON.stringify(row.value)))
      assert.deepEqual(event.problems, [])
      const { subject, time, known } = extract(contract, event.value)
      assert.equal(known.clock === 'eventTime' && known.at, time)
      customers.add(subject as string)
      const [, interaction, conversion, amount] = columnValues(contract, event.value)
      assert.equal(interaction === 'conversion', conversion === 1n)
      interactions.set(interaction, (interactions.get(interaction) ?? 0) + 1)
      value += Number(amount) * 10
    }
    assert.deepEqual([...outcomes], [['passed', 62_483]])
    assert.equal(interactions.get('impression'), 60_645)
    assert.equal(interactions.get('conversion'), 1838)
    assert.equal(customers.size, 7896)
    assert.equal(value, 114_235)
  },
)

test('one broken row is quarantined for the reason that it has', () => {
  const headers = ['customer_id', 'time', 'interaction', 'conversion', 'conversion_value', 'channel']
  const { value, problems } = coerceRow(contract, headers, [
    'A000100',
    '2018-13-40',
    'impression',
    '0',
    '0',
    'Facebook',
  ])
  const { outcome, violations } = judge(contract, value, problems)
  assert.equal(outcome, 'quarantined')
  assert.deepEqual(
    violations.map(({ rule }) => rule),
    ['time.type', 'event_time'],
  )
  assert.equal(violations[0]?.message, 'time "2018-13-40" is no timestamp: there is no month 13')
})
