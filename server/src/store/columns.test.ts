import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { isFault } from '../fault.ts'
import { identifier, openColumns, parquet, quote, timestamp } from './columns.ts'
import type { Field } from './columns.ts'

const folder = mkdtempSync(join(tmpdir(), 'whence-columns-'))
const outside = join(folder, '..', `whence-outside-${process.pid}.txt`)
writeFileSync(outside, 'not ours')
const columns = await openColumns({ folder, threads: 2 })
after(async () => {
  await columns.close()
  rmSync(folder, { recursive: true })
  rmSync(outside)
})

const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

test('reads and writes nothing outside its folders', async () => {
  for (const sql of [
    `FROM read_text(${quote(outside)})`,
    `FROM read_text(${quote(join(folder, '..', outside.split('/').at(-1)!))})`,
    `FROM read_csv('/etc/passwd')`,
    `FROM glob('/etc/*')`,
    `COPY (SELECT 1) TO ${quote(outside)}`,
    `ATTACH '/tmp/elsewhere.db'`,
    `FROM read_parquet('https://example.org/x.parquet')`,
    `INSTALL httpfs`,
    `LOAD httpfs`,
    `SET enable_external_access = true`,
    `SET threads = 1`,
    `RESET allowed_directories`,
  ]) {
    await assert.rejects(columns.run(sql), (error) => isFault(error), sql)
  }
  assert.equal(readFileSync(outside, 'utf8'), 'not ours')
})

test('a query that never ends is stopped, and its connection goes on', async () => {
  const endless = 'SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range * b.range % 7 = 8'
  const own = await openColumns({ folder: join(folder, 'limited'), threads: 2, limit: 200 })
  try {
    const tooSlow = (error: unknown): boolean => isFault(error, 'too_slow')
    await assert.rejects(own.rows(endless), tooSlow)
    await assert.rejects(
      own.numbers(endless, () => {}),
      tooSlow,
    )
    await assert.rejects(own.run(parquet(endless, join(folder, 'limited', 'never.parquet'), { rows: 1 })), tooSlow)
    await own.session(async (session) => {
      await assert.rejects(session.rows(endless), tooSlow)
      assert.deepEqual(await session.row('SELECT 1::BIGINT AS one'), { one: 1n })
    })
  } finally {
    await own.close()
  }
  // A session may ask for less than the store allows, and for no more.
  await columns.session((session) => assert.rejects(session.rows(endless), (e) => isFault(e, 'too_slow')), {
    limit: 200,
  })
})

test('returns plain values', async () => {
  const row = await columns.row(
    `SELECT 1::BIGINT AS b, 2 AS i, 0.1::DOUBLE AS d, 12.50::DECIMAL(18,2) AS m, true AS t, 'x' AS s, NULL AS n,
            '\\xAB'::BLOB AS bytes, DATE '2026-02-28' AS day, make_timestamp(-1) AS time, [1::BIGINT, NULL] AS list,
            170141183460469231731687303715884105727 AS h, $1 AS p, $2 AS q, $3 AS r, $4 AS nothing`,
    [5, 2, new Uint8Array([1]), null],
  )
  assert.deepEqual(row, {
    b: 1n,
    i: 2,
    d: 0.1,
    m: '12.50',
    t: true,
    s: 'x',
    n: null,
    bytes: Buffer.from([0xab]),
    day: '2026-02-28',
    time: -1,
    list: [1n, null],
    h: 2n ** 127n - 1n,
    p: 5n,
    q: 2n,
    r: Buffer.from([1]),
    nothing: null,
  })
})

test('times come back to the microsecond', async () => {
  const micros = fc.oneof(fc.maxSafeInteger(), fc.integer())
  await fc.assert(
    fc.asyncProperty(fc.array(micros, { minLength: 1, maxLength: 100 }), async (times) => {
      await columns.session(async (session) => {
        await session.load('t', [{ name: 'at', type: 'TIMESTAMP', of: (at: number) => at }], [times])
        const rows = await session.rows<{ at: number; us: bigint }>(
          'SELECT "at", epoch_us("at") AS us FROM t ORDER BY rowid',
        )
        assert.deepEqual(
          rows.map((row) => [row.at, Number(row.us)]),
          times.map((at) => [at, at]),
        )
        const literals = await session.rows(
          `SELECT unnest([${times.map((at) => `epoch_us(${timestamp(at)})`).join(', ')}]) AS us`,
        )
        assert.deepEqual(
          literals.map(({ us }) => Number(us)),
          times,
        )
      })
    }),
    { numRuns: 10 },
  )
})

test('takes what fits a column and refuses the rest', async () => {
  const put = (type: Field<unknown>['type'], value: unknown): Promise<unknown> =>
    columns.session(async (session) => {
      await session.load('t', [{ name: 'v', type, of: (row: { value: unknown }) => row.value }], [[{ value }]])
      return (await session.row<{ v: unknown }>('FROM t')).v
    })
  const cases: [Field<unknown>['type'], unknown, unknown][] = [
    ['VARCHAR', 'a\0b\u{1f600}', 'a\0b\u{1f600}'],
    ['VARCHAR', 'x'.repeat(100_000), 'x'.repeat(100_000)],
    ['BIGINT', 2 ** 53 - 1, 2n ** 53n - 1n],
    ['BIGINT', '-9223372036854775808', -(2n ** 63n)],
    ['DOUBLE', -0, 0],
    ['DOUBLE', 5e-324, 5e-324],
    ['DECIMAL(18,2)', 12.5, '12.50'],
    ['DECIMAL(18,2)', '0.10', '0.10'],
    ['DECIMAL(18,2)', 1e3, '1000.00'],
    ['DECIMAL(18,2)', 0.07, '0.07'],
    ['DECIMAL(38,10)', '-1234567890123456789012345678.0123456789', '-1234567890123456789012345678.0123456789'],
    ['BOOLEAN', false, false],
    ['DATE', '2024-02-29', '2024-02-29'],
    ['TIMESTAMP', Date.UTC(2026, 2, 20, 10) * 1000 + 1, Date.UTC(2026, 2, 20, 10) * 1000 + 1],
    // 9999-12-31, a favourite for "never", is no safe integer.
    ['TIMESTAMP', 253_402_214_400_000_000n, 253_402_214_400_000_000n],
    ['BLOB', 'ab01', Buffer.from('ab01', 'hex')],
    ['VARCHAR', undefined, null],
  ]
  for (const [type, value, expected] of cases)
    assert.deepEqual(await put(type, value), expected, `${type} ${String(value)}`)
  for (const [type, value] of [
    ['VARCHAR', 1],
    ['BIGINT', 1.5],
    ['BIGINT', 2 ** 53],
    ['BIGINT', '9223372036854775808'],
    ['DOUBLE', '1'],
    ['DECIMAL(18,2)', 0.001],
    ['DECIMAL(4,2)', 100],
    ['DECIMAL(18,2)', '1,5'],
    ['DATE', '2026-02-30'],
    ['TIMESTAMP', '2026-03-20T10:00:00Z'],
    ['TIMESTAMP', 0.5],
    ['BOOLEAN', 'true'],
    ['BLOB', 'zz'],
  ] as [Field<unknown>['type'], unknown][]) {
    await assert.rejects(put(type, value), (error) => isFault(error, 'invalid'), `${type} ${String(value)}`)
  }
})

test('a decimal is stored as its digits stand, by the quick way and by the exact one', async () => {
  const decimal = fc.tuple(
    fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }),
    fc.integer({ min: 0, max: 60 }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(decimal, { minLength: 1, maxLength: 200 }), async (drawn) => {
      const texts = drawn.map(([whole, shift]) => {
        const scaled = whole >> BigInt(shift)
        const digits = String(scaled < 0n ? -scaled : scaled).padStart(4, '0')
        return `${scaled < 0n ? '-' : ''}${digits.slice(0, -3)}.${digits.slice(-3)}`
      })
      const values: unknown[] = [...texts, ...texts.map(Number).filter((n) => Math.abs(n) < 1e11)]
      await columns.session(async (session) => {
        await session.load('t', [{ name: 'v', type: 'DECIMAL(18,3)', of: (value: unknown) => value }], [values])
        const stored = await session.rows<{ v: string }>('SELECT v FROM t ORDER BY rowid')
        stored.forEach(({ v }, index) => assert.equal(Number(v) + 0, Number(values[index]) + 0))
        stored
          .slice(0, texts.length)
          .forEach(({ v }, index) => assert.equal(v, texts[index]!.replace('-0.000', '0.000')))
      })
    }),
    { numRuns: 20 },
  )
})

test('the same rows give the same bytes', async () => {
  const query = `SELECT i, md5(i::VARCHAR) AS k, (i * 7919 % 1000)::DECIMAL(38,2) AS d FROM range(150000) r(i) ORDER BY k`
  const digests = new Set<string>()
  for (const name of ['a', 'b']) {
    const path = join(folder, `${name}.parquet`)
    await columns.run(parquet(query, path, { rows: 150_000, ours: true }))
    digests.add(digest(path))
  }
  assert.equal(digests.size, 1)
})

test('finds a BLOB that a file holds many times', async () => {
  // With a Bloom filter DuckDB 1.5 finds none of them.
  const path = join(folder, 'blobs.parquet')
  await columns.run(
    parquet(`SELECT md5((i // 20)::VARCHAR)::BLOB AS k FROM range(20000) r(i) ORDER BY k`, path, { rows: 20_000 }),
  )
  for (const ours of [true, false]) {
    const query = `SELECT unhex(md5((i // 20)::VARCHAR)) AS k FROM range(20000) r(i) ORDER BY k`
    await columns.run(parquet(query, path, { rows: 20_000, ours }))
    for (const i of [0, 1, 500, 999]) {
      const { n } = await columns.row<{ n: bigint }>(
        `SELECT count(*) AS n FROM read_parquet(${quote(path)}) WHERE k = unhex(md5('${i}'))`,
      )
      assert.equal(n, 20n)
    }
  }
})

test('a session has its tables to itself, and a failed statement does not end it', async () => {
  await columns.session(async (session) => {
    await session.run('CREATE TEMP TABLE own AS SELECT 1 AS x')
    await assert.rejects(session.run('SELECT nonsense'), (error) => isFault(error, 'invalid'))
    assert.deepEqual(await session.rows('FROM own'), [{ x: 1 }])
    await assert.rejects(columns.rows('FROM own'), (error) => isFault(error, 'invalid'))
  })
  await assert.rejects(columns.rows('FROM own'), (error) => isFault(error, 'invalid'))
})

test('lends a few connections at once and keeps the others waiting', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      columns.row<{ x: number }>(`SELECT ${i} AS x FROM range(1000) HAVING count(*) > 0`),
    ),
  )
  assert.deepEqual(
    answers.map(({ x }) => x),
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('closing waits for what runs', async () => {
  const own = await openColumns({ folder: join(folder, 'closing'), threads: 1 })
  const running = own.rows('SELECT count(*) AS n FROM range(3000000) a(i) WHERE i % 7 = 1')
  const waiting = Array.from({ length: 5 }, () => own.rows('SELECT 1').catch((error: unknown) => error))
  await own.close()
  assert.equal((await running).length, 1)
  await Promise.all(waiting)
  await assert.rejects(own.rows('SELECT 1'), (error) => isFault(error, 'unavailable'))
})

test('refuses a folder whose name DuckDB would take for a pattern', async () => {
  await assert.rejects(openColumns({ folder: join(folder, 'a[b]') }), (error) => isFault(error, 'refused_start'))
})

test('names and texts cannot leave their quotes', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !s.includes('\0') && s !== '__proto__'),
      async (text) => {
        const row = await columns.row(`SELECT ${quote(text)} AS ${identifier(text)}`)
        assert.deepEqual(Object.values(row), [text])
      },
    ),
    { numRuns: 50 },
  )
})
