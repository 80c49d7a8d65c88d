// Files as they really arrive: cut off, mistyped, doubled, far too large. Every line is accounted for by its number, what
// cannot be read is kept as it came, running it again adds nothing, and the next good event is taken.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, suite, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Accounting } from '@whence/sdk'
import { run } from '../server/src/cli/testing.ts'
import type { Ran } from '../server/src/cli/testing.ts'
import { addsUp, collect, refused } from './answers.ts'
import { customers, files, letters, stream } from './shop.ts'
import type { Letter } from './shop.ts'
import { main, Site } from './site.ts'
import type { Running } from './site.ts'

/** What `whence ingest --json` says. */
interface Account {
  accounting: Accounting
  blank: { count: number; lines: number[] }
  exceptions: {
    count: number
    results: {
      line: number
      status: string
      outcome?: string
      broken?: string
      problem?: { code: string }
      violations?: { rule: string; path: string }[]
    }[]
  }
  stopped?: string
}

const columns = [
  'id',
  'n',
  'event',
  'time',
  'received',
  'customer',
  'email',
  'campaign',
  'creative',
  'consent',
] as const
const header = columns.join(',')

let made = 0

/** A letter that was never sent before. */
function letter(over: Partial<Record<keyof Letter, unknown>> = {}): Record<string, unknown> {
  made++
  return { ...letters[0]!, id: `bad-${made}`, n: 10_000 + made, customer: customers[made % 10]!, ...over }
}

const line = (over: Partial<Record<keyof Letter, unknown>> = {}): string => JSON.stringify(letter(over))

const row = (over: Partial<Record<keyof Letter, unknown>> = {}): string => {
  const values = letter(over)
  return columns.map((name) => String(values[name])).join(',')
}

const none = { received: 0, passed: 0, flagged: 0, quarantined: 0, dropped: 0, duplicate: 0, conflict: 0, refused: 0 }

suite('whence ingest, given what is bad', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await server.client.apply({ files })
  })
  after(() => site?.remove())

  afterEach(async () => {
    assert.equal((await server.client.ingest(stream, [letter()])).accounting.passed, 1, 'the next good one is taken')
    const { sinceStart } = await server.client.stream(stream)
    addsUp(sinceStart)
    assert.equal((await server.client.status()).follower.lag, 0)
  })

  const size = async (): Promise<number> => (await server.client.status()).size

  /** The command line in this process, which spares its start; those that die or meet are processes of their own. */
  const whence = (...args: string[]) => run(args, server.client, { cwd: site.folder })

  /** Ingests a file, accounts for it, and does it again, which adds nothing. */
  async function ingest(name: string, content: string | Uint8Array): Promise<{ ran: Ran } & Account> {
    await writeFile(join(site.folder, name), content)
    const before = await size()
    const ran = await whence('ingest', stream, name, '--json')
    const account = JSON.parse(ran.stdout) as Account
    addsUp(account.accounting)
    const { accounting } = account
    const { received, passed, flagged, quarantined, dropped, refused, duplicate } = accounting
    const recorded = passed + flagged + quarantined + dropped
    const between = await size()
    assert.equal(between, before + recorded + accounting.conflict, 'each of them is one record')
    assert.equal(ran.code, refused + accounting.conflict > 0 || account.stopped !== undefined ? 1 : 0, ran.stderr)

    const again = JSON.parse((await whence('ingest', stream, name, '--json')).stdout) as Account
    assert.equal(await size(), between, 'a second time adds nothing')
    assert.deepEqual(again.accounting, {
      ...none,
      received,
      duplicate: duplicate + recorded,
      conflict: accounting.conflict,
      refused,
    })
    return { ran, ...account }
  }

  /** What quarantine holds of a line of a file. */
  const kept = async (file: string, number: number) => {
    const found = await server.client.quarantined({ stream, line: number })
    return found.filter((each) => each.file === file)
  }

  test('NDJSON: names line, rule and path of what breaks the contract, and keeps it byte for byte', async () => {
    const odd: [text: string | Buffer, rule: string, path: string][] = [
      [line({ n: 'seven' }), 'n.type', '/n'],
      [line({ consent: 'yes' }), 'consent.type', '/consent'],
      [line({ customer: undefined }), 'customer.required', '/customer'],
      [line({ id: null }), 'event_id', '/id'],
      [line({ id: 'a\0b' }), 'event_id', '/id'],
      [line({ id: 'x'.repeat(4000) }), 'event_id', '/id'],
      [line({ time: '2026-01-10T08:00:00' }), 'event_time', '/time'],
      [line({ received: 'yesterday' }), 'known_at', '/received'],
      [line().replace(/"n":\d+/, '"n":9007199254740993'), 'json.number', '/n'],
      [line().replace('{', '{"customer":"cust-other",'), 'json.key', '/customer'],
      [line({ campaign: '\ud800' }), 'json.utf8', '/campaign'],
      [Buffer.from(line({ campaign: 'caf\xe9' }), 'latin1'), 'json.utf8', ''],
      ['[1, 2]', 'type', ''],
      ['"{}"', 'type', ''],
      ['NaN', 'json.syntax', ''],
      ['{"a":'.repeat(100_000), 'json.depth', ''],
      // The last line of a file that was cut off while it was copied.
      [line().slice(0, 80), 'json.syntax', ''],
    ]
    const first = [line(), '', line({ colour: 'red' } as object), ' \t ']
    const text = Buffer.concat(
      [...first, ...odd.map(([each]) => each)].flatMap((each, i) => [
        Buffer.from(i === 0 ? '' : '\n'),
        Buffer.from(each as string),
      ]),
    )
    const { accounting, blank, exceptions } = await ingest('odd.ndjson', text)
    assert.deepEqual(accounting, {
      ...none,
      received: 2 + odd.length,
      passed: 1,
      flagged: 1,
      quarantined: odd.length,
    })
    assert.deepEqual(blank, { count: 2, lines: [2, 4] })
    assert.equal(exceptions.count, odd.length)
    for (const [i, [each, rule, path]] of odd.entries()) {
      const number = first.length + i + 1
      const result = exceptions.results[i]!
      assert.equal(result.line, number)
      assert.equal(result.outcome, 'quarantined')
      assert.ok(
        result.violations!.some((violation) => violation.rule === rule && violation.path === path),
        `line ${number} breaks ${JSON.stringify(result.violations)}, not ${rule} at "${path}"`,
      )
      const [item, ...more] = await kept('odd.ndjson', number)
      assert.equal(more.length, 0)
      assert.equal(item!.content, Buffer.from(each as string).toString())
    }
  })

  test('the same id: with the same content once, with other content a conflict that keeps both', async () => {
    const one = letter()
    const { ran, accounting, exceptions } = await ingest(
      'twice.ndjson',
      [one, one, { ...one, creative: 'B' }, Object.fromEntries(Object.entries(one).reverse())]
        .map((each) => JSON.stringify(each))
        .join('\n'),
    )
    assert.deepEqual(accounting, { ...none, received: 4, passed: 1, duplicate: 2, conflict: 1 })
    assert.deepEqual(
      exceptions.results.map((each) => [each.line, each.status]),
      [[3, 'conflict']],
    )
    assert.equal(ran.code, 1)
    const found = await server.client.quarantined({ stream, limit: 1 })
    assert.equal(found[0]!.reason, 'conflict')
    assert.equal(found[0]!.content, JSON.stringify({ ...one, creative: 'B' }))
  })

  test('CSV: a quote never closed, too few and too many fields, a cut last row, bytes that are no UTF-8', async () => {
    const rows: (string | Buffer)[] = [
      header,
      row(),
      row().replace('spring sale', '"spring sale'),
      row(),
      `${row()},surplus`,
      'bad-few,1,sent',
      row({ n: 'seven' }),
      row({ time: '2026-01-10 08:00' }),
      '',
      Buffer.from(row({ campaign: 'caf\xe9' }), 'latin1'),
      row({ campaign: '"spring ""sale"""' }),
      row().slice(0, 50),
    ]
    const text = Buffer.concat(
      rows.flatMap((each, i) => [Buffer.from(i === 0 ? '' : '\n'), Buffer.from(each as string)]),
    )
    const { accounting, blank, exceptions } = await ingest('odd.csv', text)
    assert.deepEqual(accounting, { ...none, received: 10, passed: 3, quarantined: 7 })
    assert.deepEqual(blank, { count: 1, lines: [9] })
    assert.deepEqual(
      exceptions.results.map((each) => each.line),
      [3, 5, 6, 7, 8, 10, 12],
    )
    const broken = new Map(exceptions.results.map((each) => [each.line, each.broken]))
    assert.match(broken.get(3)!, /quote/)
    assert.match(broken.get(5)!, /11 fields .* 10/)
    assert.match(broken.get(6)!, /3 fields .* 10/)
    assert.match(broken.get(10)!, /UTF-8/)
    assert.ok(exceptions.results[3]!.violations!.some(({ rule, path }) => rule === 'n.type' && path === '/n'))
    assert.ok(exceptions.results[4]!.violations!.some(({ rule }) => rule === 'event_time'))
    for (const number of [3, 5, 6, 12]) {
      const [item] = await kept('odd.csv', number)
      assert.equal(item!.content, rows[number - 1], `line ${number} is kept as it came`)
    }
  })

  test('CSV: a byte order mark, CRLF and quoted line ends lose no line and shift none', async () => {
    const rows = [header, row(), row({ campaign: '"spring\r\nsale"' }), '', row({ n: 'x' })]
    const { accounting, exceptions } = await ingest('marked.csv', `\ufeff${rows.join('\r\n')}\r\n`)
    // A name with a line end in it is flagged.
    assert.deepEqual(accounting, { ...none, received: 3, passed: 1, flagged: 1, quarantined: 1 })
    assert.deepEqual(
      exceptions.results.map((each) => each.line),
      [6],
    )
  })

  test('CSV: a header under which no row could pass is refused before anything is sent', async () => {
    const before = await size()
    const heads = [
      ['repeated.csv', `${header},customer`],
      ['missing.csv', header.replace('customer', 'kunde')],
      ['semicolons.csv', header.replaceAll(',', ';')],
      ['open.csv', `"${header}`],
    ] as const
    for (const [name, head] of heads) await writeFile(join(site.folder, name), `${head}\n${row()}\n`)
    const all = await Promise.all(heads.map(([name]) => whence('ingest', stream, name)))
    for (const [i, [name]] of heads.entries()) {
      const ran = all[i]!
      assert.equal(ran.code, 1, name)
      assert.match(ran.stderr, /header/, name)
      assert.equal(ran.stdout, '', name)
    }
    assert.equal(await size(), before)
  })

  test('what is no file of events is said in one sentence, and nothing is recorded', async () => {
    await mkdir(join(site.folder, 'folder.csv'))
    await writeFile(join(site.folder, 'empty.csv'), '')
    await writeFile(join(site.folder, 'good.ndjson'), line())
    await writeFile(join(site.folder, 'good.txt'), line())
    await writeFile(join(site.folder, 'array.json'), `[${line()}]`)
    await writeFile(join(site.folder, 'lies.ndjson.gz'), line())
    await writeFile(join(site.folder, 'wide.ndjson'), Buffer.from(`\ufeff${line()}`, 'utf16le'))
    const before = await size()
    const cases: [number, RegExp, ...string[]][] = [
      [2, /folder/, stream, 'folder.csv'],
      [1, /empty/, stream, 'empty.csv'],
      [2, /nowhere\.csv/, stream, 'nowhere.csv'],
      [2, /CSV or NDJSON/, stream, 'good.txt'],
      [1, /array/, stream, 'array.json'],
      [1, /gzip/, stream, 'lies.ndjson.gz'],
      [1, /UTF-16/, stream, 'wide.ndjson'],
      [1, /no stream is called "letterz"/, 'letterz', 'good.ndjson'],
      [1, /no stream is called/, '../letters', 'good.ndjson'],
      [1, /no stream is called/, '__proto__', 'good.ndjson'],
    ]
    const all = await Promise.all(cases.map(([, , ...args]) => whence('ingest', ...args)))
    for (const [i, [code, said, ...args]] of cases.entries()) {
      const ran = all[i]!
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.stderr}`)
      assert.match(ran.stderr, said)
      assert.doesNotMatch(ran.stderr, / at .*\.ts:\d/, 'a sentence, and no stack')
    }
    assert.equal(await size(), before)
  })

  test('a gzip file that is cut off: what could be read is recorded, and it says so', async () => {
    const all = Array.from({ length: 3000 }, () => line())
    const whole = gzipSync(all.join('\n'))
    await writeFile(join(site.folder, 'cut.ndjson.gz'), whole.subarray(0, whole.length / 2))
    const cut = await whence('ingest', stream, 'cut.ndjson.gz')
    assert.equal(cut.code, 1)
    assert.match(cut.stderr, /gzip/)
    const { accounting } = await ingest('cut.ndjson.gz', whole)
    assert.equal(accounting.passed + accounting.duplicate, all.length)
  })

  test('an ingest that is interrupted, run again, ends with every event once', async () => {
    const all = Array.from({ length: 20_000 }, () => line())
    await writeFile(join(site.folder, 'long.ndjson'), all.join('\n'))
    const before = await size()
    const child = site.spawn([main, 'ingest', stream, 'long.ndjson', '--json'])
    let said = ''
    child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text))
    const closed = once(child, 'close')
    while ((await size()) === before) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGINT')
    const [code] = (await closed) as [number]
    const first = JSON.parse(said) as Account
    assert.equal(first.stopped, 'interrupted')
    assert.equal(code, 1)
    addsUp(first.accounting)
    assert.equal(await size(), before + first.accounting.passed, 'what it says is what there is')
    const second = JSON.parse((await site.whence('ingest', stream, 'long.ndjson', '--json')).stdout) as Account
    assert.deepEqual(second.accounting, {
      ...none,
      received: all.length,
      passed: all.length - first.accounting.passed,
      duplicate: first.accounting.passed,
    })
    assert.equal(await size(), before + all.length)
  })

  test('two ingests of one file at once record every event once', async () => {
    const all = Array.from({ length: 4000 }, () => line())
    await writeFile(join(site.folder, 'same.ndjson'), all.join('\n'))
    const before = await size()
    const both = await Promise.all([1, 2].map(() => site.whence('ingest', stream, 'same.ndjson', '--json')))
    const counts = both.map(({ stdout }) => (JSON.parse(stdout) as Account).accounting)
    for (const each of counts) {
      assert.equal(each.received, all.length)
      assert.equal(each.passed + each.duplicate, all.length)
    }
    assert.equal(counts[0]!.passed + counts[1]!.passed, all.length)
    assert.equal(await size(), before + all.length)
  })

  test('a line of 100 MB is refused by its number, in bounded memory, and the lines around it are recorded', async () => {
    const out = createWriteStream(join(site.folder, 'huge.ndjson'))
    out.write(`${line()}\n`)
    const piece = Buffer.alloc(1_000_000, 'x')
    for (let i = 0; i < 100; i++) if (!out.write(piece)) await once(out, 'drain')
    out.end(`\n${line()}\n`)
    await once(out, 'close')
    const report = `process.on('exit', () => console.error('peak', process.resourceUsage().maxRSS))`
    const child = site.spawn([
      '--import',
      `data:text/javascript,${encodeURIComponent(report)}`,
      main,
      'ingest',
      stream,
      'huge.ndjson',
      '--json',
    ])
    const [out1, err] = await Promise.all([child.stdout!, child.stderr!].map((each) => collect<Buffer>(each)))
    const { accounting, exceptions } = JSON.parse(Buffer.concat(out1!).toString()) as Account
    assert.deepEqual(accounting, { ...none, received: 3, passed: 2, refused: 1 })
    assert.deepEqual(
      exceptions.results.map((each) => [each.line, each.status, each.problem!.code]),
      [[2, 'refused', 'too_large']],
    )
    const peak = Number(/peak (\d+)/.exec(Buffer.concat(err!).toString())![1])
    assert.ok(peak < 300_000, `its peak was ${peak} KiB`)
  })

  test('after all of it the log verifies', async () => {
    assert.deepEqual((await server.client.verify()).problems, [])
    await refused(server.client.ingest('nowhere', [letter()]), 'not_found')
  })
})
