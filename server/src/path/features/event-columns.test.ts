import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFault } from '../../fault.ts'
import type { Column } from '../../store/columns.ts'
import { parquet, quote } from '../../store/columns.ts'
import { EventColumns } from './event-columns.ts'
import type { ColumnFile } from './event-columns.ts'
import type { StreamShape } from './events.ts'
import { columnsOf, memorySource, subject, testFolder } from './testing.ts'
import type { MemorySource, StreamEvent } from './testing.ts'

const base = await testFolder()
const shape: StreamShape = { stream: 'clicks', contract: 'clicks@1.0.0', columns: [{ name: 'kind', type: 'VARCHAR' }] }
const later: Column[] = [...shape.columns, { name: 'n', type: 'BIGINT' }]

function eventsOf(count: number, from = 0): StreamEvent[] {
  return Array.from({ length: count }, (_, index) => {
    const seq = from + index * 2
    return {
      stream: 'clicks',
      seq,
      subject: subject(seq % 5),
      time: (seq * 7919) % 1000,
      known: seq,
      values: [`k${seq % 3}`, seq],
    }
  })
}

type Place = Awaited<ReturnType<typeof columnsOf>>

async function seqsIn(place: Place, asOf: number, columns = shape.columns): Promise<number[]> {
  const rows = await place.events.use([{ ...shape, columns }], asOf, (relations) =>
    base.columns.rows<{ seq: bigint }>(`SELECT seq FROM ${relations('clicks')} WHERE seq < ${asOf} ORDER BY seq`),
  )
  return rows.map(({ seq }) => Number(seq))
}

const manifestOf = (place: Place): { to: number; files: ColumnFile[] } =>
  JSON.parse(readFileSync(join(place.folder, 'columns/clicks/manifest.json'), 'utf8'))
const onDisk = (place: Place): string[] => readdirSync(join(place.folder, 'columns/clicks')).sort()
const digest = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')
const again = (place: Place, source: MemorySource): Place => ({
  ...place,
  events: new EventColumns({ columns: base.columns, folder: place.folder, source }),
})

test('follows the ledger, in whatever steps', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 40 }),
      fc.array(fc.integer({ min: 1, max: 61 }), { maxLength: 5 }),
      async (seqs, cuts) => {
        const events = eventsOf(61)
          .map((event, seq) => ({ ...event, seq }))
          .filter(({ seq }) => seqs.includes(seq))
        const positions = [...cuts.toSorted((a, b) => a - b), 61]
        const place = await columnsOf(base, [shape], memorySource(events), positions, { cut: 9 })
        for (const asOf of [0, 17, 61]) {
          assert.deepEqual(
            await seqsIn(place, asOf),
            events.map(({ seq }) => seq).filter((seq) => seq < asOf),
          )
        }
        assert.equal(await place.events.position('clicks'), 61)
        assert.deepEqual(await place.events.check('clicks', { deep: true }), [])
        await place.events.settled()
        assert.deepEqual(
          onDisk(place),
          ['manifest.json', ...manifestOf(place).files.map(({ path }) => path.split('/').at(-1)!)].sort(),
        )
      },
    ),
    { numRuns: 12 },
  )
})

test('each file is sorted by subject, time and seq, and covers what the manifest says', async () => {
  const place = await columnsOf(base, [shape], memorySource(eventsOf(100)), [50, 200])
  for (const file of manifestOf(place).files) {
    const path = join(place.folder, file.path)
    const rows = await base.columns.rows(
      `SELECT hex(subject) AS s, time, seq FROM read_parquet(${quote(path)}, file_row_number = true) ORDER BY file_row_number`,
    )
    const sorted = await base.columns.rows(
      `SELECT hex(subject) AS s, time, seq FROM read_parquet(${quote(path)}) ORDER BY subject, time, seq`,
    )
    assert.deepEqual(rows, sorted)
    assert.equal(rows.length, file.rows)
    assert.equal(digest(path), file.sha256)
    assert.equal(statSync(path).size, file.bytes)
    assert.ok(rows.every(({ seq }) => Number(seq) >= file.from && Number(seq) < file.to))
  }
})

test('the same events in the same steps give the same bytes', async () => {
  const digests = []
  for (const batch of [7, 50]) {
    const place = await columnsOf(base, [shape], memorySource(eventsOf(3000), batch), [2000, 6000])
    await place.events.settled()
    digests.push(manifestOf(place).files.map(({ sha256 }) => sha256))
  }
  assert.deepEqual(digests[0], digests[1])
})

test('many small steps leave few files', async () => {
  const source = memorySource(eventsOf(30_000), 5000)
  const place = await columnsOf(base, [shape], source, [30_000, 40_000, 50_000, 50_002, 50_004, 50_100, 60_000])
  await place.events.settled()
  const { files } = manifestOf(place)
  assert.ok(files.length <= 3, JSON.stringify(files.map(({ rows }) => rows)))
  assert.equal(files[0]!.from, 0)
  assert.equal(files.at(-1)!.to, 60_000)
  assert.equal(
    files.reduce((sum, { rows }) => sum + rows, 0),
    30_000,
  )
  assert.deepEqual(await place.events.check('clicks', { deep: true }), [])
})

test('concurrent calls for one stream wait for each other', async () => {
  const source = memorySource(eventsOf(100))
  const place = await columnsOf(base, [], source, [])
  await Promise.all([200, 20, 120, 200, 60].map((to) => place.events.extend('clicks', shape.columns, to)))
  assert.deepEqual(
    await seqsIn(place, 200),
    source.all.map(({ seq }) => seq),
  )
})

test('a position beyond the files is not guessed', async () => {
  const place = await columnsOf(base, [shape], memorySource(eventsOf(10)), [10])
  await assert.rejects(seqsIn(place, 11), (error) => isFault(error, 'internal'))
})

test('a column that a later contract adds is NULL in older events, before and after a merge', async () => {
  const source = memorySource(eventsOf(9000), 1000)
  const place = await columnsOf(base, [shape], source, [17_000])
  await place.events.extend('clicks', later, 18_000)
  const nulls = async (): Promise<unknown> =>
    place.events.use([{ ...shape, columns: later }], 18_000, (relations) =>
      base.columns.row(`SELECT count(*) AS all, count(n) AS filled, max(n) AS most FROM ${relations('clicks')}`),
    )
  const expected = { all: 9000n, filled: 500n, most: 17_998n }
  assert.deepEqual(await nulls(), expected)
  await place.events.settled()
  assert.deepEqual(await nulls(), expected)
  assert.deepEqual(
    await seqsIn(place, 18_000),
    source.all.map(({ seq }) => seq),
  )
})

test('a column that changes its type asks for a rebuild, which works', async () => {
  const source = memorySource(eventsOf(10).map((event) => ({ ...event, values: [event.seq] })))
  const place = await columnsOf(base, [], source, [])
  await place.events.extend('clicks', [{ name: 'n', type: 'BIGINT' }], 10)
  const decimal: Column[] = [{ name: 'n', type: 'DECIMAL(18,2)' }]
  await assert.rejects(place.events.extend('clicks', decimal, 20), (error) => isFault(error, 'conflict'))
  await place.events.rebuild('clicks', decimal, 20)
  assert.deepEqual(
    await seqsIn(place, 20, decimal),
    source.all.map(({ seq }) => seq),
  )
})

test('columns may have the names of ours', async () => {
  const columns: Column[] = ['seq', 'Subject', 'TIME', 'known', 'in:0', 'field.x', 'a"b'].map((name) => ({
    name,
    type: 'BIGINT',
  }))
  const source = memorySource([{ ...eventsOf(1)[0]!, values: [1, 2, 3, 4, 5, 6, 7] }])
  const place = await columnsOf(base, [{ ...shape, columns }], source, [1])
  assert.deepEqual(await seqsIn(place, 1, columns), [0])
  assert.deepEqual(await place.events.check('clicks', { deep: true }), [])
  await assert.rejects(place.events.extend('clicks', [...columns, { name: 'SEQ', type: 'BIGINT' }], 2), (error) =>
    isFault(error, 'invalid'),
  )
})

test('a source that fails, or gives events out of order, changes nothing', async () => {
  const source = memorySource(eventsOf(20))
  const place = await columnsOf(base, [shape], source, [20])
  const before = manifestOf(place)
  const { events } = source
  for (const broken of [
    async function* () {
      yield eventsOf(3, 20)
      throw new Error('the ledger has closed')
    },
    async function* () {
      yield eventsOf(3, 20).reverse()
    },
    async function* () {
      yield eventsOf(3, 38)
    },
    async function* () {
      yield eventsOf(1, 20).map((event) => ({ ...event, values: [5] }))
    },
  ]) {
    source.events = broken
    await assert.rejects(place.events.extend('clicks', shape.columns, 40))
    assert.deepEqual(manifestOf(place), before)
  }
  source.events = events
  await place.events.extend('clicks', shape.columns, 40)
  assert.deepEqual(
    await seqsIn(place, 40),
    source.all.map(({ seq }) => seq),
  )
  assert.deepEqual(await place.events.check('clicks', { deep: true }), [])
})

test('what a crash left is cleared away, and the files go on from there', async () => {
  const source = memorySource(eventsOf(20))
  const place = await columnsOf(base, [shape], source, [20])
  const folder = join(place.folder, 'columns/clicks')
  for (const name of ['20-40.parquet.tmp', '20-40.parquet', '0-40-r1.parquet', 'manifest.json.tmp']) {
    writeFileSync(join(folder, name), 'half a file')
  }
  const restarted = again(place, source)
  assert.deepEqual(await seqsIn(restarted, 20), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
  await restarted.events.extend('clicks', shape.columns, 40)
  await restarted.events.settled()
  assert.deepEqual(await restarted.events.check('clicks', { deep: true }), [])
  assert.equal(onDisk(restarted).length, 2)
})

test('a damaged manifest is said to be so, and a rebuild repairs it', async () => {
  const source = memorySource(eventsOf(20))
  const place = await columnsOf(base, [shape], source, [40])
  writeFileSync(join(place.folder, 'columns/clicks/manifest.json'), '{"version":')
  const restarted = again(place, source)
  await assert.rejects(restarted.events.check('clicks'), (error) => isFault(error, 'altered'))
  await restarted.events.rebuild('clicks', shape.columns, 40)
  assert.deepEqual(
    await seqsIn(restarted, 40),
    source.all.map(({ seq }) => seq),
  )
})

/** Writes a file again as a query of its rows, as somebody would who has the disk. */
async function tamper(place: Place, query: (rows: string) => string, hide: boolean): Promise<string> {
  const manifest = manifestOf(place)
  const file = manifest.files[0]!
  const path = join(place.folder, file.path)
  await base.columns.run(`CREATE OR REPLACE TABLE stolen AS FROM read_parquet(${quote(path)})`)
  await base.columns.run(parquet(query('stolen'), path, { rows: file.rows, ours: true }))
  await base.columns.run('DROP TABLE stolen')
  if (hide) {
    Object.assign(file, { sha256: digest(path), bytes: statSync(path).size })
    writeFileSync(join(place.folder, 'columns/clicks/manifest.json'), JSON.stringify(manifest))
  }
  return file.path
}

const tampering: [string, (rows: string) => string, { problem: string; seq: number }[]][] = [
  ['an event taken out', (rows) => `FROM ${rows} WHERE seq <> 8`, [{ problem: 'missing', seq: 8 }]],
  [
    'an event put in',
    (rows) => `FROM ${rows} UNION ALL SELECT 9, subject, time, known, kind FROM ${rows} WHERE seq = 8`,
    [{ problem: 'extra', seq: 9 }],
  ],
  [
    'an event put in twice',
    (rows) => `FROM ${rows} UNION ALL FROM ${rows} WHERE seq = 8`,
    [{ problem: 'extra', seq: 8 }],
  ],
  [
    'an event of another range',
    (rows) => `SELECT * REPLACE (CASE seq WHEN 8 THEN 800 ELSE seq END AS seq) FROM ${rows}`,
    [
      { problem: 'missing', seq: 8 },
      { problem: 'extra', seq: 800 },
    ],
  ],
]
for (const [what, query, expected] of tampering) {
  for (const hide of [false, true]) {
    test(`finds ${what} of a column file${hide ? ', also when the manifest was made to fit' : ''}`, async () => {
      const source = memorySource(eventsOf(20))
      const place = await columnsOf(base, [shape], source, [40])
      assert.deepEqual(await place.events.check('clicks'), [])
      const path = await tamper(place, query, hide)
      const found = await (hide ? again(place, source) : place).events.check('clicks')
      assert.deepEqual(
        found.map(({ problem, seq }) => ({ problem, seq })),
        expected,
      )
      assert.ok(found.every((problem) => problem.path === path && problem.sentence.includes(`${problem.seq}`)))
    })
  }
}

test('finds an altered value, and names its event', async () => {
  const source = memorySource(eventsOf(20))
  const place = await columnsOf(base, [shape], source, [40])
  const change = (rows: string): string =>
    `SELECT * REPLACE (CASE seq WHEN 8 THEN 'other' ELSE kind END AS kind) FROM ${rows}`
  await tamper(place, change, false)
  assert.deepEqual(
    (await place.events.check('clicks')).map(({ problem, seq }) => [problem, seq]),
    [['altered', 8]],
  )
  await tamper(place, change, true)
  const restarted = again(place, source)
  assert.deepEqual(await restarted.events.check('clicks'), [])
  const deep = await restarted.events.check('clicks', { deep: true })
  assert.deepEqual(
    deep.map(({ problem, seq }) => [problem, seq]),
    [['altered', 8]],
  )
})

test('finds a file that is gone, cannot be read, or is not named', async () => {
  const source = memorySource(eventsOf(20))
  const place = await columnsOf(base, [shape], source, [40])
  const path = join(place.folder, manifestOf(place).files[0]!.path)
  const bytes = readFileSync(path)
  writeFileSync(path, bytes.fill(0xff, bytes.length - 200))
  assert.deepEqual(
    (await place.events.check('clicks')).map(({ problem }) => problem),
    ['altered'],
  )
  rmSync(path)
  assert.deepEqual(
    (await place.events.check('clicks')).map(({ problem }) => problem),
    ['missing'],
  )
  const manifest = manifestOf(place)
  writeFileSync(join(place.folder, 'columns/clicks/manifest.json'), JSON.stringify({ ...manifest, files: [] }))
  const unnamed = await again(place, source).events.check('clicks')
  assert.deepEqual(
    unnamed.map(({ problem, seq }) => [problem, seq]),
    source.all.map(({ seq }) => ['missing', seq]),
  )
})

test('a file found in order is not read again until it changes', async () => {
  const source = memorySource(eventsOf(20))
  let asked = 0
  const { members } = source
  source.members = (...range) => {
    asked += 1
    return members(...range)
  }
  const place = await columnsOf(base, [shape], source, [50])
  await place.events.check('clicks')
  const first = asked
  await place.events.check('clicks')
  assert.equal(asked, first)
  const path = join(place.folder, manifestOf(place).files[0]!.path)
  writeFileSync(path, readFileSync(path))
  await place.events.check('clicks')
  assert.ok(asked > first)
})

test('erasing writes the files again without the rows, and says what it did', async () => {
  const source = memorySource(eventsOf(100))
  const place = await columnsOf(base, [shape], source, [100, 200], { cut: 40 })
  await place.events.settled()
  const gone = [subject(1), subject(4)]
  const before = manifestOf(place).files
  source.all = source.all.filter((event) => !gone.includes(event.subject))
  const rewritten = await place.events.remove('clicks', gone)

  assert.equal(
    rewritten.reduce((sum, { removed }) => sum + removed, 0),
    40,
  )
  assert.deepEqual(
    rewritten.map(({ path, before }) => [path, before]),
    before.map(({ path, sha256 }) => [path, sha256]),
  )
  for (const { path, now, after } of rewritten) {
    assert.ok(!existsSync(join(place.folder, path)))
    assert.equal(digest(join(place.folder, now)), after)
  }
  assert.deepEqual(
    await seqsIn(place, 200),
    source.all.map(({ seq }) => seq),
  )
  assert.deepEqual(await place.events.check('clicks', { deep: true }), [])
  assert.deepEqual(await place.events.remove('clicks', gone), [])
  assert.deepEqual(await again(place, source).events.check('clicks', { deep: true }), [])
})

test('erasing while files are merged and read leaves the rows nowhere', async () => {
  const source = memorySource(eventsOf(40_000), 5000)
  const place = await columnsOf(base, [shape], source, [20_000, 40_000, 60_000, 80_000])
  let read: Promise<unknown> | undefined
  let started: () => void = () => {}
  const reading = new Promise<void>((resolve) => (started = resolve))
  read = place.events.use([shape], 80_000, async (relations) => {
    started()
    await new Promise((resolve) => setTimeout(resolve, 100))
    return base.columns.row(`SELECT count(*) AS n FROM ${relations('clicks')}`)
  })
  await reading
  source.all = source.all.filter((event) => event.subject !== subject(0))
  await place.events.remove('clicks', subject(0))
  assert.deepEqual(await read, { n: 40_000n })
  await place.events.settled()
  for (const name of onDisk(place).filter((each) => each.endsWith('.parquet'))) {
    const path = join(place.folder, 'columns/clicks', name)
    const { n } = await base.columns.row<{ n: bigint }>(
      `SELECT count(*) AS n FROM read_parquet(${quote(path)}) WHERE lower(hex(subject)) = '${subject(0)}'`,
    )
    assert.equal(n, 0n)
  }
  assert.equal(onDisk(place).length, manifestOf(place).files.length + 1)
  assert.deepEqual(await place.events.check('clicks'), [])
})

test('a stream name cannot leave its folder', async () => {
  const place = await columnsOf(base, [], memorySource([]), [])
  for (const name of ['../x', 'a/b', '', '.', '..', 'a b', '*']) {
    await assert.rejects(place.events.extend(name, [], 1), (error) => isFault(error, 'invalid'), name)
  }
})
