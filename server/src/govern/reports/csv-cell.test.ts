import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csvCell, csvValue } from './csv-cell.ts'

const formulas = [
  '=1+2',
  '+1+2',
  '-2+3',
  '@SUM(A1)',
  '\t=1',
  '  =cmd|x',
  '＝1+2',
  '-',
  '-1e',
  '+3',
  '+49 30 1234',
  '-1.5.2',
]

test('what a spreadsheet would calculate is text', () => {
  for (const formula of formulas)
    for (const cell of [csvCell, csvValue]) assert.ok(cell(formula).startsWith("'"), formula)
  for (const plain of ['a=b', 'spring - sale', '2026-03-01', 'ü', '5'])
    for (const cell of [csvCell, csvValue]) assert.equal(cell(plain), plain)
})

test('a number stays one where numbers are meant', () => {
  for (const number of ['-5', '-12.50', '1e-7', '-1E+16']) assert.equal(csvValue(number), number)
  assert.equal(csvValue(-0.5), '-0.5')
  assert.equal(csvCell('-5'), "'-5")
})

test('quotes, commas and ends of lines are quoted, also behind the apostrophe', () => {
  assert.equal(csvCell('a,"b"'), '"a,""b"""')
  assert.equal(csvCell('=HYPERLINK("http://example.org","x")'), `"'=HYPERLINK(""http://example.org"",""x"")"`)
  assert.equal(csvCell('\r\n=1'), `"'\r\n=1"`)
  assert.equal(csvCell(''), '""')
})
