import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Agents } from '@whence/sdk'
import { run } from '../testing.ts'

const proposal = {
  id: 'a-1',
  type: 'send',
  actor: { type: 'agent', id: 'writer' },
  entity: 'customer-17',
  output: { copy: [{ part: 'subject', text: 'Hello Anna' }] },
}

suite('whence agents', () => {
  let cwd = ''
  const whence = (...argv: string[]) => run(['agents', ...argv], {}, { cwd })
  const made: Record<string, { keyid: string; key: string }> = {}
  const file = async (name: string, value: unknown) => {
    await writeFile(join(cwd, name), typeof value === 'string' ? value : JSON.stringify(value))
    return name
  }

  before(async () => {
    cwd = await mkdtemp(join(tmpdir(), 'whence-agents-'))
    for (const [name, format] of [
      ['agent', 'jwk'],
      ['approver', 'pem'],
    ] as const) {
      const { code, stdout } = await whence('keygen', name, '--format', format, '--json')
      assert.equal(code, 0)
      made[name] = JSON.parse(stdout) as { keyid: string; key: string }
    }
  })
  after(() => rm(cwd, { recursive: true, force: true }))

  test('keygen writes a private key that only its user reads, never over another, and prints the public one', async () => {
    const before = await readFile(join(cwd, 'agent'), 'utf8')
    assert.equal((await stat(join(cwd, 'agent'))).mode & 0o077, 0)
    const again = await whence('keygen', 'agent')
    assert.equal(again.code, 2)
    assert.match(again.stderr, /is there already/)
    assert.equal(await readFile(join(cwd, 'agent'), 'utf8'), before)
    const { d } = JSON.parse(before) as { d: string }
    const another = await whence('keygen', 'another')
    assert.match(another.stdout, /^keys:\n {2}- [A-Za-z0-9+/]{43}= # [0-9a-f]{16}\n$/)
    assert.ok(!another.stdout.includes(d))
    assert.equal((await whence('keygen', 'third', '--format', 'der')).code, 2)
  })

  test('sign gives what it was given with a signature more: one, a batch, or a line each', async () => {
    const one = await whence('sign', await file('one.json', proposal), '--key-file', 'agent')
    assert.equal(one.code, 0, one.stderr)
    const { signatures, ...rest } = JSON.parse(one.stdout) as { signatures: { keyid: string }[] }
    assert.deepEqual(rest, proposal)
    assert.deepEqual(
      signatures.map(({ keyid }) => keyid),
      [made.agent!.keyid],
    )
    const batch = await whence(
      'sign',
      await file('batch.json', { actions: [proposal, { ...proposal, id: 'a-2' }] }),
      '--key-file',
      'agent',
    )
    const { actions } = JSON.parse(batch.stdout) as { actions: { id: string; signatures: { sig: string }[] }[] }
    assert.deepEqual(
      actions.map(({ id, signatures }) => [id, signatures.length]),
      [
        ['a-1', 1],
        ['a-2', 1],
      ],
    )
    assert.notEqual(actions[0]!.signatures[0]!.sig, actions[1]!.signatures[0]!.sig)
    const lines = await whence(
      'sign',
      await file('lines.ndjson', `${JSON.stringify(proposal)}\n\n${JSON.stringify(proposal)}\n`),
      '--key-file',
      'agent',
    )
    assert.equal(lines.stdout.trim().split('\n').length, 2)
  })

  test('an envelope is countersigned over the bytes that it holds, and both signatures verify without a server', async () => {
    const first = await whence('sign', await file('one.json', proposal), '--key-file', 'agent', '--envelope')
    const second = await whence('sign', await file('first.json', first.stdout), '--key-file', 'approver')
    assert.ok(!second.stdout.includes('customer-17') && !second.stdout.includes('Anna'))
    const both = await file('both.json', second.stdout)
    const trust = ['--public', made.agent!.key, '--public', made.approver!.key]
    const verified = await whence('verify', both, ...trust, '--threshold', '2', '--json')
    assert.equal(verified.code, 0, verified.stderr)
    const { signed } = JSON.parse(verified.stdout) as { signed: string[] }
    assert.deepEqual(signed, [made.agent!.keyid, made.approver!.keyid])
    const alone = await whence('verify', both, '--public', made.agent!.key, '--threshold', '2')
    assert.equal(alone.code, 1)
    assert.match((await whence('verify', both, '--public', made.agent!.key)).stdout, /unverified/)
  })

  test('verify asks the server for the keys in force, as of a position', async () => {
    const envelope = await whence('sign', await file('one.json', proposal), '--key-file', 'agent', '--envelope')
    const path = await file('asked.json', envelope.stdout)
    const known = (keys: Agents['agents'][number]['keys'], asOf: number): Agents => ({
      asOf,
      agents: [
        {
          name: 'writer',
          version: 1,
          seq: 3,
          type: 'agent',
          owner: 'o',
          mode: 'live',
          signs: true,
          keys,
          configurations: {},
        },
      ],
    })
    const answers = {
      'GET /v1/agents': ({ query }: { query: URLSearchParams }) =>
        known(query.get('asOf') === '5' ? [made.agent!] : [made.approver!], 9),
    }
    const then = await run(['agents', 'verify', path, '--as-of', '5'], answers, { cwd })
    assert.equal(then.code, 0, then.stderr)
    assert.match(then.stdout, /signed by +writer/)
    assert.equal((await run(['agents', 'verify', path], answers, { cwd })).code, 1)
  })

  test('what cannot be signed is refused, with its place', async () => {
    const wrong: [unknown, RegExp][] = [
      ['', /empty/],
      ['{"id":"a-1"', /line 1 is no JSON/],
      [`${JSON.stringify(proposal)}\n{`, /line 2 is no JSON/],
      [{ ...proposal, type: 'shout' }, /no proposal: type/],
      [{ actions: [proposal, {}] }, /action 2 is no proposal/],
      [{ payloadType: 'x', payload: '', signatures: [] }, /not JSON/],
      [{ payloadType: 'x', payload: 'e30=', signatures: [] }, /no statement about an action/],
      [{ payloadType: 7 }, /no DSSE envelope/],
      [{ ...proposal, campaign: '\ud800' }, /surrogate/],
      [7, /no proposal/],
      [null, /no proposal/],
    ]
    for (const [value, message] of wrong) {
      const { code, stderr, stdout } = await whence('sign', await file('wrong.json', value), '--key-file', 'agent')
      assert.notEqual(code, 0)
      assert.equal(stdout, '')
      assert.match(stderr, message)
    }
    assert.match((await whence('sign', 'one.json', '--key-file', 'one.json')).stderr, /no Ed25519 key/)
    assert.match((await whence('sign', 'one.json', '--key-file', 'nowhere')).stderr, /cannot be read/)
    assert.match((await whence('sign', 'one.json')).stderr, /--key-file is missing/)
    assert.match((await whence('verify', 'one.json', '--public', 'x')).stderr, /--public/)
  })
})
