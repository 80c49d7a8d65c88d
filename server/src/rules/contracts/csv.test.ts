import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkHeader, coerceRow } from './csv.ts'
import { judge } from './judge.ts'
import { contractOf } from './testing.ts'

const contract = contractOf(
  [
    'name: id, logicalType: string, required: true',
    'name: n, logicalType: integer',
    'name: x, logicalType: number',
    'name: ok, logicalType: boolean',
    'name: at, logicalType: timestamp',
    'name: tags, logicalType: array',
    'name: value, logicalType: object, required: true, properties: [{ name: offer id, logicalType: string, required: true }, { name: n, logicalType: integer }]',
  ],
  'eventTime: at',
)
const cellOf = (name: string, cell: string) => coerceRow(contract, [name], [cell]).value[name]

test('a cell becomes a value only where its text leaves no doubt', () => {
  const integers: [string, unknown][] = [
    ['0', 0],
    ['-12', -12],
    ['9007199254740991', 2 ** 53 - 1],
    ['9007199254740992', '9007199254740992'],
    ['007', '007'],
    ['+1', '+1'],
    ['-0', '-0'],
    ['1.0', '1.0'],
    ['1e3', '1e3'],
    [' 1', ' 1'],
    ['1,000', '1,000'],
  ]
  for (const [text, value] of integers) assert.equal(cellOf('n', text), value)
  const numbers: [string, unknown][] = [
    ['0.5', 0.5],
    ['1.50', 1.5],
    ['1e3', 1000],
    ['0.1000000000000000055', '0.1000000000000000055'],
    ['1e400', '1e400'],
    ['.5', '.5'],
    ['1.', '1.'],
    ['NaN', 'NaN'],
    ['0x10', '0x10'],
    ['1,5', '1,5'],
  ]
  for (const [text, value] of numbers) assert.equal(cellOf('x', text), value)
  const booleans: [string, unknown][] = [
    ['true', true],
    ['false', false],
    ['True', 'True'],
    ['1', '1'],
    ['yes', 'yes'],
  ]
  for (const [text, value] of booleans) assert.equal(cellOf('ok', text), value)
  assert.deepEqual(cellOf('tags', '["a",1]'), ['a', 1])
  assert.equal(cellOf('tags', '[1'), '[1')
  assert.equal(cellOf('id', '007'), '007')
  assert.equal(cellOf('id', 'null'), 'null')
})

test('an empty cell is an absent property', () => {
  const { value } = coerceRow(contract, ['id', 'n'], ['', ''])
  assert.deepEqual(value, {})
  assert.deepEqual(
    judge(contract, value).violations.map(({ rule }) => rule),
    ['id.required', 'value.required', 'event_time'],
  )
})

test('what stays text is named by the judge', () => {
  const { value, problems } = coerceRow(contract, ['id', 'n', 'at', 'value.offer id'], ['a', '1.5', '2018-13-40', 'o'])
  assert.deepEqual(
    judge(contract, value, problems)
      .violations.map(({ message }) => message)
      .slice(0, 2),
    ['n "1.5" is no integer', 'time "2018-13-40" is no timestamp: there is no month 13'.replace('time', 'at')],
  )
})

test('columns of nested properties are called by dotted name or pointer', () => {
  assert.deepEqual(coerceRow(contract, ['value.offer id', '/value/n'], ['o', '3']).value, {
    value: { 'offer id': 'o', n: 3 },
  })
  assert.deepEqual(coerceRow(contract, ['value'], ['{"offer id":"o"}']).value, { value: { 'offer id': 'o' } })
  assert.deepEqual(checkHeader(contract, ['id', 'at', 'value.offer id']), [])
  assert.deepEqual(checkHeader(contract, ['id', 'at', 'value']), [])
})

test('what is wrong with a header is said once', () => {
  const problems = checkHeader(contract, ['\ufeffn', 'colour', 'n', '', 'value', 'value.n'])
  assert.deepEqual(
    problems.map(({ rule, message, outcome }) => `${rule} ${outcome}: ${message}`),
    [
      'additional flag: column "colour" is not in the contract',
      'csv.header quarantine: column "n" stands twice',
      'csv.header quarantine: column 4 has no name',
      'csv.header quarantine: column "value.n" stands twice',
      'id.required quarantine: there is no column "id", which is required',
      'at.required quarantine: there is no column "at", which is required',
    ],
  )
})

test('rows that a header or their width makes doubtful do not pass', () => {
  const headers = ['id', 'at', 'value.offer id']
  const cells = ['a', '2018-07-01T00:00:00Z', 'o']
  const outcome = (names: string[], row: string[]) => {
    const { value, problems } = coerceRow(contract, names, row)
    const { outcome: verdict, violations } = judge(contract, value, problems)
    return [verdict, ...violations.map(({ rule }) => rule)].join(' ')
  }
  assert.equal(outcome(headers, cells), 'passed')
  assert.equal(outcome(headers, [...cells, 'more']), 'quarantined csv.width')
  assert.equal(outcome(headers, cells.slice(0, 2)), 'quarantined csv.width value.required')
  assert.equal(outcome([...headers, 'id'], [...cells, 'b']), 'quarantined csv.header')
  assert.equal(outcome([...headers, 'colour'], [...cells, 'red']), 'flagged additional')
})

test('a column called __proto__ is a property like any other', () => {
  const { value } = coerceRow(contract, ['__proto__', 'constructor'], ['x', 'y'])
  assert.deepEqual(Object.entries(value), [
    ['__proto__', 'x'],
    ['constructor', 'y'],
  ])
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
})
