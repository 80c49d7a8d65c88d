import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { CsvReader, type Row } from './csv.ts'
import { lines } from './lines.ts'

async function rows(file: Buffer, cuts: number[] = []): Promise<Row[]> {
  const reader = new CsvReader(',')
  const places = [0, ...cuts.map((cut) => cut % (file.length + 1)).toSorted((a, b) => a - b), file.length]
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let i = 1; i < places.length; i++) yield Buffer.from(file.subarray(places[i - 1], places[i]))
  }
  const read: Row[] = []
  for await (const some of lines(chunks())) read.push(...some.flatMap((line) => reader.read(line)))
  return [...read, ...reader.end()]
}

const field = fc.oneof(
  fc.string({ unit: fc.constantFrom('a', 'é', ' ', ',', '"', '\n', '\r\n', '0') }),
  fc.string({ unit: 'grapheme', maxLength: 8 }).filter((text) => !/[\r\ufeff]/.test(text)),
)

const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)

test('reads what csv-parse reads, at the right lines, wherever the chunks are cut', async () => {
  const csv = fc.record({
    table: fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { minLength: 1, maxLength: 8 }),
    ending: fc.constantFrom('\n', '\r\n'),
    last: fc.boolean(),
    cuts: fc.array(fc.nat(), { maxLength: 5 }),
  })
  await fc.assert(
    fc.asyncProperty(csv, async ({ table, ending, last, cuts }) => {
      const texts = table.map((fields) => fields.map(quoted).join(','))
      const file = Buffer.from(texts.join(ending) + (last ? ending : ''))
      const found = await rows(file, cuts)
      assert.deepEqual(
        found.map((row) => ('fields' in row ? row.fields : row)),
        parse(file, { relax_column_count: true, record_delimiter: ['\r\n', '\n'] }),
      )
      let line = 1
      for (const [i, row] of found.entries()) {
        assert.equal(row.line, line)
        line += texts[i]!.split('\n').length
      }
    }),
    { numRuns: 500 },
  )
})

test('accounts for every line of any bytes whatever, and keeps the bytes of what is broken', async () => {
  const bytes = fc.array(fc.constantFrom('"', ',', '\n', '\r', 'a', ' ', '""', '",', '\xff'), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(bytes, fc.array(fc.nat(), { maxLength: 4 }), async (parts, cuts) => {
      const file = Buffer.from(parts.join(''), 'latin1')
      const physical = file.toString('latin1').replace(/\n$/, '').split('\n')
      let line = 1
      for (const row of await rows(file, cuts)) {
        assert.equal(row.line, line)
        if ('broken' in row) assert.equal(row.bytes.toString('latin1'), physical[line - 1]!.replace(/\r$/, ''))
        line += row.height
      }
      assert.equal(line - 1, file.length === 0 ? 0 : physical.length)
    }),
    { numRuns: 1000 },
  )
})
