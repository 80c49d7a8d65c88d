import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from './testing.ts'
import type { Asked } from './testing.ts'

const interval = { low: 0.5, high: 0.9, level: 0.95 }
const replayed = {
  population: 10,
  sampled: 10,
  compared: 10,
  exact: 7,
  interval,
  causes: { 'late data': 3 },
  groups: [{ key: { campaign: 'winter' }, sampled: 10, compared: 10, exact: 7, interval, causes: { 'late data': 3 } }],
  misses: [
    {
      id: 'p-\u001b[31m1',
      seq: 9,
      cause: 'late data',
      detail: 'opens was 2, and recomputes to 3; it is the value without record 81 of letters',
    },
  ],
  seed: 1,
  asOf: 90,
}

test('the options of replay become one question', async () => {
  let asked: Record<string, unknown> = {}
  const answers = {
    'POST /v1/replays': ({ body }: Asked) => {
      asked = JSON.parse(body.toString()) as typeof asked
      return replayed
    },
  }
  const { code, stdout } = await run(
    [
      'replay',
      '--model',
      'a@1',
      '--model',
      'b@2',
      '--from',
      '2026-03-01',
      '--segment',
      'campaign=a=b',
      '--segment',
      'score=..0.5',
      '--by',
      'campaign',
      '--sample',
      '1,000',
      '--seed',
      '3',
      '--min-exact',
      '70%',
    ],
    answers,
  )
  const { job: _, ...rest } = asked
  assert.deepEqual(rest, {
    models: ['a@1', 'b@2'],
    from: '2026-03-01T00:00:00Z',
    segment: { campaign: 'a=b', score: '..0.5' },
    sample: 1000,
    seed: 3,
    by: ['campaign'],
  })
  assert.equal(code, 0)
  assert.match(stdout, /✓ 7 of 10 recomputed exactly/)
  assert.match(stdout, /at least 70 % was asked for: reached/)
  assert.match(stdout, /winter +7 +10 +50 to 90 % +3 late data/)
  assert.match(stdout, /p-\\x1b\[31m1 +late data +opens was 2.*record 81/)
})

test('wrong options are refused before anything is asked', async () => {
  const wrong: string[][] = [
    ['replay', '--segment', 'campaign'],
    ['replay', '--segment', 'day=a', '--segment', 'day=b'],
    ['replay', '--min-exact', '101%'],
    ['replay', '--min-exact', '-1'],
    ['replay', '--format', 'html'],
    ['skew', 'file.csv'],
    ['skew', '--entity', 'customer'],
    ['skew', '--tolerance', 'opens'],
    ['skew', '--max-mismatch', 'much'],
    ['drift', '--max-psi', '-0.1'],
    ['drift', '--fail-on', 'always'],
    ['drift', 'opens@1'],
  ]
  for (const argv of wrong) assert.equal((await run(argv)).code, 2, argv.join(' '))
})

test('on a terminal it says meanwhile how far it is, and takes the line away', async () => {
  let said = ''
  const answers: Record<string, unknown> = {
    'POST /v1/replays': async () => {
      // As long as it takes until something was shown.
      while (!said.includes('60 %')) await new Promise((resolve) => setImmediate(resolve))
      return replayed
    },
  }
  const fake = new Proxy(answers, {
    get: (own, key) =>
      String(key).startsWith('GET /v1/progress/') ? { done: 6000, total: 10_000 } : own[key as string],
  })
  const isTTY = { stdin: false, stdout: false, stderr: true }
  await run(['replay'], fake, { isTTY, stderr: (text: string) => void (said += text) })
  assert.match(said, /replay {3}6,000 of 10,000 {3}60 %/)
  assert.ok(said.endsWith('\r\u001b[2K'))
})

test('skew shows the feature that is off first, and the event behind it', async () => {
  const feature = {
    type: 'int64',
    tolerance: 0,
    compared: 200,
    missing: 0,
    extra: 0,
    missingRatio: 0,
    extraRatio: 0,
    examples: [],
    behind: {},
  }
  const event = {
    seq: 81,
    id: 'e-81',
    stream: 'letters',
    time: '2026-02-20T10:00:00Z',
    known: '2026-02-28T10:00:00Z',
    recorded: '2026-02-28T10:00:01Z',
    late: true,
    marks: ['known 8 d after it happened'],
  }
  const answer = {
    of: 'predictions',
    population: 200,
    sampled: 200,
    compared: 200,
    erased: 1,
    unknown: 0,
    altered: 0,
    silent: 0,
    absent: 0,
    views: [
      {
        view: 'reader@v1',
        rows: 200,
        features: [
          { ...feature, name: 'fine', mismatch: 0, mismatchRatio: 0 },
          {
            ...feature,
            name: 'opens',
            mismatch: 1,
            mismatchRatio: 0.005,
            examples: [
              {
                seq: 9,
                id: 'p-1',
                subject: 'a'.repeat(32),
                at: '2026-03-01T00:00:00Z',
                asOf: 90,
                served: 2,
                offline: 3,
                behind: {
                  how: 'without',
                  events: [event],
                  count: 1,
                  alternatives: 2,
                  sentence: 'it is the value without record 81 of letters',
                },
              },
            ],
            behind: { late: 1 },
          },
        ],
      },
    ],
    strange: { colour: 3 },
    seed: 1,
    asOf: 90,
  }
  const answers = { 'POST /v1/skew': answer }
  const { code, stdout } = await run(['skew'], answers)
  assert.equal(code, 1)
  assert.match(stdout, /✗ 1 of 2 features served otherwise/)
  assert.ok(stdout.indexOf('opens ') < stdout.indexOf('fine '))
  assert.match(
    stdout.replaceAll(/\s+/g, ' '),
    /served 2, offline 3: it is the value without record 81 of letters \(known 8 d after it happened\); 2 other choices would do as well/,
  )
  assert.match(stdout, /no feature of the view: colour/)
  assert.equal((await run(['skew', '--max-mismatch', '0.005'], answers)).code, 0)
  assert.equal((await run(['skew', '--max-mismatch', '0.0049'], answers)).code, 1)
  const nothing = { 'POST /v1/skew': { ...answer, compared: 0, views: [] } }
  assert.equal((await run(['skew'], nothing)).code, 0)
  assert.equal((await run(['skew', '--max-extra', '1'], nothing)).code, 1)
})
