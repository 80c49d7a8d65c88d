// Support writes down what people wrote to it, from flags and from files: each is tied to the message that it is about, and what
// is tied to nothing is said.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { run } from '../server/src/cli/testing.ts'
import type { Ran } from '../server/src/cli/testing.ts'
import { environment, event, files, message, sent, tell } from './mailing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

let site: Site
let server: Running
/** Positions of the actions of five messages. */
const actions: number[] = []

before(async () => {
  site = await Site.make()
  server = await site.start({ environment })
  await server.client.apply({ files })
  for (let n = 0; n < 5; n++) actions.push(await sent(server.client, `m${n}`, `c-${n}`))
  // Of this one the provider's id is not known: the recipient and the time must do.
  await server.client.propose(message('quiet', 'c-quiet'))
  const { claims } = await server.client.claim()
  await server.client.acknowledge([{ claim: claims[0]!.claim, status: 'sent' }])
  actions.push(claims[0]!.seq)
})
after(() => site?.remove())

/** The command in this process, with the server that the site runs. */
const whence = (args: string[], input = ''): Promise<Ran> =>
  run(args, server.client, {
    cwd: site.folder,
    now: () => new Date(),
    stdin: (async function* () {
      yield Buffer.from(input)
    })(),
  })
const add = (...args: string[]) => whence(['tickets', 'add', ...args])

test('one ticket from flags, tied by its message; the same again is the same, other words are a conflict', async () => {
  const given = ['--id', 't-1', '--kind', 'ticket', '--message', 'm-m0', '--time', '2026-03-06T10:00:00Z']
  const first = await add(...given, '--text', 'Where is my parcel?')
  assert.equal(first.code, 0, first.stderr)
  assert.match(first.stdout, /1 recorded · 1 tied to their action/)
  const again = await whence(['tickets', 'add', ...given, '--text', '-'], 'Where is my parcel?')
  assert.match(again.stdout, /0 recorded · 1 already recorded/)
  const other = await add(...given, '--text', 'Something else')
  assert.equal(other.code, 1)
  assert.match(other.stdout + other.stderr, /another ticket is on record under the id t-1/)
})

test('a complaint is an opt-out, and says so', async () => {
  await server.client.propose(message('m1-next', 'c-1'))
  const told = await add('--id', 't-2', '--kind', 'complaint', '--recipient', 'c-1@example.com', '--message', 'm-m1')
  assert.match(told.stdout, /1 opt-out/)
  assert.equal((await server.client.action('m1-next')).state, 'suppressed')
})

test('CSV: by message, by recipient and time, by nothing; lines that are no tickets keep back no other', async () => {
  const path = join(site.folder, 'tickets.csv')
  await writeFile(
    path,
    [
      'id,kind,message,recipient,identifier,text,optOut',
      'f-1,ticket,m-m2,,,"two',
      'lines, and a comma",',
      'f-2,appeal,,c-quiet@example.com,,why me?,',
      'f-3,ticket,m-unheard-of,,stranger,who are you?,no',
      'f-4,whim,m-m2,,,no such kind,',
      'f-5,ticket,m-m2',
      ',ticket,m-m2,,,no id,',
      'f-6,ticket,m-m3,,,stop it,yes',
      '',
    ].join('\n'),
  )
  const ran = await add(path, '--json')
  assert.equal(ran.code, 1)
  const told = JSON.parse(ran.stdout) as {
    recorded: number
    refused: number
    tied: number
    untied: number
    optOuts: number
    untiedTickets: object[]
    problems: { line: number; message: string }[]
    results: { line: number; id: string; result: { action?: number; tie?: string } }[]
  }
  assert.deepEqual([told.recorded, told.refused, told.tied, told.untied, told.optOuts], [4, 3, 3, 1, 1])
  assert.deepEqual(told.untiedTickets, [{ line: 5, id: 'f-3' }])
  assert.deepEqual(
    told.problems.map(({ line }) => line),
    [6, 7, 8],
  )
  assert.deepEqual(
    told.results.map(({ id, line, result }) => [id, line, result.action, result.tie]),
    [
      ['f-1', 2, actions[2], 'message'],
      ['f-2', 4, actions[5], 'recipient'],
      ['f-3', 5, undefined, undefined],
      ['f-6', 9, actions[3], 'message'],
    ],
  )
  const shown = await add(path)
  assert.match(shown.stdout, /4 already recorded · 3 refused/)
  assert.match(shown.stdout, /1 ticket tied to no action, .*: f-3/)
})

test('JSON as an array, as one object over lines, and one a line; more than one request holds', async () => {
  const ticket = (n: number) => ({ id: `j-${n}`, kind: 'ticket', message: `m-m${n % 5}`, text: `number ${n}` })
  const array = join(site.folder, 'array.json')
  await writeFile(array, JSON.stringify([ticket(1), { id: 'j-2' }, ticket(3)], undefined, 2))
  const ran = await add(array)
  assert.equal(ran.code, 1)
  assert.match(ran.stderr, /ticket at 2: kind/)
  assert.match(ran.stdout, /2 recorded/)
  const one = join(site.folder, 'one.json')
  await writeFile(one, JSON.stringify(ticket(4), undefined, 2))
  assert.match((await add(one)).stdout, /1 recorded/)
  const input = Array.from({ length: 450 }, (_, n) => JSON.stringify(ticket(1000 + n))).join('\n')
  const many = await whence(['tickets', 'add', '-'], input)
  assert.match(many.stdout, /450 recorded · 450 tied/)
  const cut = await whence(['tickets', 'add', '-'], input.slice(0, -4))
  assert.match(cut.stdout, /449 already recorded · 1 refused/)
  assert.match(cut.stderr, /ticket at 450: is no JSON/)
})

test('hostile files and wrong calls are refused with a sentence', async () => {
  const wrong = async (text: string | Uint8Array, name: string): Promise<string> => {
    await writeFile(join(site.folder, name), text)
    const ran = await add(join(site.folder, name))
    assert.notEqual(ran.code, 0, name)
    return ran.stderr
  }
  assert.match(await wrong('id,kind,sender\n1,ticket,x\n', 'odd.csv'), /column "sender", which no ticket has/)
  assert.match(await wrong('[{"id":', 'torn.json'), /is no JSON/)
  assert.match(await wrong('', 'empty.csv'), /empty/)
  assert.match(await wrong(`{"id":"${'x'.repeat(9_000_000)}"}\n`, 'huge.ndjson'), /too long/)
  assert.match(await wrong('{"id":"a","kind":"ticket","__proto__":{"x":1},"more":1}\n', 'more.ndjson'), /more/)
  for (const args of [
    [],
    ['--id', 'x'],
    ['--id', 'x', '--kind', 'whim'],
    ['tickets.csv', '--id', 'x'],
    ['--id', 'x', '--kind', 'ticket', '--time', 'yesterday'],
  ])
    assert.equal((await add(...args)).code, 2, args.join(' '))
  assert.match((await add('--help')).stdout, /What stands on a command line/)
})

test('the list has what support wrote down, not what providers told, page by page', async () => {
  await tell(server.url, event('spam_complaint', 'm4'))
  type Listed = { tickets: { seq: number; type: string; action?: number }[]; next?: number }
  const list = async (...args: string[]): Promise<Listed> => {
    const ran = await whence(['tickets', 'list', '--json', ...args])
    assert.equal(ran.code, 0, ran.stderr)
    return JSON.parse(ran.stdout) as Listed
  }
  const all = await list('--limit', '1000')
  assert.equal(all.tickets.length, 2 + 4 + 3 + 450)
  assert.equal(all.next, undefined)
  assert.deepEqual(
    all.tickets.map(({ seq }) => seq),
    all.tickets.map(({ seq }) => seq).toSorted((a, b) => b - a),
  )
  const paged: number[] = []
  for (let next: number | undefined = Number.MAX_SAFE_INTEGER; next !== undefined;) {
    const page: Listed = await list('--limit', '200', '--before', String(next))
    paged.push(...page.tickets.map(({ seq }) => seq))
    next = page.next
  }
  assert.deepEqual(
    paged,
    all.tickets.map(({ seq }) => seq),
  )
  assert.deepEqual(
    (await list('--kind', 'complaint')).tickets.map(({ action }) => action),
    [actions[1]],
  )
  assert.equal((await list('--untied')).tickets.length, 1)
  assert.equal((await list('--action', 'm2', '--kind', 'ticket')).tickets.length > 1, true)
  const shown = await whence(['tickets', 'list', '--kind', 'appeal'])
  assert.match(shown.stdout, /appeal +\d+ by recipient/)
  assert.equal((await whence(['tickets', 'list', '--kind', 'whim'])).code, 2)
})
