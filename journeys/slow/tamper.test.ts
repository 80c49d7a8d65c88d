// Somebody alters what lies on the disk, or puts back an older copy of it.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client, Explanation } from '@whence/sdk'
import { Fault } from '../../server/src/fault.ts'
import { systemClock } from '../../server/src/record/time.ts'
import { openColumns, quote } from '../../server/src/store/columns.ts'
import { walk } from '../../server/src/store/files.ts'
import { customers, files, follow, letters, stream } from '../shop.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

/** Letters of long ago, which no window reaches: with them the log has two full tiles. */
const old = Array.from({ length: 600 }, (_, i) => ({
  ...letters[0]!,
  id: `old-${i}`,
  n: letters.length + 1 + i,
  customer: customers[i % customers.length]!,
  time: '2025-06-01T08:00:00Z',
  received: '2025-06-01T08:00:30Z',
}))

async function begin(site: Site): Promise<Running> {
  const server = await site.start()
  await server.client.apply({ files })
  await server.client.ingest(stream, letters)
  const { last } = await server.client.ingest(stream, old)
  // A proof is given of what is published: so the partial tile of an earlier edition lies there, however fast the machine is.
  await server.client.recordProof(last!)
  await follow(server.client)
  return server
}

let written = 1_000_000_000

/** Flips one bit of a file and gives the way to put it back. */
async function flip(path: string, at?: number): Promise<() => Promise<void>> {
  const bytes = await readFile(path)
  const offset = at ?? Math.floor(bytes.length / 2)
  const put = async (): Promise<void> => {
    bytes[offset]! ^= 1
    await writeFile(path, bytes)
    // DuckDB tells files apart by the second in which they were written.
    await utimes(path, ++written, written)
  }
  await put()
  return put
}

async function refusedStart(starting: Promise<Running>, ...names: RegExp[]): Promise<void> {
  const error: unknown = await starting.then(
    async (server) => {
      await server.stop()
      assert.fail('it started')
    },
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof Fault, String(error))
  assert.equal(error.code, 'refused_start', error.message)
  assert.doesNotMatch(error.message, /\n/, 'one line')
  for (const name of names) assert.match(error.message, name)
}

function contradictions({ alerts }: Explanation): string {
  return alerts
    .filter(({ truth }) => truth === 'contradicted')
    .map(({ text }) => text)
    .join('\n')
}

suite('one altered byte', () => {
  let site: Site
  let server: Running
  let whence: Client
  let all: string[]
  const one = (pattern: RegExp): string =>
    all.findLast((path) => pattern.test(path)) ?? assert.fail(`no file is like ${pattern}`)
  const indexLine = async (seq: number): Promise<Buffer> =>
    (await readFile(join(site.data, 'payloads/index'))).subarray(64 * seq, 64 * seq + 64)

  before(async () => {
    site = await Site.make()
    server = await begin(site)
    await server.stop()
    // Stopped and started, so that nothing is answered from what the writer remembers.
    server = await site.start()
    whence = server.client
    all = (await walk(site.data)).filter((path) => !path.startsWith('database/'))
    assert.deepEqual((await whence.verify()).problems, [])
  })
  after(() => site?.remove())

  /** Verification names `path` and says that it is `altered`, wherever in the file the byte lies. */
  async function found(path: string, offsets?: number[]): Promise<void> {
    const { size } = await stat(join(site.data, path))
    for (const at of offsets ?? [0, size >> 1, size - 1]) {
      const back = await flip(join(site.data, path), at)
      try {
        const { ok, problems } = await whence.verify()
        assert.equal(ok, false, `${path} at ${at}`)
        assert.ok(
          problems.some((problem) => problem.path === path || join(site.data, path) === problem.path),
          `${path} at ${at}: ${JSON.stringify(problems.slice(0, 3))}`,
        )
      } finally {
        await back()
      }
    }
    assert.equal((await whence.verify()).ok, true, 'all is well when the byte is back')
  }

  test('in a full tile is found, and the records below it are no longer intact', async () => {
    await found('log/tile/0/000')
    const customer = customers[3]!
    const first = letters.findIndex((letter) => letter.customer === customer)
    const { records } = await whence.records({ from: 0, limit: 100 })
    const seq = records.findIndex(({ entry }) => entry.kind === 'event/1') + first
    const back = await flip(join(site.data, 'log/tile/0/000'), 32 * (seq ^ 1))
    const explained = await whence.explain('p-dora')
    await back()
    assert.equal(explained.records.find((record) => record.seq === seq)!.integrity, 'altered')
    assert.match(contradictions(explained), /not under the root of the signed checkpoint/)
  })

  test('in a partial tile is found, in the last one and in those before it', async () => {
    const partial = all.filter((path) => /^log\/tile\/[01]\/.*\.p\//.test(path))
    assert.ok(partial.length >= 3, 'there are older partial tiles')
    for (const path of partial) await found(path)
  })

  test('in an entry bundle is found', async () => {
    await found('log/tile/entries/000')
    for (const path of all.filter((each) => /^log\/tile\/entries\/.*\.p\//.test(each))) await found(path)
  })

  test('in a payload is found; whoever was judged by it is told, nobody else', async () => {
    const [event] = (await whence.explain('p-bela')).events
    const at = (await indexLine(event!.seq)).readUIntLE(0, 6) + 5
    await found('payloads/000000.bin', [0, at])
    const back = await flip(join(site.data, 'payloads/000000.bin'), at)
    const [explained, other, replay] = [
      await whence.explain('p-bela'),
      await whence.explain('p-cleo'),
      await whence.replay({}),
    ]
    await back()
    assert.match(contradictions(explained), new RegExp(`[Rr]ecord ${event!.seq} .*payloads/000000.bin`))
    assert.match(explained.sentence, /contradicts/)
    assert.equal(explained.records.find(({ seq }) => seq === event!.seq)!.integrity, 'altered')
    assert.equal(contradictions(other), '')
    assert.deepEqual(replay.causes, { 'file altered': 1 })
    assert.deepEqual(
      replay.misses.map(({ id }) => id),
      ['p-bela'],
    )
  })

  test('in the index beside the payloads is found, whatever it says', async () => {
    const [event] = (await whence.explain('p-bela')).events
    const line = 64 * event!.seq
    const parts = { offset: 0, length: 6, flags: 10, stream: 12, identity: 20, subject: 40, commitment: 50 }
    for (const at of Object.values(parts)) await found('payloads/index', [line + at])
    const back = await flip(join(site.data, 'payloads/index'), line + parts.subject)
    const explained = await whence.explain('p-bela')
    await back()
    assert.match(contradictions(explained), new RegExp(`[Rr]ecord ${event!.seq}`))
  })

  test('in the key store is found', () => found('keys/subjects', [0, 4, 8, 30, 60, 127, 128 * 5 + 70]))

  test('in the checkpoint is found', () => found('log/checkpoint'))

  test('in a column file is found, and every explanation from it says so', async () => {
    const path = one(/^columns\/letters\/.*\.parquet$/)
    await found(path)
    const back = await flip(join(site.data, path))
    const [explained, replay] = [await whence.explain('p-bela'), await whence.replay({})]
    await back()
    assert.match(contradictions(explained), new RegExp(path))
    assert.equal(replay.exact, 0)
    assert.deepEqual(replay.causes, { 'file altered': customers.length })
  })

  for (const [what, pattern] of [
    ['the snapshot', /^features\/.*\.parquet$/],
    ['the list of its rows', /^features\/.*\.rows$/],
  ] as const) {
    test(`in ${what} is found, and every explanation from it says so`, async () => {
      await found(one(pattern))
      const back = await flip(join(site.data, one(pattern)))
      const [explained, replay] = [await whence.explain('p-bela'), await whence.replay({})]
      await back()
      assert.match(contradictions(explained), /features\/reader\/.* is altered/)
      assert.equal(replay.exact, 0)
      assert.deepEqual(replay.causes, { 'file altered': customers.length })
      assert.equal((await whence.replay({})).exact, customers.length)
    })
  }

  test('in the training set is found, and every explanation by its model says so', async () => {
    await found(one(/^training\/.*\.parquet$/))
    await found(one(/^training\/.*\.rows$/))
    const back = await flip(join(site.data, one(/^training\/.*\.parquet$/)))
    const explained = await whence.explain('p-bela')
    await back()
    assert.match(contradictions(explained), /training\/.* is altered/)
    assert.equal(contradictions(await whence.explain('p-bela')), '')
  })

  test('an event that is taken out of a column file is found, though the manifest was made to fit', async () => {
    const manifestPath = join(site.data, 'columns', stream, 'manifest.json')
    const { events } = await whence.explain('p-bela')
    const { seq } = events[2]!
    await server.stop()
    const saved = join(site.folder, 'columns')
    await cp(join(site.data, 'columns'), saved, { recursive: true })
    const manifest = JSON.parse(await readFile(manifestPath, 'utf8'))
    const columns = await openColumns({ folder: site.data })
    for (const file of manifest.files as {
      path: string
      rows: number
      sha256: string
      bytes: number
      from: number
      to: number
    }[]) {
      if (seq < file.from || seq >= file.to) continue
      const path = join(site.data, file.path)
      await columns.run(
        `COPY (SELECT * FROM ${quote(path)} WHERE seq <> ${seq}) TO ${quote(`${path}.new`)} (FORMAT parquet)`,
      )
      await rename(`${path}.new`, path)
      const bytes = await readFile(path)
      Object.assign(file, { rows: file.rows - 1, sha256: hash('sha256', bytes, 'hex'), bytes: bytes.length })
    }
    await columns.close()
    await writeFile(manifestPath, `${JSON.stringify(manifest, null, 1)}\n`)
    server = await site.start()
    whence = server.client
    const { ok, problems } = await whence.verify()
    const [explained, replay] = [await whence.explain('p-bela'), await whence.replay({})]
    await server.stop()
    await rm(join(site.data, 'columns'), { recursive: true })
    await rename(saved, join(site.data, 'columns'))
    server = await site.start()
    whence = server.client
    assert.equal(ok, false)
    assert.match(
      problems.map(({ path, message }) => `${path}: ${message}`).join('\n'),
      new RegExp(`columns/letters/.*\\b${seq}\\b`),
    )
    assert.match(contradictions(explained), new RegExp(`\\b${seq}\\b`))
    assert.ok(replay.misses.some(({ id }) => id === 'p-bela'))
    assert.equal((await whence.verify()).ok, true)
  })
})

suite('a folder that is not as it was left', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    await (await begin(site)).stop()
  })
  after(() => site?.remove())

  test('has one server: a second is refused, and the first goes on', async () => {
    server = await site.start()
    await refusedStart(site.start(), /is in use by process \d+/)
    assert.equal((await server.client.verify()).ok, true)
    await server.stop()
  })

  /** The start is refused while the file is altered or away, and is not when it is back. */
  async function refusedWithout(path: string, ...names: RegExp[]): Promise<void> {
    await rename(join(site.data, path), join(site.folder, 'away'))
    try {
      await refusedStart(site.start(), ...names)
    } finally {
      await rename(join(site.folder, 'away'), join(site.data, path))
    }
  }

  test('without its origin is refused', () => refusedWithout('origin', /origin is missing/))
  test('without its log key is refused', () => refusedWithout('keys/log.key', /log\.key is missing/))
  test('without its checkpoint is refused', () => refusedWithout('log/checkpoint', /checkpoint/))
  test('without its checkpoint is refused though nothing is pinned', async () => {
    const state = site.env.WHENCE_STATE!
    site.env.WHENCE_STATE = join(site.folder, 'elsewhere')
    await refusedWithout('log/checkpoint', /checkpoint is missing/).finally(() => (site.env.WHENCE_STATE = state))
  })
  test('without its index is refused', () => refusedWithout('payloads/index', /payloads end at record 0/))

  test('with another key-encryption key is refused', async () => {
    const other = await site.copy({ WHENCE_KEK: 'ab'.repeat(32) })
    try {
      await refusedStart(other.start(), /keys\/secrets does not open/, /key-encryption key/)
      other.env.WHENCE_KEK = 'too short'
      await refusedStart(other.start(), /WHENCE_KEK is not 64 hex digits/)
    } finally {
      await other.remove()
    }
  })

  test('with a clock that is behind its last record is refused', async () => {
    await refusedStart(
      site.start({ clock: { ...systemClock, now: () => systemClock.now() - 600_000_000 } }),
      /the clock is \d+ s behind/,
    )
  })

  test('with an altered checkpoint, tile or bundle at its end is refused, and the file named', async () => {
    const all = await walk(join(site.data, 'log'))
    const last = all.findLast((path) => path.startsWith('tile/0/'))!
    for (const [path, name] of [
      ['checkpoint', /log\/checkpoint is not signed/],
      [last, /a tile was altered/],
    ] as const) {
      const back = await flip(join(site.data, 'log', path))
      try {
        await refusedStart(site.start(), name)
        if (path === last) {
          const { code, stdout } = await site.whence('verify', join(site.data, 'log'))
          assert.equal(code, 1)
          assert.match(stdout, new RegExp(last.replaceAll('.', '\\.')))
        }
      } finally {
        await back()
      }
    }
  })

  test('with an index whose last line says otherwise is refused, and no payload is cut off', async () => {
    const index = join(site.data, 'payloads/index')
    const payloads = await readFile(join(site.data, 'payloads/000000.bin'))
    const { size } = await stat(index)
    for (const at of [1, 7]) {
      const back = await flip(index, size - 64 + at)
      try {
        await refusedStart(site.start(), /payloads/)
      } finally {
        await back()
      }
      assert.ok(payloads.equals(await readFile(join(site.data, 'payloads/000000.bin'))), 'the payloads are whole')
    }
  })

  test('is as it was after all this', async () => {
    server = await site.start()
    assert.deepEqual((await server.client.verify()).problems, [])
    await server.stop()
  })
})

suite('an older copy of the folder', () => {
  let site: Site
  let older: string

  before(async () => {
    site = await Site.make()
    const server = await begin(site)
    await server.stop()
    older = join(site.folder, 'older')
    await cp(site.data, older, { recursive: true })
    const again = await site.start()
    await again.client.ingest(stream, [{ ...letters[0]!, id: 'lost', n: 9000 }])
    await again.stop()
  })
  after(() => site?.remove())

  const pinned = /the checkpoint pinned in .*\.checkpoint is at record \d+, but the log ends at \d+/

  test(
    'under newer tables is refused, though nothing is pinned',
    { skip: process.env.DATABASE_URL ? 'tables lie in PostgreSQL' : false },
    async () => {
      await rename(join(site.data, 'database'), join(site.folder, 'database'))
      const newer = join(site.folder, 'newer')
      await rename(site.data, newer)
      await cp(older, site.data, { recursive: true })
      await rm(join(site.data, 'database'), { recursive: true })
      await cp(join(site.folder, 'database'), join(site.data, 'database'), { recursive: true })
      const state = site.env.WHENCE_STATE!
      site.env.WHENCE_STATE = join(site.folder, 'elsewhere')
      try {
        await refusedStart(
          site.start(),
          /the database has followed the log to record \d+, but the log ends at \d+/,
          /rebuild/,
        )
      } finally {
        site.env.WHENCE_STATE = state
        await rm(site.data, { recursive: true })
        await rename(newer, site.data)
        await rename(join(site.folder, 'database'), join(site.data, 'database'))
      }
    },
  )

  test('is refused: the pinned checkpoint is newer', async () => {
    await rm(site.data, { recursive: true })
    await cp(older, site.data, { recursive: true })
    await refusedStart(site.start(), pinned)
    await site.forgetTables()
    await refusedStart(site.start(), pinned)
  })

  test('goes on under a new origin once it is said that the newer one is lost', async () => {
    const unsure = await site.whence('recover')
    assert.equal(unsure.code, 2, unsure.stderr)
    await refusedStart(site.start(), pinned)
    const before = (await readFile(join(site.data, 'origin'), 'utf8')).trim()
    const { code, stdout, stderr } = await site.whence('recover', '--yes', '--json')
    assert.equal(code, 0, stderr)
    const { origin, previous, kept, abandoned } = JSON.parse(stdout)
    assert.equal(previous, before)
    assert.ok(origin.startsWith(`${before}/r2`), origin)
    assert.equal(abandoned, kept + 1)

    const server = await site.start()
    assert.equal(server.origin, origin)
    assert.deepEqual((await server.client.verify()).problems, [])
    const { records } = await server.client.records({ from: kept })
    assert.equal(records[0]!.entry.kind, 'log/1')
    assert.deepEqual(records[0]!.entry.refs, { origin, previous, abandoned: String(abandoned) })
    const explained = await server.client.explain('p-bela')
    assert.equal(explained.score.truth, 'recomputed')
    assert.equal(contradictions(explained), '')
    assert.equal((await server.client.ingest(stream, [{ ...letters[0]!, id: 'lost', n: 9000 }])).accounting.passed, 1)
    await server.stop()
  })

  test('cannot be recovered twice', async () => {
    const again = await site.whence('recover', '--yes')
    assert.equal(again.code, 2, again.stderr)
    assert.match(again.stderr, /nothing to recover from/)
    assert.ok(existsSync(join(site.data, 'origin')))
  })
})
