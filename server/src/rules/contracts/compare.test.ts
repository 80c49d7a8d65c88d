import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isFault } from '../../fault.ts'
import { bump, changes, checkVersion } from './compare.ts'
import { parseContract } from './contract.ts'
import { contractOf, contractText } from './testing.ts'

const base = [
  'name: who, logicalType: string, required: true, classification: personal',
  'name: time, logicalType: timestamp, required: true',
  'name: n, logicalType: integer, logicalTypeOptions: { minimum: 0, maximum: 10, enum: [1, 2] }',
]
const whence = 'subject: who, eventTime: time'
const old = contractOf(base, whence)

/** The base contract with its last property, or its whence section, changed. */
const with3 = (property: string, version?: string) => contractOf([...base.slice(0, 2), property], whence, version)

test('what changed decides which number must rise', () => {
  const cases: [ReturnType<typeof contractOf>, string][] = [
    [contractOf(base, whence), 'none'],
    [with3(`${base[2]}, description: a count`), 'patch'],
    [contractOf([...base, 'name: m, logicalType: integer'], whence), 'minor'],
    [contractOf([...base, 'name: m, logicalType: integer, required: true'], whence), 'major'],
    [contractOf(base.slice(0, 2), whence), 'major'],
    [with3('name: n, logicalType: number, logicalTypeOptions: { minimum: 0, maximum: 10, enum: [1, 2] }'), 'major'],
    [with3('name: n, logicalType: integer, logicalTypeOptions: { minimum: 0, maximum: 11, enum: [1, 2] }'), 'minor'],
    [with3('name: n, logicalType: integer, logicalTypeOptions: { minimum: 0, maximum: 9, enum: [1, 2] }'), 'major'],
    [with3('name: n, logicalType: integer, logicalTypeOptions: { minimum: -1, maximum: 10, enum: [1, 2] }'), 'minor'],
    [with3('name: n, logicalType: integer, logicalTypeOptions: { minimum: 1, maximum: 10, enum: [1, 2] }'), 'major'],
    [with3('name: n, logicalType: integer, logicalTypeOptions: { minimum: 0, maximum: 10, enum: [2, 1, 3] }'), 'minor'],
    [with3('name: n, logicalType: integer, logicalTypeOptions: { minimum: 0, maximum: 10, enum: [1] }'), 'major'],
    [with3('name: n, logicalType: integer'), 'minor'],
    [with3(`${base[2]?.replace(' }', ', multipleOf: 2 }')}`), 'major'],
    [with3(`${base[2]}, required: true`), 'major'],
    [with3(`${base[2]}, classification: personal`), 'major'],
    [with3(`${base[2]}, physicalName: count`), 'major'],
    [with3(`${base[2]}, customProperties: [{ property: whence, value: { onViolation: drop } }]`), 'major'],
    [with3(`${base[2]}, customProperties: [{ property: whence, value: { onViolation: flag } }]`), 'minor'],
    [contractOf([base[0] as string, 'name: time, logicalType: timestamp', base[2] as string], whence), 'minor'],
    [contractOf(base, `${whence}, knownAt: eventTime`), 'major'],
    [contractOf(base, 'subject: who'), 'major'],
    [contractOf(base, `${whence}, sequence: n`), 'minor'],
    [contractOf(base, `${whence}, eventId: n`), 'major'],
    [contractOf(base, `${whence}, additionalProperties: quarantine`), 'major'],
    [contractOf(base, `${whence}, additionalProperties: pass`), 'minor'],
    [contractOf(base, `${whence}, retention: 7d`), 'minor'],
  ]
  for (const [now, expected] of cases) assert.equal(bump(old, now), expected, JSON.stringify(changes(old, now)))
})

test('nested properties and items count like the others', () => {
  const nested = (inner: string) =>
    with3(
      `name: n, logicalType: array, items: { logicalType: object, properties: [{ name: a, logicalType: string }${inner}] }`,
    )
  assert.equal(bump(nested(''), nested(', { name: b, logicalType: string }')), 'minor')
  assert.equal(bump(nested(', { name: b, logicalType: string }'), nested('')), 'major')
  assert.deepEqual(changes(nested(', { name: b, logicalType: string }'), nested('')), [
    { bump: 'major', what: 'n[].b was removed' },
  ])
  assert.equal(bump(with3('name: n, logicalType: array'), nested('')), 'major')
  assert.equal(
    bump(
      with3('name: n, logicalType: object'),
      with3('name: n, logicalType: object, properties: [{ name: a, logicalType: string }]'),
    ),
    'major',
  )
})

test('a version that says less than what changed is refused, with the one to declare', () => {
  const refused = (now: ReturnType<typeof contractOf>, message: RegExp, before = old) =>
    assert.throws(
      () => checkVersion(before, now),
      (fault) => isFault(fault, 'conflict') && message.test(fault.message),
    )
  refused(
    contractOf(base.slice(0, 2), whence, '1.0.1'),
    /touchpoints@1\.0\.1: n was removed, which is a major change and not a patch one: declare 2\.0\.0/,
  )
  refused(contractOf(base.slice(0, 2), whence, '1.1.0'), /declare 2\.0\.0/)
  refused(
    contractOf([...base, 'name: m, logicalType: integer'], whence, '1.0.1'),
    /m is new, which is a minor change.*declare 1\.1\.0/,
  )
  refused(
    contractOf([...base, 'name: m, logicalType: integer'], whence, '1.0.0'),
    /taken by other content: declare 1\.1\.0/,
  )
  refused(
    contractOf([...base, 'name: m, logicalType: integer'], whence, '0.9.0'),
    /a version before the newest, 1\.0\.0: declare 1\.1\.0/,
  )
  refused(contractOf(base, whence, '0.9.0'), /before the newest/)
})

test('an honest version passes, and so does one that promises less than it could', () => {
  assert.equal(checkVersion(old, contractOf(base, whence)), 'none')
  assert.equal(checkVersion(old, contractOf(base.slice(0, 2), whence, '2.0.0')), 'major')
  assert.equal(checkVersion(old, contractOf([...base, 'name: m, logicalType: integer'], whence, '1.1.0')), 'minor')
  assert.equal(checkVersion(old, contractOf([...base, 'name: m, logicalType: integer'], whence, '2.0.0')), 'minor')
  assert.equal(checkVersion(old, contractOf(base, whence, '1.0.1')), 'patch')
})

test('the status is words', () => {
  const text = contractText(base, whence, '1.0.1').replace('status: active', 'status: deprecated')
  assert.equal(checkVersion(old, parseContract(text)), 'patch')
})

test('below 1.0.0 a minor version may break', () => {
  const early = contractOf(base, whence, '0.1.0')
  assert.equal(checkVersion(early, contractOf(base.slice(0, 2), whence, '0.2.0')), 'major')
  assert.throws(() => checkVersion(early, contractOf(base.slice(0, 2), whence, '0.1.1')), /declare 0\.2\.0/)
})
