import assert from 'node:assert/strict'
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { contradicted, explained } from '../govern/reports/explanation.fixture.ts'
import { Fault } from '../fault.ts'
import { allOf, families } from './commands.ts'
import { wantsColor } from './context.ts'
import { refusal, run, type Asked } from './testing.ts'

async function folder(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'whence-cli-'))
  t.after(() => rm(path, { recursive: true }))
  return path
}

const digest = '0'.repeat(64)
const receipt = { seq: 7, leaf: digest, recorded: '2026-03-20T10:00:00.000000Z', status: 'recorded' }

test('lists every command, and explains each', async () => {
  const { code, stdout } = await run(['--help'])
  assert.equal(code, 0)
  for (const { name, usage } of await allOf(families)) {
    const [first, second] = name.split(' ')
    const listed = second === undefined ? stdout : (await run([first!, '--help'])).stdout
    assert.match(stdout, new RegExp(second === undefined ? `^  whence ${name}( |$)` : `^  whence ${first} `, 'm'))
    assert.match(listed, new RegExp(`^  whence ${name}( |$)`, 'm'))
    const help = await run([...name.split(' '), '--help'])
    assert.equal(help.code, 0)
    assert.ok(help.stdout.startsWith(`whence ${usage}\n`), name)
    assert.match(help.stdout, /--json/)
    assert.match(help.stdout, /--data DIR/)
  }
})

test('finds each command by the first word of its name', async () => {
  for (const [word, load] of Object.entries(families))
    assert.ok(
      (await load()).some(({ name }) => name.split(' ')[0] === word),
      word,
    )
  for (const { name } of await allOf(families)) {
    const load = families[name.split(' ')[0]!]
    assert.ok(
      (await load?.())?.some((one) => one.name === name),
      name,
    )
  }
})

test('says the nearest command or option, and exits with 2', async () => {
  for (const [argv, said] of [
    [['explian', 'x'], /no command "explian"; did you mean "explain"\?/],
    [['explain', 'x', '--evnts'], /explain has no option "--evnts"; did you mean "--events"\?/],
    [['keys', 'isue', 'x'], /did you mean "keys issue"\?/],
    [['keys', 'issue', 'x', '--scope', 'raed'], /did you mean "read"\?/],
    [['xyzzy'], /^whence: no command "xyzzy"\n/],
  ] as const) {
    const { code, stderr } = await run([...argv])
    assert.equal(code, 2, argv.join(' '))
    assert.match(stderr, said)
  }
})

test('exits with 2 on a missing or surplus argument, or a value that is none', async () => {
  for (const [argv, said] of [
    [['explain'], /ID is missing/],
    [['explain', 'a', 'b'], /"b" is one argument too many/],
    [['find', '--limit', 'many'], /--limit must be a whole number from 1, not "many"/],
    [['find', '--limit'], /--limit needs a value/],
    [['find', '--from', '2018-13-40'], /"2018-13-40" is no time/],
    [['find', '--json=yes'], /--json takes no value/],
    [['anchor'], /one of --file PATH, --git DIR/],
    [['anchor', '--file', 'a', '--git', 'b'], /one of --file PATH, --git DIR/],
    [['anchor', '--witness', 'http://w'], /--vkey is missing/],
    [['erase', '42'], /--basis is missing/],
    [['status', '--url', 'http://x'], /wants an API key/],
    [[], /^$/],
  ] as const) {
    const { code, stderr } = await run([...argv])
    assert.equal(code, 2, argv.join(' '))
    assert.match(stderr, said)
  }
})

test('says what a server refused on stderr, and as JSON under --json', async () => {
  const answers = { 'GET /v1/predictions/x/explanation': () => refusal(404, 'not_found', 'no prediction "x" is known') }
  const { code, stdout, stderr } = await run(['explain', 'x', '--json'], answers)
  assert.equal(code, 1)
  assert.equal(stderr, 'whence: no prediction "x" is known\n')
  assert.deepEqual(JSON.parse(stdout), { error: { code: 'not_found', message: 'no prediction "x" is known' } })
})

test('lets no terminal escape through, in errors or in lists', async () => {
  const evil = 'a\u001b]0;owned\u0007\u202eb'
  const found = {
    predictions: [{ seq: 1, id: evil, model: 'm@1', time: 't', erased: false }],
    truncated: false,
    asOf: 2,
  }
  const listed = await run(['find'], { 'GET /v1/predictions': found })
  const failed = await run(['find'], { 'GET /v1/predictions': () => refusal(400, 'invalid', evil) })
  for (const text of [listed.stdout, failed.stderr]) {
    assert.doesNotMatch(text, /[\u001b\u0007\u202e]/)
    assert.match(text, /\\x1b/)
  }
})

test('gives a command of another file its place, its arguments and its exit code', async () => {
  const seen: unknown[] = []
  const verify = {
    name: 'verify',
    summary: 'check a log',
    usage: 'verify [PATH]',
    options: { deep: { type: 'boolean' } },
    async run(_: unknown, args: { values: object; positionals: string[] }) {
      seen.push({ ...args.values }, args.positionals)
      return 1
    },
  } as const
  const { code } = await run(['verify', 'log', '--deep', '--data', 'd'], {}, {}, { verify: async () => [verify] })
  assert.equal(code, 1)
  assert.deepEqual(seen, [{ deep: true, data: 'd' }, ['log']])
  assert.match(
    (await run(['--help'], {}, {}, { verify: async () => [verify] })).stdout,
    /whence verify \[PATH\]\s+check a log/,
  )
})

test('connects to the data folder that is asked for, and lets go of it whatever happens', async () => {
  const folders: string[] = []
  let open = 0
  const connect = async (dataFolder: string) => {
    folders.push(dataFolder)
    open++
    const { client } = await (await run(['--help'])).context.connect('')
    return { client, close: async () => void open-- }
  }
  const changes = { connect, cwd: '/w' }
  assert.equal((await run(['status'], {}, changes)).code, 1)
  await run(['status', '--data', 'x'], {}, changes)
  await run(['status'], {}, { ...changes, env: { WHENCE_DATA: '/y' } })
  assert.deepEqual(folders, ['/w/whence-data', '/w/x', '/y'])
  assert.equal(open, 0)
})

test('says a fault of this process like one of the server', async () => {
  const connect = async () =>
    Promise.reject(new Fault('refused_start', 'the log ends at 61,870.\nRestore the newer one.'))
  const { code, stderr } = await run(['status'], {}, { connect })
  assert.equal(code, 1)
  assert.equal(stderr, 'whence: the log ends at 61,870.\n        Restore the newer one.\n')
})

test('finds every declaration of a folder, and says what changed', async (t) => {
  const root = await folder(t)
  await mkdir(join(root, 'contracts'))
  await mkdir(join(root, '.git'))
  await mkdir(join(root, 'node_modules/x'), { recursive: true })
  for (const path of ['contracts/a.yaml', 'b.yml', 'c.txt', '.git/d.yaml', 'node_modules/x/e.yaml']) {
    await writeFile(join(root, path), `id: ${path}`)
  }
  let sent: unknown
  const applied = [
    { path: 'b.yml', kind: 'view', name: 'engagement', version: '1', change: 'unchanged' },
    { path: 'contracts/a.yaml', kind: 'contract', name: 'clicks', version: '1.1.0', change: 'minor', receipt },
  ]
  const answers = {
    'POST /v1/plans': {
      base: 7,
      digest: 'd'.repeat(64),
      asOf: 9,
      remove: false,
      unchanged: 1,
      absent: [],
      changes: [
        {
          kind: 'contract',
          name: 'clicks',
          action: 'change',
          class: 'non-breaking',
          from: '1.0.0',
          to: '1.1.0',
          parts: [{ class: 'non-breaking', what: 'column x', aspect: 'added', after: 'BIGINT' }],
          notes: [],
        },
      ],
    },
    'POST /v1/declarations': ({ body }: Asked) => {
      sent = JSON.parse(body.toString())
      return { applied, plan: { digest: 'd'.repeat(64), receipt } }
    },
  }
  const { code, stdout } = await run(['apply', root], answers)
  assert.equal(code, 0)
  assert.deepEqual(sent, {
    files: [
      { path: 'b.yml', text: 'id: b.yml' },
      { path: 'contracts/a.yaml', text: 'id: contracts/a.yaml' },
    ],
    remove: false,
    plan: { base: 7, digest: 'd'.repeat(64) },
  })
  assert.match(stdout, /~ contract clicks +1\.0\.0 → 1\.1\.0 +non-breaking/)
  assert.match(stdout, /= +view +engagement@v1 +unchanged +b\.yml\n/)
  assert.match(stdout, /✓ +contract +clicks@1\.1\.0 +minor +contracts\/a\.yaml\n/)
  assert.equal((await run(['apply', join(root, 'node_modules', '..', 'c.d')], answers)).code, 2)
  await writeFile(join(root, 'b.yml'), Buffer.from([0xff, 0xfe, 0x41]))
  assert.match((await run(['apply', root], answers)).stderr, /b\.yml is not UTF-8/)
})

test('explain exits with 1 only when something is contradicted or altered', async () => {
  const at = 'GET /v1/predictions/pred-000042/explanation'
  const fine = await run(['explain', 'pred-000042'], { [at]: explained })
  assert.equal(fine.code, 0)
  assert.match(fine.stdout, /^Customer 42 scored 0\.83/)
  assert.equal((await run(['explain', 'pred-000042'], { [at]: contradicted })).code, 1)
  const altered = { ...explained, records: explained.records.map((record) => ({ ...record, integrity: 'altered' })) }
  assert.equal((await run(['explain', 'pred-000042'], { [at]: altered })).code, 1)
})

test('explain writes page and proofs beside its answer', async (t) => {
  const root = await folder(t)
  const queries: string[] = []
  const answers = {
    'GET /v1/predictions/a/b/explanation': ({ query }: Asked) => (queries.push(String(query)), explained),
    'GET /v1/predictions/a/b/proof': 'c2sp.org/tlog-proof@v1\n',
  }
  const argv = ['explain', 'a/b', '--json', '--html', 'page.html', '--proof', 'proof.txt', '--as-of', '66,000']
  const { code, stdout, stderr } = await run(argv, answers, { cwd: root })
  assert.equal(code, 0)
  assert.deepEqual(queries, ['asOf=66000'])
  assert.equal((JSON.parse(stdout) as { id: string }).id, 'pred-000042')
  assert.match(await readFile(join(root, 'page.html'), 'utf8'), /^<!doctype html>/)
  assert.equal(await readFile(join(root, 'proof.txt'), 'utf8'), 'c2sp.org/tlog-proof@v1\n')
  assert.equal(stderr, 'written: page.html\nwritten: proof.txt\n')
  assert.equal((await run(['explain', 'a/b', '--html', 'no/where.html'], answers, { cwd: root })).code, 2)
})

test('find turns its options into a query, a day into its first moment', async () => {
  let asked = ''
  const answers = {
    'GET /v1/predictions': ({ query }: Asked) => {
      asked = String(query)
      return { predictions: [], truncated: false, asOf: 12_345 }
    },
  }
  const { stdout } = await run(['find', '--id', '42', '--from', '2026-03-01', '--limit', '5'], answers)
  assert.equal(asked, 'identifier=42&from=2026-03-01T00%3A00%3A00Z&limit=5')
  assert.equal(stdout, 'No prediction is known that fits, as of record 12,345.\n')
})

const replayed = {
  model: 'm@1',
  population: 4310,
  sampled: 200,
  compared: 199,
  exact: 199,
  interval: { low: 0.98106, high: 0.99999, level: 0.95 },
  misses: [{ seq: 9, cause: 'erased on request', detail: '' }],
  causes: { 'erased on request': 1 },
  seed: 1,
  asOf: 66_012,
}

test('replay says how many agree, never rounding up to certainty, and exits with 1 on a miss', async () => {
  const { code, stdout } = await run(['replay', '--model', 'm@1', '--sample', '200'], { 'POST /v1/replays': replayed })
  assert.equal(code, 0)
  assert.match(stdout, /✓ 199 of 199 recomputed exactly {3}\(95 % interval 98\.1 to 99\.9 %\)/)
  assert.match(stdout, /1 not compared: erased on request/)
  const missed = {
    ...replayed,
    exact: 198,
    misses: [{ id: 'p-1', seq: 9, cause: 'file altered', detail: '61902-0.parquet' }],
    causes: { 'file altered': 1 },
  }
  const bad = await run(['replay'], { 'POST /v1/replays': missed })
  assert.equal(bad.code, 1)
  assert.match(bad.stdout, /✗ 198 of 199 recomputed/)
  assert.match(bad.stdout, /p-1 +file altered +61902-0\.parquet/)
})

const erasure = {
  seq: 66_020,
  basis: 'ticket 4711',
  keysDestroyed: 1,
  recordsUnreadable: 12,
  rowsDeleted: { prediction: 3, nothing: 0 },
  filesRewritten: [{ path: 'a.parquet', before: digest, after: null, removed: 1 }],
  remains: [{ what: '12 entries', why: 'the log keeps their hashes' }],
  receipt,
}

test('erase asks first, and does nothing unless the answer is yes', async () => {
  let erased = 0
  const answers = { 'POST /v1/erasures': () => (erased++, erasure) }
  const argv = ['erase', '42', '--basis', 'ticket 4711']
  const tty = { isTTY: { stdin: true, stdout: true, stderr: true } }
  assert.equal((await run(argv, answers, { ...tty, ask: async () => 'y' })).code, 1)
  assert.equal((await run(argv, answers)).code, 2)
  assert.equal((await run(['erase', '42', '--basis', 'customer 42 asked', '--yes'], answers)).code, 2)
  assert.equal(erased, 0)
  const { code, stdout } = await run(argv, answers, { ...tty, ask: async () => 'yes\n' })
  assert.equal(code, 0)
  assert.match(stdout, /unreadable +12 records: 1 key destroyed/)
  assert.match(stdout, /deleted +3 rows of prediction\n/)
  assert.match(stdout, /remains +12 entries: the log keeps their hashes/)
  assert.equal((await run([...argv, '--yes'], answers)).code, 0)
})

test('status says warnings first, and that nothing is anchored', async () => {
  const status = {
    version: '0.1.0',
    origin: 'whence.local/7f3a',
    vkey: 'v',
    size: 66_012,
    published: 66_000,
    checkpoint: '',
    database: 'pglite',
    follower: { next: 66_012, lag: 0 },
    records: { 'event/1': 61_204 },
    warnings: ['The key-encryption key lies beside what it protects.'],
  }
  const counts = { passed: 61_180, flagged: 21, quarantined: 3, dropped: 0, conflict: 0, released: 0 }
  const since = {
    received: 0,
    passed: 0,
    flagged: 0,
    quarantined: 0,
    dropped: 0,
    duplicate: 0,
    conflict: 0,
    refused: 0,
  }
  const gaps = [{ source: 'esp', from: '4', to: '9', missing: '4' }]
  const streams = [
    { stream: 'clicks', contract: 'clicks@1.0.0', recorded: counts, sinceStart: since, gaps, asOf: 66_012 },
  ]
  const { code, stdout } = await run(['status'], { 'GET /v1/status': status, 'GET /v1/streams': streams })
  assert.equal(code, 0)
  assert.match(stdout, /^! The key-encryption key/)
  assert.match(stdout, /not yet independently anchored/)
  assert.match(stdout, /clicks +clicks@1\.0\.0 +61,180 +21 +3 +0/)
  assert.match(stdout, /! clicks: 4 missing between 4 and 9/)
})

test('keys issue prints the secret alone on stdout', async () => {
  let asked: unknown
  const key = { id: 'k-1', name: 'esp', scopes: ['ingest', 'read'], source: 'esp', created: 't', secret: 'wk_abc' }
  const answers = { 'POST /v1/keys': ({ body }: Asked) => ((asked = JSON.parse(body.toString())), key) }
  const { code, stdout, stderr } = await run(['keys', 'issue', 'esp', '--scope', 'ingest,read'], answers)
  assert.equal(code, 0)
  assert.deepEqual(asked, { name: 'esp', scopes: ['ingest', 'read'] })
  assert.equal(stdout, 'wk_abc\n')
  assert.match(stderr, /shown this once/)
  assert.equal((await run(['keys', 'issue', 'esp'], answers)).code, 2)
  await run(['keys', 'issue', 'esp', '--scope', 'ingest', '--strict'], answers)
  assert.deepEqual(asked, { name: 'esp', scopes: ['ingest'], strict: true })
})

test('quarantine lists, and shows one line with its content and reasons', async () => {
  const violation = {
    rule: 'time.type',
    type: 'Datatype-Mismatch',
    keyword: 'type',
    path: '/time',
    outcome: 'quarantine',
  }
  const item = {
    seq: 4118,
    stream: 'clicks',
    source: 'esp',
    file: 'clicks.csv',
    line: 17,
    reason: 'contract',
    recorded: 't',
    violations: [{ ...violation, message: 'time "2018-13-40" is no timestamp' }],
    content: '{"time":"2018-13-40"}',
    erased: false,
  }
  const answers = { 'GET /v1/quarantine': [item] }
  assert.match(
    (await run(['quarantine'], answers)).stdout,
    /4,118 +clicks +clicks\.csv line 17 +kept +time "2018-13-40"/,
  )
  const { stdout } = await run(['quarantine', 'clicks', '--line', '17'], answers)
  assert.match(stdout, /broke +time "2018-13-40" is no timestamp \(rule time\.type, at \/time\)/)
  assert.match(stdout, /content +\{"time":"2018-13-40"\}/)
})

test('release, materialize and anchor ask for what they were told, and say what came of it', async () => {
  const bodies: unknown[] = []
  const answer =
    (value: unknown) =>
    ({ body }: Asked) => (bodies.push(JSON.parse(body.toString())), value)
  const violations = [{ rule: 'r', type: 't', keyword: 'k', path: '', message: 'still no time', outcome: 'quarantine' }]
  const answers = {
    'POST /v1/releases': answer({
      contract: 'clicks@1.1.0',
      released: [{ seq: 3, receipt }],
      kept: [{ seq: 5, violations, reason: 'contract' }],
    }),
    'POST /v1/snapshots': answer({
      id: 61_902,
      view: 'v@v1',
      fingerprint: 'fp1:x',
      at: '2026-03-20T00:00:00Z',
      asOf: 61_880,
      rows: 5000,
      features: [{ name: 'a', type: 'int64' }],
      files: [],
      rowsDigest: digest,
      inputs: [],
      engine: { duckdb: '1.5.6', semantics: 1 },
    }),
    'POST /v1/anchors': answer({ to: 'file', where: '/w/c', size: 9, root: digest, time: 't', independent: false }),
  }
  const released = await run(['release', 'clicks', '--seq', '3', '--seq', '5'], answers)
  assert.equal(released.code, 1)
  assert.match(released.stdout, /1 event released under clicks@1\.1\.0, 1 kept\n +5 +still no time/)
  const made = await run(['materialize', 'v', '--at', '2026-03-20'], answers)
  assert.match(made.stdout, /snapshot 61,902 +v@v1 +5,000 rows × 1 feature/)
  const anchored = await run(['anchor', '--file', 'c'], answers, { cwd: '/w' })
  assert.match(anchored.stdout, /not yet independently anchored/)
  assert.deepEqual(bodies, [
    { stream: 'clicks', seqs: [3, 5] },
    { view: 'v', at: '2026-03-20T00:00:00Z' },
    { to: 'file', path: '/w/c' },
  ])
})

test('NO_COLOR wins over everything, FORCE_COLOR over a pipe', () => {
  assert.equal(wantsColor({}, true), true)
  assert.equal(wantsColor({}, false), false)
  assert.equal(wantsColor({ FORCE_COLOR: '1' }, false), true)
  assert.equal(wantsColor({ FORCE_COLOR: '0' }, true), false)
  assert.equal(wantsColor({ NO_COLOR: '1', FORCE_COLOR: '1' }, true), false)
  assert.equal(wantsColor({ TERM: 'dumb' }, true), false)
})
