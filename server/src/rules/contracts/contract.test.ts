import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ContractFault, parseContract } from './contract.ts'
import { contractOf, contractText } from './testing.ts'

/** The problems of a contract as `line: message`. */
function problemsOf(text: string): string[] {
  try {
    parseContract(text, 'c.yaml')
  } catch (fault) {
    assert.ok(fault instanceof ContractFault, String(fault))
    assert.equal(fault.code, 'invalid')
    for (const { file } of fault.problems) assert.equal(file, 'c.yaml')
    return fault.problems.map(({ line, message }) => `${line}: ${message}`)
  }
  return []
}

const problemsIn = (properties: string[], whence?: string) => problemsOf(contractText(properties, whence))

const customer = 'name: customer_id, logicalType: string, required: true, classification: personal'
const time = 'name: time, logicalType: timestamp, required: true'

test('reads a contract as people write it', () => {
  const contract = parseContract(`
# contracts/touchpoints.yaml: Open Data Contract Standard
apiVersion: v3.1.0
kind: DataContract
id: touchpoints
version: 1.0.0
status: active
description: { purpose: attribution }   # of no concern to us
servers: [{ server: x, type: kafka }]
schema:
  - name: touchpoints
    logicalType: object
    properties:
      - { name: customer_id, logicalType: string, required: true, classification: personal }
      - { name: time, logicalType: timestamp, required: true }
      - { name: interaction, logicalType: string, required: true, logicalTypeOptions: { enum: [impression, conversion] } }
      - { name: channel, logicalType: string, required: true, criticalDataElement: true, quality: [{ type: text }] }
customProperties:
  - { property: team, value: growth }
  - { property: whence, value: { subject: customer_id, eventTime: time, knownAt: eventTime, campaign: channel, onViolation: quarantine } }
`)
  const { id, version, stream, status, onViolation, additionalProperties, retentionDays } = contract
  assert.deepEqual(
    { id, version, stream, status, onViolation, additionalProperties, retentionDays },
    {
      id: 'touchpoints',
      version: '1.0.0',
      stream: 'touchpoints',
      status: 'active',
      onViolation: 'quarantine',
      additionalProperties: 'flag',
      retentionDays: 30,
    },
  )
  assert.deepEqual(
    contract.rules.filter(({ path }) => path === '/interaction'),
    [
      {
        id: 'interaction.required',
        keyword: 'required',
        path: '/interaction',
        type: 'Required-Missing',
        outcome: 'quarantine',
      },
      {
        id: 'interaction.type',
        keyword: 'type',
        path: '/interaction',
        type: 'Datatype-Mismatch',
        outcome: 'quarantine',
      },
      { id: 'interaction.enum', keyword: 'enum', path: '/interaction', type: 'Enum-Mismatch', outcome: 'quarantine' },
    ],
  )
  assert.equal(contract.roles.subject?.pointer, '/customer_id')
  assert.equal(contract.roles.knownAt.clock, 'eventTime')
  assert.equal(contract.roles.subjectType, 'customer')
  assert.deepEqual(
    contract.columns.map(({ name, type }) => `${name} ${type}`),
    ['time TIMESTAMP', 'interaction VARCHAR', 'channel VARCHAR'],
  )
})

test('every rule has a name of its own', () => {
  const { rules } = contractOf([
    'name: "a.b", logicalType: string, physicalName: other',
    'name: a, logicalType: object, properties: [{ name: b, logicalType: string }, { name: "b[]", logicalType: string }]',
    'name: json, logicalType: object, properties: [{ name: syntax, logicalType: string }]',
    'name: additional, logicalType: string',
    'name: tags, logicalType: array, items: { logicalType: string }',
  ])
  const ids = rules.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of [
    '"a.b".type',
    'a.b.type',
    'a."b[]".type',
    'json.syntax',
    'json.syntax.type',
    'tags[].type',
    'additional',
    'a.additional',
  ]) {
    assert.ok(ids.includes(id), id)
  }
})

test('columns: names, exact types, and nothing personal', () => {
  const { columns } = contractOf(
    [
      'name: id, logicalType: integer',
      customer,
      'name: "Offer ID", logicalType: string',
      'name: 2fa, logicalType: boolean',
      'name: price, logicalType: number, physicalType: "DECIMAL(12, 2)", physicalName: PRICE_EUR',
      'name: count, logicalType: number, physicalType: numeric(5)',
      'name: ratio, logicalType: number, physicalType: double',
      'name: born, logicalType: date, classification: personal',
      'name: day, logicalType: date, classification: public',
      'name: value, logicalType: object, properties: [{ name: offer id, logicalType: string }, { name: deep, logicalType: object, properties: [{ name: n, logicalType: integer }] }]',
      'name: who, logicalType: object, classification: personal, properties: [{ name: name, logicalType: string }]',
      'name: free, logicalType: object',
      'name: tags, logicalType: array',
      'name: people, logicalType: array, items: { logicalType: object, properties: [{ name: mail, logicalType: string, classification: personal }] }',
      'name: at, logicalType: time',
    ],
    'subject: customer_id, eventId: id',
  )
  assert.deepEqual(
    columns.map(({ name, type, path }) => `${path.join('/')} → ${name} ${type}`),
    [
      'Offer ID → offer_id VARCHAR',
      '2fa → _2fa BOOLEAN',
      'price → PRICE_EUR DECIMAL(12,2)',
      'count → count DECIMAL(5,0)',
      'ratio → ratio DOUBLE',
      'day → day DATE',
      'value/offer id → value_offer_id VARCHAR',
      'value/deep/n → value_deep_n BIGINT',
      'free → free VARCHAR',
      'tags → tags VARCHAR',
      'at → at VARCHAR',
    ],
  )
  assert.ok(columns.every(({ personal }) => !personal))
})

test('fields are named by dotted path or JSON pointer', () => {
  const nested = 'name: value, logicalType: object, properties: [{ name: offer id, logicalType: string }]'
  for (const name of ['value.offer id', '/value/offer id']) {
    assert.deepEqual(contractOf([nested], `campaign: "${name}"`).roles.campaign?.path, ['value', 'offer id'])
  }
  const dotted = 'name: value.offer id, logicalType: string, physicalName: other'
  assert.deepEqual(problemsIn([nested, dotted], 'campaign: value.offer id'), [
    '12: campaign names "value.offer id", which could be more than one property; write /value/offer id or /value.offer id',
  ])
  assert.deepEqual(contractOf([nested, dotted], 'campaign: /value.offer id').roles.campaign?.path, ['value.offer id'])
})

test('the nearest onViolation holds', () => {
  const contract = contractOf(
    [
      'name: a, logicalType: string',
      'name: b, logicalType: object, customProperties: [{ property: whence, value: { onViolation: flag } }], properties: [{ name: c, logicalType: string }, { name: d, logicalType: string, customProperties: [{ property: whence, value: { onViolation: pass } }] }]',
    ],
    'onViolation: drop, additionalProperties: quarantine',
  )
  const outcome = Object.fromEntries(contract.rules.map((rule) => [rule.id, rule.outcome]))
  assert.equal(outcome['a.type'], 'drop')
  assert.equal(outcome['b.type'], 'flag')
  assert.equal(outcome['b.c.type'], 'flag')
  assert.equal(outcome['b.d.type'], 'pass')
  assert.equal(outcome['b.additional'], 'quarantine')
  assert.equal(outcome['json.syntax'], 'drop')
})

test('content that cannot be read is quarantined even where violations pass', () => {
  const contract = contractOf([customer, time], 'subject: customer_id, eventTime: time, onViolation: pass')
  const outcome = Object.fromEntries(contract.rules.map((rule) => [rule.id, rule.outcome]))
  for (const id of ['json.syntax', 'json.utf8', 'json.depth', 'type', 'subject', 'event_time'])
    assert.equal(outcome[id], 'quarantine')
  for (const id of ['json.key', 'json.number', 'time.type']) assert.equal(outcome[id], 'pass')
})

test('every problem is named with its line and what to do', () => {
  assert.deepEqual(
    problemsOf(`kind: DataContract
version: 1.0
status: live
schema: []
`),
    [
      '1: apiVersion is missing',
      '1: id is missing',
      '2: version takes a string, not the number 1; put it in quotes',
      '3: status takes one of proposed, draft, active, deprecated, retired, not "live"',
      '4: schema holds exactly one object, the stream; put another stream in another contract',
    ],
  )
  assert.deepEqual(
    problemsIn([
      'name: a',
      'name: b, logicalType: strng',
      'logicalType: string',
      'name: d, logicalType: string, logicalTypeOptions: { minimum: 3 }',
      'name: e, logicalType: string, logicalTypeOptions: { format: phone }',
      'name: f, logicalType: timestamp, logicalTypeOptions: { timezone: false }',
      'name: g, logicalType: timestamp, logicalTypeOptions: { format: yyyy-MM-dd }',
      'name: h, logicalType: array, items: { logicalType: integer, logicalTypeOptions: { minimum: 1.5 } }',
      'name: i, logicalType: string, required: "yes"',
    ]).map((problem) => problem.slice(0, 70)),
    [
      '9: logicalType is missing; it takes one of string, integer, number, boo',
      '10: logicalType takes one of string, integer, number, boolean, timestamp',
      '12: minimum would not be checked here: Whence does not support this cons',
      '13: format takes one of email, uuid, uri, hostname, ipv4, ipv6, byte, no',
      '14: timezone takes true, not false',
      '15: format would not be checked here: Whence does not support this const',
      '16: minimum takes a whole number, not the number 1.5',
      '17: required takes a boolean, not the string "yes"',
    ].map((problem) => problem.slice(0, 70)),
  )
  assert.deepEqual(
    problemsIn([
      'logicalType: string',
      'name: b, logicalType: string, logicalTypeOptions: { enum: [a, 1] }',
      'name: b, logicalType: integer, logicalTypeOptions: { minimum: 5, maximum: 4 }',
      'name: c, logicalType: timestamp, logicalTypeOptions: { minimum: "2018-01-01" }',
      'name: d, logicalType: string, logicalTypeOptions: { pattern: "(a)\\\\1" }',
      'name: e, logicalType: number, physicalType: decimal',
      'name: f, logicalType: number, physicalType: "decimal(50,2)"',
      'name: g, logicalType: string, physicalName: "no good"',
      'name: h, logicalType: object, logicalTypeOptions: { required: [x] }, properties: []',
      'name: "*", logicalType: string',
      'name: i j, logicalType: string',
      'name: i_j, logicalType: string',
    ]),
    [
      '9: name is missing',
      '10: enum of this string takes text',
      '11: b is described twice; keep one',
      '11: minimum is above maximum: no value could pass',
      '12: minimum takes times like 2026-03-20T10:00:00Z',
      '13: pattern refers back to a group, which takes more than linear time',
      '14: a decimal says its digits, at most 38 in all: decimal(12,2)',
      '15: a decimal says its digits, at most 38 in all: decimal(12,2)',
      '16: physicalName is a column: letters, digits and "_", at most 63',
      '17: x is required but not among the properties',
      '18: * stands for the items of an array; give the property another name',
      '20: i j and i_j would share the column i_j; give one a physicalName',
    ].toSorted((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10)),
  )
})

test('the whence section is checked against the properties', () => {
  const at = (whence: string) =>
    problemsIn([customer, time, 'name: hours, logicalType: number', 'name: n, logicalType: integer'], whence)
  assert.deepEqual(at('subject: custmer_id'), [
    '14: subject names "custmer_id", which is no property; did you mean "customer_id"?',
  ])
  assert.deepEqual(at('subject: hours'), [
    '14: subject takes a property of type string or integer, and hours is number',
  ])
  assert.deepEqual(at('subject: customer_id, eventTime: n'), [
    '14: eventTime takes a property of type timestamp, and n is integer; for a time that is a number write {field, unit, since}',
  ])
  assert.deepEqual(at('subject: customer_id, eventTime: { field: time, unit: hour }'), [
    '14: eventTime takes a property of type integer or number, and time is timestamp',
  ])
  assert.deepEqual(at('subject: customer_id, eventTime: { field: hours, unit: hour, since: yesterday }'), [
    '14: since takes a time like 2018-07-01T00:00:00Z',
  ])
  assert.deepEqual(at('subject: customer_id, eventTime: { field: hours }'), [
    '14: eventTime takes a field name, or {field, unit, since} for a time that is a number',
  ])
  assert.deepEqual(at('subject: customer_id, knownAt: eventTime'), ['14: knownAt: eventTime needs an eventTime'])
  assert.deepEqual(at('subject: customer_id, sequence: hours'), [
    '14: sequence takes a property of type integer, and hours is number',
  ])
  assert.deepEqual(at('subject: customer_id, campaign: customer_id'), [
    '14: customer_id is personal; campaign stands readable on the ledger and cannot be',
  ])
  assert.deepEqual(at('subject: customer_id, subjct: time'), [
    '14: subjct is no setting of whence; remove it or mend its name',
  ])
  assert.deepEqual(at('subject: customer_id, retention: forever'), ['14: retention takes a number of days, like 30d'])
  assert.deepEqual(at('subject: customer_id, onViolation: refuse'), [
    '14: onViolation takes one of pass, flag, quarantine, drop, not "refuse"',
  ])
  assert.deepEqual(at(''), [
    '9: customer_id is personal, but whence names no subject: whose key should seal it? Add subject: FIELD',
  ])
})

test('what is no contract is one problem, not a crash', () => {
  assert.match(problemsOf('a: [1\nb: 2').join(), /^2: no YAML/)
  assert.match(problemsOf('a: 1\na: 2').join(), /^2: no YAML/)
  assert.match(problemsOf('a: 1\n---\nb: 2').join(), /no YAML/)
  assert.match(problemsOf('').join(), /takes a map, not nothing/)
  assert.match(problemsOf('- a').join(), /takes a map, not a list/)
  assert.match(problemsOf('['.repeat(10_000)).join(), /no YAML/)
  assert.match(problemsOf('x'.repeat(2_000_000)).join(), /at most 1 MiB/)
  const bomb = `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefghi'
    .split('')
    .map((name, at) => `${name}: &${name} [${Array(10).fill(`*${'abcdefgh'[at]}`).join()}]`)
    .join('\n')}`
  assert.match(problemsOf(bomb).join(), /no usable YAML/)
})

test('the digest is of what is said, not of how it is written', () => {
  const text = contractText(['name: a, logicalType: string'])
  const { digest } = parseContract(text)
  assert.match(digest, /^[0-9a-f]{64}$/)
  assert.equal(
    parseContract(
      `# a comment\n${text.replace('{ name: a, logicalType: string }', '{logicalType: "string",  name: "a"}')}`,
    ).digest,
    digest,
  )
  assert.notEqual(parseContract(text.replace('name: a', 'name: b')).digest, digest)
})
