// Real offers and purchases, cut off in the middle of the last line, with blank lines between: time counts in hours.
import assert from 'node:assert/strict'
import { createReadStream, existsSync } from 'node:fs'
import { test } from 'node:test'
import { LineSplitter, readContent } from './content.ts'
import { extract, judge } from './judge.ts'
import { contractOf } from './testing.ts'

const file = new URL('../../../../../shared/data/starbucks/transcript.first-30h.truncated.json', import.meta.url)

const contract = contractOf(
  [
    'name: person, logicalType: string, required: true, classification: personal, logicalTypeOptions: { pattern: "^[0-9a-f]{32}$" }',
    'name: event, logicalType: string, required: true, logicalTypeOptions: { enum: [offer received, offer viewed, offer completed, transaction] }',
    'name: value, logicalType: object, required: true, properties: [{ name: offer id, logicalType: string }, { name: offer_id, logicalType: string, physicalName: completed_offer }, { name: reward, logicalType: integer }, { name: amount, logicalType: number }]',
    'name: time, logicalType: integer, required: true, logicalTypeOptions: { minimum: 0 }',
  ],
  'subject: person, eventTime: { field: time, unit: hour, since: "2018-07-01T00:00:00Z" }, creative: value.offer id',
)

const skip = existsSync(file) ? false : 'the shared data folder is not here'

test('every whole line of the transcript passes, the cut-off one is quarantined', { skip }, async () => {
  const splitter = new LineSplitter(1 << 20)
  const outcomes: Record<string, number> = {}
  let latest = 0
  const judgeLine = (line: ReturnType<LineSplitter['push']>[number]) => {
    let outcome = 'blank'
    if ('bytes' in line && typeof line.bytes !== 'number') {
      const { value, problems } = readContent(line.bytes)
      outcome = judge(contract, value, problems).outcome
      latest = Math.max(latest, extract(contract, value).time ?? 0)
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  for await (const chunk of createReadStream(file))
    for (const line of splitter.push(chunk as Uint8Array)) judgeLine(line)
  for (const line of splitter.end()) judgeLine(line)
  assert.deepEqual(outcomes, { passed: 25_694, blank: 5, quarantined: 1 })
  assert.equal(latest, Date.UTC(2018, 6, 2, 6) * 1000)
})
