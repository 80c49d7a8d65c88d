import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { encode, type ColumnType } from './copy.ts'
import { openTestDatabase } from './testing.ts'

const columns = (...types: ColumnType[]) => types.map((type, index) => ({ name: `c${index}`, type }))

test('writes the documented format', () => {
  const bytes = encode(columns('int4', 'text'), [
    [1, 'é'],
    [null, undefined],
  ])
  const file = '5047434f50590aff0d0a00' + '00000000' + '00000000'
  const rows = '0002' + '0000000400000001' + '00000002c3a9' + '0002' + 'ffffffff' + 'ffffffff'
  assert.equal(Buffer.from(bytes).toString('hex'), file + rows + 'ffff')
})

test('refuses a value that is not of its column type, naming row and column', () => {
  const wrong: [ColumnType, unknown][] = [
    ['int8', 1.5],
    ['int8', 2 ** 53],
    ['int8', 2n ** 63n],
    ['int8', '1'],
    ['int4', 2 ** 31],
    ['int4', -(2 ** 31) - 1],
    ['int4', 0.5],
    ['int4', 1n],
    ['float8', '1'],
    ['bool', 1],
    ['text', 1],
    ['text', {}],
    ['bytea', 'ff'],
    ['jsonb', () => 1],
    ['int8[]', 1n],
    ['int8[]', ['1']],
  ]
  for (const [type, value] of wrong) {
    assert.throws(
      () => encode(columns(type), [[value]]),
      /^TypeError: row 0: c0 cannot hold/,
      `${type} ${String(value)}`,
    )
  }
  assert.throws(() => encode(columns('text', 'text'), [['x']]), TypeError)
})

test('what was copied reads back equal', async (t) => {
  const database = await openTestDatabase()
  t.after(() => database.drop())
  await database.query(`create table copied (id int4, a int8, b int4, c float8, d bool, e text collate "C", f bytea,
    g jsonb, h text[], i int8[], j bytea[], k jsonb[])`)
  // PostgreSQL's text holds no NUL, and UTF-8 no half of a surrogate pair.
  const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0') && value.isWellFormed())
  const nullable = <T>(value: fc.Arbitrary<T>) => fc.option(value, { freq: 4 })
  const int8 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  const json = fc.oneof(fc.array(fc.integer()), fc.dictionary(text, text, { noNullPrototype: true }), fc.boolean())
  const row = fc.tuple(
    nullable(int8),
    nullable(fc.integer()),
    nullable(fc.double()),
    nullable(fc.boolean()),
    nullable(text),
    nullable(fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes))),
    nullable(json),
    nullable(fc.array(nullable(text))),
    nullable(fc.array(nullable(int8))),
    nullable(fc.array(fc.uint8Array().map((bytes) => new Uint8Array(bytes)))),
    nullable(fc.array(json)),
  )
  const types = columns(
    'int4',
    'int8',
    'int4',
    'float8',
    'bool',
    'text',
    'bytea',
    'jsonb',
    'text[]',
    'int8[]',
    'bytea[]',
    'jsonb[]',
  )
  const named = types.map(({ type }, index) => ({ name: 'id a b c d e f g h i j k'.split(' ')[index]!, type }))
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
      await database.query('truncate copied')
      await database.transaction((tx) =>
        tx.copy(
          'copied',
          named,
          rows.map((values, id) => [id, ...values]),
        ),
      )
      const read = await database.query('select * from copied order by id')
      assert.deepEqual(
        read.map((found) => Object.values(found).slice(1)),
        rows,
      )
    }),
    { numRuns: 40 },
  )
})

test('copies more than one chunk, and tables and columns whose names need quotes', async (t) => {
  const database = await openTestDatabase()
  t.after(() => database.drop())
  await database.query('create table "Odd ""name""" ("order" int8, bytes bytea)')
  const rows = Array.from({ length: 2000 }, (_, index) => [index, new Uint8Array(1000).fill(index)])
  const types = [
    { name: 'order', type: 'int8' },
    { name: 'bytes', type: 'bytea' },
  ] as const
  await database.transaction((tx) => tx.copy('Odd "name"', types, rows))
  const [sum] = await database.query('select count(*) as n, sum(length(bytes))::int8 as bytes from "Odd ""name"""')
  assert.deepEqual(sum, { n: 2000n, bytes: 2_000_000n })
})
