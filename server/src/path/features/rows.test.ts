import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFault } from '../../fault.ts'
import { parquet, quote } from '../../store/columns.ts'
import type { Column } from '../../store/columns.ts'
import { compileView } from './compile.ts'
import type { StreamShape } from './events.ts'
import { checkSnapshot, materialize, removeSubject, row, rows } from './materialize.ts'
import type { Materialized } from './materialize.ts'
import { agrees, recompute } from './recompute.ts'
import { rowText } from '../../record/tables/row-hashes.ts'
import { isListed, sweepRows } from './rows.ts'
import { columnsOf, memorySource, subject, testFolder } from './testing.ts'
import type { StreamEvent } from './testing.ts'
import { Spine } from './spine.ts'
import { writeTrainingSet } from './training-set.ts'
import { parseView } from './view.ts'

const base = await testFolder()
const shape: StreamShape = {
  stream: 'clicks',
  contract: 'clicks@1.0.0',
  columns: [
    { name: 'kind', type: 'VARCHAR' },
    { name: 'price', type: 'DECIMAL(18,2)' },
  ],
}
const compiled = await compileView(
  base.columns,
  parseView(
    `
kind: FeatureView
name: spending
entity: person
source: clicks
features:
  - { name: clicks, type: int64, expr: count(*) }
  - { name: spent, type: decimal, expr: sum(price) }
  - { name: last, type: string, expr: "arg_max(kind, time)" }
  - { name: rate, type: double, expr: "count(*) filter (where kind = 'k1') / count(*)" }
  - { name: since, type: timestamp, expr: max(time) }
`,
    'v.yaml',
  ),
  [shape],
)

function history(people: number, each: number): StreamEvent[] {
  return Array.from({ length: people * each }, (_, seq) => ({
    stream: 'clicks',
    seq,
    subject: subject(seq % people),
    time: seq * 1000,
    known: seq * 1000,
    values: [`k${seq % 3}`, (seq % 100) / 4],
  }))
}
const events = history(40, 5)
const at = 1_000_000_000
const place = await columnsOf(base, [shape], memorySource(events), [200])
let names = 0
const snapshot = (): Promise<Materialized> => materialize(place, compiled, { at, asOf: 200, name: `s${++names}` })
const digest = (path: string): string =>
  createHash('sha256')
    .update(readFileSync(join(place.folder, path)))
    .digest('hex')

test('a snapshot is ordered by subject; the same events give the same bytes and digests', async () => {
  const first = await snapshot()
  const second = await snapshot()
  const all = await rows(place, first, { limit: 1000 })
  assert.deepEqual(
    all.map((each) => each.subject),
    [...new Set(events.map((event) => event.subject))].toSorted(),
  )
  assert.equal(first.rows, 40)
  assert.equal(first.files[0]!.sha256, second.files[0]!.sha256)
  assert.equal(first.rowsDigest, second.rowsDigest)
  assert.equal(first.files[0]!.sha256, digest(first.files[0]!.path))
  assert.equal(readFileSync(join(place.folder, first.files[0]!.path)).length, first.files[0]!.bytes)
  assert.deepEqual(first.inputs, [
    {
      stream: 'clicks',
      contract: 'clicks@1.0.0',
      files: (await place.events.files('clicks')).map(({ path, sha256, from, to, rows }) => ({
        path,
        sha256,
        from,
        to,
        rows,
      })),
    },
  ])
  assert.equal(first.engine.semantics, 1)
})

test('its digest is the SHA-256 of its row hashes, which anybody can compute from the values', async () => {
  const made = await snapshot()
  const all = await rows(place, made, { limit: 1000 })
  const hashes = all.map(({ subject, values: { clicks, spent, last, rate, since } }) => {
    const shown = Number.isInteger(rate) ? `${rate as number}.0` : `${rate as number}`
    const text = `row/1,${subject},${clicks},${spent},${Buffer.byteLength(last as string)}:${last},${shown},${since}`
    return createHash('sha256').update(text).digest()
  })
  assert.deepEqual(
    all.map(({ hash }) => hash),
    hashes.map((hash) => hash.toString('hex')),
  )
  assert.equal(createHash('sha256').update(Buffer.concat(hashes)).digest('hex'), made.rowsDigest)
  assert.deepEqual(
    readFileSync(join(place.folder, made.files[0]!.path.replace('.parquet', '.rows'))),
    Buffer.concat(hashes),
  )
  assert.ok(await isListed(place, made.files[0]!.path, all[7]!.hash))
  assert.ok(!(await isListed(place, made.files[0]!.path, '0'.repeat(64))))
})

test('different rows never have the same text', async () => {
  const columns: Column[] = [
    { name: 'a', type: 'VARCHAR' },
    { name: 'b', type: 'BIGINT' },
    { name: 'c', type: 'VARCHAR' },
  ]
  const text = fc.option(fc.string({ unit: fc.constantFrom('-', ',', ':', '1', '2', 'é', '\0'), maxLength: 6 }), {
    nil: null,
  })
  const drawn = fc.tuple(text, fc.option(fc.bigInt({ min: -22n, max: 22n }), { nil: null }), text)
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(drawn, {
        selector: (each) => each.map(String).join('\u0001') + each.map((v) => v === null).join(),
        maxLength: 300,
      }),
      async (values) => {
        await base.columns.session(async (session) => {
          const fields = columns.map(({ name, type }, index) => ({ name, type, of: (row: unknown[]) => row[index] }))
          await session.load('t', [{ name: 'subject', type: 'BLOB', of: () => subject(1) }, ...fields], [values])
          const { n } = await session.row<{ n: bigint }>(`SELECT count(DISTINCT ${rowText(columns)}) AS n FROM t`)
          assert.equal(Number(n), values.length)
        })
      },
    ),
    { numRuns: 20 },
  )
})

test('rows are read one by one and page by page', async () => {
  const made = await snapshot()
  const all = await rows(place, made, { limit: 1000 })
  const pages = []
  for (let offset = 0; offset < 45; offset += 9) pages.push(...(await rows(place, made, { offset, limit: 9 })))
  assert.deepEqual(pages, all)
  assert.deepEqual(await row(place, made, all[3]!.subject), all[3])
  assert.equal(await row(place, made, subject(999)), undefined)
  await assert.rejects(row(place, made, "x' OR true"), (error) => isFault(error, 'invalid'))
})

async function rewrite(made: Materialized, query: (rows: string) => string): Promise<void> {
  const path = join(place.folder, made.files[0]!.path)
  await base.columns.run(`CREATE OR REPLACE TABLE stolen AS FROM read_parquet(${quote(path)})`)
  await base.columns.run(parquet(query('stolen'), path, { rows: made.rows }))
  await base.columns.run('DROP TABLE stolen')
}

const tampering: [string, (rows: string) => string, RegExp][] = [
  [
    'an altered value',
    (rows) => `SELECT * REPLACE (CASE WHEN rowid = 6 THEN 99 ELSE clicks END AS clicks) FROM ${rows} ORDER BY subject`,
    /Row 7 of/,
  ],
  ['a row taken out', (rows) => `FROM ${rows} WHERE rowid <> 6 ORDER BY subject`, /lacks 1 rows; 0 were removed/],
  [
    'a row put in',
    (rows) =>
      `FROM (FROM ${rows} UNION ALL SELECT * REPLACE ('\\xFF'::BLOB AS subject) FROM ${rows} WHERE rowid = 6) ORDER BY subject`,
    /Row 41 of/,
  ],
  ['two rows in another order', (rows) => `FROM ${rows} ORDER BY subject DESC`, /not one that was written/],
]
for (const [what, query, sentence] of tampering) {
  test(`finds ${what}`, async () => {
    const made = await snapshot()
    assert.deepEqual(await checkSnapshot(place, made), { problems: [], rows: 40, removed: 0 })
    await rewrite(made, query)
    const { problems } = await checkSnapshot(place, made)
    assert.ok(problems.some((each) => /its digest is not the one recorded/.test(each.sentence)))
    assert.ok(
      problems.some((each) => sentence.test(each.sentence)),
      JSON.stringify(problems),
    )
    // Also when the digest that is expected of the file is made to fit: the list of row hashes tells.
    const fitting = { ...made.files[0]!, sha256: digest(made.files[0]!.path) }
    assert.ok((await checkSnapshot(place, made, [fitting])).problems.some((each) => sentence.test(each.sentence)))
  })
}

test('finds an altered or missing list of row hashes, and a missing file', async () => {
  const made = await snapshot()
  const list = join(place.folder, made.files[0]!.path.replace('.parquet', '.rows'))
  const bytes = readFileSync(list)
  bytes[5]! ^= 1
  writeFileSync(list, bytes)
  const altered = await checkSnapshot(place, made)
  assert.ok(altered.problems.some(({ sentence }) => /list of row hashes is altered/.test(sentence)))
  rmSync(list)
  assert.deepEqual(
    (await checkSnapshot(place, made)).problems.map(({ problem }) => problem),
    ['missing'],
  )
  const other = await snapshot()
  rmSync(join(place.folder, other.files[0]!.path))
  assert.deepEqual(
    (await checkSnapshot(place, other)).problems.map(({ problem }) => problem),
    ['missing'],
  )
})

test('after an erasure everything else is still shown to be what was written', async () => {
  const made = await snapshot()
  const [file] = made.files
  const before = await rows(place, made, { limit: 1000 })
  const first = await removeSubject(place, made, file!, before[0]!.subject)
  const second = await removeSubject(place, made, first!.file, before[20]!.subject)
  assert.equal(first!.removed, 1)
  assert.equal(first!.before, file!.sha256)
  assert.equal(second!.before, first!.after)
  assert.equal(second!.after, digest(file!.path))
  assert.deepEqual(await checkSnapshot(place, made, [second!.file]), { problems: [], rows: 40, removed: 2 })
  assert.deepEqual(
    await rows(place, made, { limit: 1000 }),
    before.filter((_, index) => index !== 0 && index !== 20),
  )
  assert.equal(await removeSubject(place, made, second!.file, before[0]!.subject), undefined)

  await rewrite(made, (rows) => `FROM ${rows} WHERE rowid <> 3 ORDER BY subject`)
  const { problems } = await checkSnapshot(place, made, [second!.file])
  assert.ok(problems.some(({ sentence }) => /lacks 3 rows; 2 were removed/.test(sentence)))
})

test('an erasure that was cut off before its record may be made again', async () => {
  const made = await snapshot()
  const [file] = made.files
  const done = await removeSubject(place, made, file!, subject(1))
  assert.deepEqual(await removeSubject(place, made, file!, subject(1)), done)
  await rewrite(made, (rows) => `SELECT * REPLACE (6 AS clicks) FROM ${rows} ORDER BY subject`)
  await assert.rejects(removeSubject(place, made, file!, subject(1)), (error) => isFault(error, 'altered'))
})

test('sweeps away what no record names', async () => {
  const own = await columnsOf(base, [shape], memorySource(events), [200])
  assert.deepEqual(await sweepRows({ folder: join(own.folder, 'nothing') }, []), [])
  const made = await materialize(own, compiled, { at, asOf: 200, name: 'kept' })
  await materialize(own, compiled, { at, asOf: 200, name: 'unrecorded' })
  writeFileSync(join(own.folder, `${made.files[0]!.path}.tmp`), 'half')
  const swept = await sweepRows(
    own,
    made.files.map(({ path }) => path),
  )
  assert.deepEqual(swept, [
    'features/spending/kept-0.parquet.tmp',
    'features/spending/unrecorded-0.parquet',
    'features/spending/unrecorded-0.rows',
  ])
  assert.deepEqual(await checkSnapshot(own, made), { problems: [], rows: 40, removed: 0 })
})

const views = [{ name: compiled.view.name, version: 1, compiled }]

test('a training set gives the same bytes, takes labels of one kind, and cannot look ahead', async () => {
  const spine = events
    .slice(0, 60)
    .map((event, index) => ({ subject: event.subject, at: event.time, label: index % 2 }))
  const [first, second] = [
    await writeTrainingSet(place, views, { name: 't1', asOf: 200, spine: Spine.of(spine, 200) }),
    await writeTrainingSet(place, views, { name: 't2', asOf: 200, spine: Spine.of(spine, 200) }),
  ]
  assert.equal(first.files[0]!.sha256, second.files[0]!.sha256)
  assert.equal(first.rowsDigest, second.rowsDigest)
  assert.deepEqual(await checkSnapshot(place, first), { problems: [], rows: 60, removed: 0 })
  const path = join(place.folder, first.files[0]!.path)
  const values = await base.columns.rows(
    `SELECT at, label, present, clicks FROM read_parquet(${quote(path)}) ORDER BY at`
      .replaceAll('at,', '"at",')
      .replace('BY at', 'BY "at"'),
  )
  values.forEach((each, index) => {
    // A person's n-th event is seen by the row at its time; the ones after it are not.
    assert.deepEqual(each, {
      at: index * 1000,
      label: index % 2,
      present: true,
      clicks: BigInt(Math.floor(index / 40) + 1),
    })
  })
  assert.throws(
    () => Spine.of([spine[0]!, { ...spine[1]!, label: true }], 200),
    (error) => isFault(error, 'invalid'),
  )
  const later = await writeTrainingSet(place, views, {
    name: 't4',
    asOf: 10,
    spine: Spine.of([{ ...spine[0]!, asOf: 200, at }], 10),
  })
  const [only] = await rows(place, later, {})
  assert.equal(only!.values['clicks'], 1n)
})

test('recomputes from the events given, and from no others', async () => {
  const own = events.filter((event) => event.subject === subject(3))
  const ask = { subject: subject(3), at, asOf: 200 }
  const made = await snapshot()
  assert.deepEqual(
    await recompute(base.columns, compiled, ask, { clicks: own }),
    (await row(place, made, subject(3)))!.values,
  )
  const fewer = await recompute(base.columns, compiled, ask, { clicks: own.slice(1) })
  assert.equal(fewer['clicks'], 4n)
  assert.equal((await recompute(base.columns, compiled, ask, {}))['clicks'], 0n)
  await assert.rejects(recompute(base.columns, compiled, ask, { clicks: events }), (error) => isFault(error, 'invalid'))
})

test('values agree when equal, or within the tolerance', () => {
  const [count, spent, , rate] = compiled.features
  const tolerant = { ...rate!, tolerance: 0.01 }
  assert.ok(agrees(count!, 3n, 3n))
  assert.ok(!agrees(count!, 3n, 4n))
  assert.ok(!agrees(count!, null, 0n))
  assert.ok(agrees(count!, null, null))
  assert.ok(!agrees(rate!, 0.5, 0.5000001))
  assert.ok(agrees(tolerant, 0.5, 0.509))
  assert.ok(!agrees(tolerant, 0.5, 0.52))
  assert.ok(agrees(count!, 3, 3n))
  assert.ok(agrees(spent!, 12.5, '12.50'))
  assert.ok(!agrees(spent!, 12.51, '12.50'))
  assert.ok(!agrees(spent!, '12345678901234567890.01', '12345678901234567890.02'))
  assert.ok(agrees({ ...rate!, tolerance: 0.01 }, NaN, NaN))
})
