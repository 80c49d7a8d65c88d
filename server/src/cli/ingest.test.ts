import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Context } from './context.ts'
import { FakeStream, refusal, run, type Answers, type Asked, type Ran } from './testing.ts'

const contract = `
apiVersion: v3.1.0
kind: DataContract
id: clicks
version: 1.0.0
status: active
schema:
  - name: clicks
    logicalType: object
    properties:
      - { name: customer_id, logicalType: string, required: true, classification: personal }
      - { name: time, logicalType: timestamp, required: true }
      - { name: amount, logicalType: number }
      - { name: note, logicalType: string }
customProperties:
  - { property: whence, value: { subject: customer_id, eventTime: time, onViolation: quarantine } }
`

class Desk {
  readonly stream = new FakeStream()
  readonly folder: string
  readonly answers: Answers

  constructor(folder: string) {
    this.folder = folder
    this.answers = {
      'GET /v1/contracts/clicks': { stream: 'clicks', version: '1.0.0', seq: 3, text: contract },
      'POST /v1/streams/clicks/events': (asked: Asked) => this.stream.take(asked),
    }
  }

  async ingest(
    name: string,
    content: string | Buffer,
    options: string[] = [],
    changes: Partial<Context> = {},
  ): Promise<Ran> {
    if (name !== '-') await writeFile(join(this.folder, name), content)
    return run(['ingest', 'clicks', name, ...options], this.answers, { cwd: this.folder, ...changes })
  }

  /** What the stream holds now, by line. */
  get events(): [number, unknown][] {
    return this.stream.lines.map(([line, text]) => [line, JSON.parse(text) as unknown])
  }
}

async function desk(t: TestContext): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-ingest-'))
  t.after(() => rm(folder, { recursive: true }))
  return new Desk(folder)
}

const at = '2026-03-20T10:00:00Z'
const head = 'customer_id,time,amount,note\n'

test('sends CSV rows as JSON objects typed by the contract, each at its line', async (t) => {
  const d = await desk(t)
  const { code, stdout, stderr } = await d.ingest('a.csv', `${head}a,${at},1.5,x\nb,${at},,007\n`)
  assert.equal(code, 0, stderr)
  assert.deepEqual(d.events, [
    [2, { customer_id: 'a', time: at, amount: 1.5, note: 'x' }],
    [3, { customer_id: 'b', time: at, note: '007' }],
  ])
  assert.match(stdout, /✓ clicks {3}2 events {3}2 passed · 0 flagged · 0 quarantined · 0 dropped/)
  assert.equal(stderr, '')
})

test('keeps lines in step over quoted newlines, blank lines, CRLF and a byte order mark', async (t) => {
  const d = await desk(t)
  const csv = `\ufeff${head}a,${at},1,"two\nlines, ""quoted"""\n\n  \nb,${at},2,z\n`.replaceAll('\n', '\r\n')
  const { code, stdout } = await d.ingest('a.csv', csv)
  assert.equal(code, 0)
  assert.deepEqual(d.events, [
    [2, { customer_id: 'a', time: at, amount: 1, note: 'two\r\nlines, "quoted"' }],
    [6, { customer_id: 'b', time: at, amount: 2, note: 'z' }],
  ])
  assert.match(stdout, /blank lines skipped: 2 \(lines 4, 5\)/)
  assert.equal(d.stream.requests, 1)
})

test('delivers what is no row as it came, names it, and reads on with the next line', async (t) => {
  const d = await desk(t)
  const rows = [
    `a,${at},1,ok`, // 2
    `b,${at},2`, // 3: too few
    `c,${at},3,d,e`, // 4: too many
    `d,${at},4,"open`, // 5: a quote that never closes
    `e,${at},5,"mid"dle`, // 6: a quote that closes too early
    `f,${at},6,5" pipe`, // 7: a quote inside an unquoted field is text
    Buffer.from([0x67, 0x2c, 0xff, 0xfe]), // 8: no UTF-8
    `h,${at},8,fin`, // 9
    `i,2026-03-2`, // 10: cut
  ]
  const csv = Buffer.concat([
    Buffer.from(head),
    ...rows.flatMap((row, i) => [i ? Buffer.from('\n') : Buffer.alloc(0), Buffer.from(row)]),
  ])
  const { code, stdout, stderr } = await d.ingest('dirty.csv', csv)
  assert.equal(code, 0)
  assert.match(stdout, /9 events {3}3 passed · 0 flagged · 6 quarantined/)
  const kept = new Map(d.stream.lines)
  assert.equal(kept.get(3), `b,${at},2`)
  assert.equal(kept.get(5), `d,${at},4,"open`)
  assert.equal(kept.get(10), 'i,2026-03-2')
  assert.deepEqual(JSON.parse(kept.get(7)!), { customer_id: 'f', time: at, amount: 6, note: '5" pipe' })
  assert.match(
    stderr,
    /dirty\.csv line 3: has 3 fields where the header names 4\n +quarantined; see: whence quarantine clicks --line 3/,
  )
  assert.match(stderr, /line 4: has 5 fields/)
  assert.match(stderr, /line 5: has a quote in the middle of a field|line 5: has a quote that is never closed/)
  assert.match(stderr, /line 6: has a quote in the middle of a field/)
  assert.match(stderr, /line 8: is not UTF-8/)
  assert.match(stderr, /line 10: has 2 fields/)
})

test('a quote that is still open at the end breaks its own line only', async (t) => {
  const d = await desk(t)
  const { stdout } = await d.ingest('a.csv', `${head}a,${at},1,"never\nb,${at},2,y\nc,${at},3,z`)
  assert.match(stdout, /3 events {3}2 passed · 0 flagged · 1 quarantined/)
})

test('a row over several lines with a wrong number of fields is kept as one', async (t) => {
  const d = await desk(t)
  const { stdout } = await d.ingest('a.csv', `${head}a,"x\ny",1\nb,${at},2,z\n`)
  assert.match(stdout, /2 events {3}1 passed · 0 flagged · 1 quarantined/)
  assert.deepEqual(d.events[0], [2, 'a,"x\ny",1'])
  assert.equal(d.events[1]![0], 4)
})

test('passes NDJSON on as it is: numbers, spaces, blank lines, a cut last line', async (t) => {
  const d = await desk(t)
  const lines = ['{"n": 9007199254740993}', '', '{"a":1,"a":2}', '   ', '{"cut": "of']
  const { code, stdout, stderr } = await d.ingest('a.ndjson', `\ufeff${lines.join('\r\n')}`)
  assert.equal(code, 0)
  assert.deepEqual(d.stream.lines, [
    [1, lines[0]],
    [3, lines[2]],
    [5, lines[4]],
  ])
  assert.match(stdout, /blank lines skipped: 2 \(lines 2, 4\)/)
  assert.match(stderr, /a\.ndjson line 5: no JSON \(contract clicks@1\.0\.0, rule json\.syntax\)/)
})

test('adds nothing when it is run again, and says what was already recorded', async (t) => {
  const d = await desk(t)
  const csv = head + Array.from({ length: 1204 }, (_, i) => `c${i},${at},${i},x\n`).join('')
  await d.ingest('a.csv', csv)
  const size = d.stream.events.size
  const again = await d.ingest('a.csv', csv)
  assert.equal(again.code, 0)
  assert.match(again.stdout, /already recorded: 1,204/)
  const zipped = await d.ingest('a.csv.gz', gzipSync(csv))
  assert.match(zipped.stdout, /already recorded: 1,204/)
  assert.equal(d.stream.events.size, size)
})

test('sends several requests of contiguous lines, of which none holds more than 1 MiB or 5,000 lines', async (t) => {
  const d = await desk(t)
  const seen: { line: number; lines: number; bytes: number }[] = []
  let [under, most] = [0, 0]
  d.answers['POST /v1/streams/clicks/events'] = async (asked: Asked) => {
    most = Math.max(most, ++under)
    await new Promise((done) => setTimeout(done, 40))
    under--
    const lines = asked.body.toString().split('\n').length - 1
    seen.push({ line: Number(asked.query.get('line')), lines, bytes: asked.body.length })
    return d.stream.take(asked)
  }
  const rows = Array.from(
    { length: 30_000 },
    (_, i) => JSON.stringify({ i, pad: 'x'.repeat(i % 5 === 0 ? 900 : 20) }) + '\n',
  )
  const { code, stdout } = await d.ingest('many.jsonl', rows.join(''))
  assert.equal(code, 0)
  assert.match(stdout, /30,000 events {3}30,000 passed/)
  let next = 1
  for (const { line, lines, bytes } of seen.toSorted((a, b) => a.line - b.line)) {
    assert.equal(line, next)
    assert.ok(bytes <= 1 << 20 && lines <= 5000)
    next += lines
  }
  assert.equal(next, 30_001)
  assert.ok(most >= 2 && most <= 4, `${most} in flight`)
})

test('names a line that is too large without holding it, and exits with 1', async (t) => {
  const d = await desk(t)
  async function* chunks(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"a":1}\n{"huge":"')
    for (let i = 0; i < 40; i++) yield Buffer.alloc(1 << 20, 'x')
    yield Buffer.from('"}\n{"b":2}\n')
  }
  const { code, stdout, stderr } = await d.ingest('-', '', ['--file', 'big.ndjson'], { stdin: chunks() })
  assert.equal(code, 1)
  assert.deepEqual(
    d.stream.lines.map(([line]) => line),
    [1, 3],
  )
  assert.match(stdout, /3 events {3}2 passed .* 1 refused/)
  assert.match(stderr, /big\.ndjson line 2: has 41,943,051 bytes; an event holds at most 8 MiB\n +refused/)
})

test('an event of several MiB goes alone', async (t) => {
  const d = await desk(t)
  const large = JSON.stringify({ large: 'x'.repeat(7 << 20) })
  const { code } = await d.ingest('a.ndjson', `{"a":1}\n${large}\n{"b":2}\n`)
  assert.equal(code, 0)
  assert.equal(d.stream.requests, 3)
})

test('exits with 1 on a conflict, and names ten exceptions at most', async (t) => {
  const d = await desk(t)
  await d.ingest('a.ndjson', Array.from({ length: 30 }, (_, i) => `{"i":${i}}\n`).join(''))
  const { code, stderr } = await d.ingest('a.ndjson', Array.from({ length: 30 }, (_, i) => `{"i":${i + 1}}\n`).join(''))
  assert.equal(code, 1)
  assert.equal(stderr.match(/holds other content under the same id/g)?.length, 10)
  assert.match(stderr, /… and 20 more; see: whence quarantine clicks\n/)
})

test('answers --json with the whole accounting', async (t) => {
  const d = await desk(t)
  const { stdout } = await d.ingest('a.ndjson', '{"a":1}\n\nnope\n', ['--json'])
  const answer = JSON.parse(stdout) as {
    accounting: { received: number }
    blank: unknown
    exceptions: { count: number }
  }
  assert.equal(answer.accounting.received, 2)
  assert.deepEqual(answer.blank, { count: 1, lines: [2] })
  assert.equal(answer.exceptions.count, 1)
})

test('says plainly what is no file to ingest', async (t) => {
  const d = await desk(t)
  for (const [name, content, said, exit] of [
    ['empty.csv', '', /empty\.csv is empty \(0 bytes\)/, 1],
    ['empty.ndjson.gz', gzipSync(''), /^$|is empty|no whole gzip/, 0],
    ['what.txt', 'x', /Is what\.txt CSV or NDJSON\?/, 2],
    ['array.json', '[{"a":1}]', /holds a JSON array/, 1],
    ['utf16.csv', Buffer.from('\ufeffcustomer_id,time\n', 'utf16le'), /is UTF-16/, 1],
    ['torn.csv.gz', gzipSync(head + `a,${at},1,x\n`.repeat(99)).subarray(0, 60), /no whole gzip file/, 1],
    ['other.csv', 'x;y\n1;2\n', /does not fit contract clicks@1\.0\.0: there is no column "customer_id"/, 1],
    ['semi.csv', `customer_id;time\na;${at}\n`, /--delimiter ';'/, 1],
    ['twice.csv', 'customer_id,time,time\n', /"time" stands twice/, 1],
    ['unnamed.csv', 'customer_id,time,\n', /column 3 has no name/, 1],
  ] as const) {
    const { code, stderr } = await d.ingest(name, content)
    assert.match(stderr, said, name)
    assert.equal(code, exit, name)
  }
  assert.equal((await d.ingest('semi.csv', `customer_id;time\na;${at}\n`, ['--delimiter', ';'])).code, 0)
  const { code, stderr } = await run(['ingest', 'clicks', 'no/such.csv'], d.answers, { cwd: d.folder })
  assert.equal(code, 2)
  assert.match(stderr, /no\/such\.csv cannot be read/)
})

test('a column that the contract does not know is said once, and kept', async (t) => {
  const d = await desk(t)
  const { code, stderr } = await d.ingest('a.csv', `customer_id,time,colour\na,${at},red\nb,${at},blue\n`)
  assert.equal(code, 0)
  assert.equal(stderr.match(/column "colour" is not in the contract/g)?.length ?? 0, stderr === '' ? 0 : 1)
  assert.deepEqual(d.events[0], [2, { customer_id: 'a', time: at, colour: 'red' }])
})

test('an unknown stream and a wrong key are said once, and nothing is claimed', async (t) => {
  const d = await desk(t)
  d.answers['POST /v1/streams/clicks/events'] = () => refusal(401, 'unauthorized', 'this key is not known')
  const { code, stdout, stderr } = await d.ingest('a.ndjson', '{"a":1}\n')
  assert.equal(code, 1)
  assert.equal(stdout, '')
  assert.equal(stderr, 'whence: this key is not known\n')
})

const many = (count: number) => Array.from({ length: count }, (_, i) => `{"i":${i}}\n`).join('')

test('a server that fails midway: says how far it came, that nothing is lost, and ends with 1', async (t) => {
  const d = await desk(t)
  d.answers['POST /v1/streams/clicks/events'] = (asked: Asked) =>
    asked.query.get('line') === '10001'
      ? refusal(507, 'disk_full', 'the disk reserve is reached')
      : d.stream.take(asked)
  const { code, stdout, stderr } = await d.ingest('a.ndjson', many(25_000))
  assert.equal(code, 1)
  assert.match(stdout, /10,000 events/)
  assert.match(stderr, /a\.ndjson: the disk reserve is reached\n/)
  assert.match(stderr, /up to line 10,000 is accounted for\. Run it again/)
})

test('interrupted: takes the answers that are under way, says how far it came, and ends with 1', async (t) => {
  const d = await desk(t)
  let interrupt = () => {}
  d.answers['POST /v1/streams/clicks/events'] = (asked: Asked) => {
    if (asked.query.get('line') === '10001') interrupt()
    return d.stream.take(asked)
  }
  const onInterrupt = (listener: () => void) => {
    interrupt = listener
    return () => {}
  }
  const { code, stderr } = await d.ingest('a.ndjson', many(90_000), [], { onInterrupt })
  assert.equal(code, 1)
  assert.match(stderr, /a\.ndjson: interrupted\n/)
  const line = Number(/up to line ([\d,]+) is/.exec(stderr)![1]!.replaceAll(',', ''))
  assert.ok(line >= 10_000 && line < 90_000, String(line))
  assert.equal(d.stream.events.size, line)
  assert.equal((await d.ingest('a.ndjson', many(90_000))).code, 0)
  assert.equal(d.stream.events.size, 90_000)
})

test('interrupted while standard input is silent', async (t) => {
  const d = await desk(t)
  const silence = new PassThrough()
  silence.write('{"a":1}\n')
  const onInterrupt = (listener: () => void) => {
    setTimeout(listener, 20)
    return () => {}
  }
  const { code, stderr } = await d.ingest('-', '', [], { stdin: silence, onInterrupt })
  assert.equal(code, 1)
  assert.match(stderr, /interrupted/)
})

test('does not believe a server that accounts for less than was sent', async (t) => {
  const d = await desk(t)
  d.answers['POST /v1/streams/clicks/events'] = (asked: Asked) => {
    const answer = d.stream.take(asked)
    return { ...answer, accounting: { ...answer.accounting, received: 1, passed: 1 } }
  }
  const { code, stderr } = await d.ingest('a.ndjson', '{"a":1}\n{"a":2}\n')
  assert.equal(code, 1)
  assert.match(stderr, /accounts for 1 of the 2 events/)
})

test('shows progress on a terminal, and takes it away at the end', async (t) => {
  const d = await desk(t)
  let clock = 0
  const changes = { isTTY: { stdin: false, stdout: false, stderr: true }, now: () => new Date((clock += 150)) }
  const { stderr } = await d.ingest('a.ndjson', many(20_000), [], changes)
  assert.match(stderr, /█+ *░* *\d+ % {2}[\d,]+ events {2}[\d,]+\/s {2}[\d,]+ passed/)
  assert.ok(stderr.endsWith('\r\x1b[2K'))
  assert.ok(stderr.split('\r').every((line) => line.replaceAll('\x1b[2K', '').length < 100))
})
