// A playbook is tried on a copy: what it would do, and how long it would take, while the original stays as it is and nobody
// outside hears of it.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { main, Site } from '../site.ts'

const files = (url: string) => [
  {
    path: 'purposes.yaml',
    text: `kind: Purposes
name: shop
purposes:
  - name: service
    grounds:
      - { basis: contract }
`,
  },
  {
    path: 'mailing.yaml',
    text: `kind: Connector
name: mailing
type: http
url: ${url}
owns: { campaigns: ['*'] }
credentials: { token: WHENCE_CONNECTOR_NOT_SET }
`,
  },
  { path: 'wrong-offer.yaml', text: playbook(url) },
]

const playbook = (url: string, name = 'wrong-offer'): string => `kind: Playbook
name: ${name}
degrees: [pause, revert, compensate]
compensate: { copy: [{ part: subject, text: A correction }] }
tell: [{ who: legal, url: '${url}/told/a-secret' }]
follows: [Call the regulator]
`

const message = (n: number) => ({
  id: `a-${n}`,
  type: 'send' as const,
  actor: { type: 'service' as const, id: 'mailer' },
  entity: `c-${n}`,
  channel: 'email',
  purpose: 'service',
  campaign: 'spring',
  address: `c-${n}@example.com`,
  output: { copy: [{ part: 'subject', text: 'Spring is here' }] },
})

interface Told {
  state: string
  steps: { do: string; state: string; says: string; seconds: number }[]
  outside: { whom: string; what: string }[]
  original: { size: number; unchanged: boolean; compared: string }
  actions: number
}

suite('a drill', () => {
  let site: Site
  let far: HttpServer
  let url: string
  let temporary: string
  const heard: string[] = []

  before(async () => {
    far = createServer((request, response) => {
      heard.push(String(request.url))
      response.end('{}')
    })
    await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(far.address() as AddressInfo).port}`
    site = await Site.make()
    temporary = join(site.folder, 'temporary')
    await mkdir(temporary)
    const server = await site.start()
    const { client } = server
    await client.apply({ files: files(url) })
    await client.proposeAll(Array.from({ length: 6 }, (_, n) => message(n)))
    const { claims } = await client.claim({ limit: 4 })
    await client.acknowledge(
      claims.slice(0, 3).map(({ claim }) => ({ claim, status: 'sent' as const, providerId: `m-${claim}` })),
    )
    await server.stop()
  })
  after(async () => {
    await site.remove()
    far.close()
  })

  const drilled = (...args: string[]) => site.whence('drill', ...args, '--in', temporary, '--data', site.data)

  test('runs every step on a copy, tells what would have left the machine, and changes nothing', async () => {
    const checkpoint = await readFile(join(site.data, 'log', 'checkpoint'))
    const { code, stdout, stderr } = await drilled('wrong-offer', '--cause', 'campaign:spring', '--json')
    assert.equal(code, 0, stderr)
    const told = JSON.parse(stdout) as Told
    assert.equal(told.state, 'done')
    assert.deepEqual(
      told.steps.map((step) => [step.do, step.state]),
      [
        ['pause', 'done'],
        ['pause in system', 'done'],
        ['take back', 'done'],
        ['compensate', 'done'],
        ['tell', 'done'],
      ],
    )
    assert.match(told.steps[2]!.says, /^2 queued were taken back/)
    assert.match(told.steps[3]!.says, /^3 were written to/)
    assert.ok(told.steps.every(({ seconds }) => seconds >= 0))
    assert.deepEqual(told.outside, [
      { whom: 'mailing', what: 'would be asked to set the campaign spring to paused' },
      { whom: new URL(url).host, what: 'would be told' },
    ])
    assert.ok(!stdout.includes('a-secret'), 'an address may carry a secret')
    assert.deepEqual([told.original.unchanged, told.original.compared], [true, 'size, root and every file'])
    assert.deepEqual(heard, [])
    assert.deepEqual(await readFile(join(site.data, 'log', 'checkpoint')), checkpoint)
    assert.deepEqual(await readdir(temporary), [])
    // The original knows of no pause, no rollback, and has what waits.
    const server = await site.start()
    assert.deepEqual(await server.client.pauses(), [])
    assert.deepEqual((await server.client.rollbacks()).rollbacks, [])
    assert.equal((await server.client.scope({ kind: 'campaign', name: 'spring' })).actions, 6)
    await server.stop()
  })

  test('runs beside a server that goes on, with a playbook that is in force nowhere else', async () => {
    const server = await site.start()
    const file = join(site.folder, 'draft.yaml')
    await writeFile(file, playbook(url, 'draft').replace('[pause, revert, compensate]', '[pause]'))
    const { code, stdout, stderr } = await drilled(file, '--cause', 'campaign:spring')
    assert.equal(code, 0, stdout + stderr)
    assert.match(stdout, /A drill of draft/)
    assert.match(stdout, /Call the regulator/)
    assert.match(stdout, /the same by size and root/)
    await assert.rejects(server.client.playbook('draft'), { code: 'not_found' })
    assert.deepEqual(await server.client.pauses(), [])
    assert.deepEqual(heard, [])
    assert.deepEqual(await readdir(temporary), [])
    await server.stop()
  })

  test('what cannot be drilled is said, and leaves nothing behind', async () => {
    for (const [args, code, says] of [
      [['nothing', '--cause', 'campaign:spring'], 1, /nothing is in force/],
      [['wrong-offer'], 2, /No alarm is on record/],
      [['wrong-offer', '--cause', 'nonsense'], 2, /is not a cause/],
      [['no-such.yaml', '--cause', 'campaign:spring'], 2, /cannot be read/],
    ] as const) {
      const ran = await drilled(...args)
      assert.match(ran.stderr, says)
      assert.equal(ran.code, code, ran.stderr)
    }
    assert.deepEqual(await readdir(temporary), [])
    assert.deepEqual(heard, [])
  })

  test('runs beside another of the same original, and neither hears of the other', async () => {
    const both = await Promise.all([1, 2].map(() => drilled('wrong-offer', '--cause', 'campaign:spring', '--json')))
    for (const { code, stdout, stderr } of both) {
      assert.equal(code, 0, stderr)
      const told = JSON.parse(stdout) as Told
      assert.deepEqual([told.state, told.actions, told.steps.length, told.original.unchanged], ['done', 6, 5, true])
    }
    assert.deepEqual(await readdir(temporary), [])
    assert.deepEqual(heard, [])
  })

  test('that was killed leaves its copy, which the next one removes', async () => {
    const child = site.spawn([main, 'drill', 'wrong-offer', '--cause', 'campaign:spring', '--in', temporary])
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const copied = async (): Promise<boolean> => {
      const [work] = await readdir(temporary)
      return work !== undefined && (await readdir(join(temporary, work))).includes('keys')
    }
    while (!(await copied())) {
      assert.equal(child.exitCode, null, 'it ended before it had copied anything')
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    child.kill('SIGKILL')
    await ended
    assert.equal((await readdir(temporary)).length, 1)
    // Whatever becomes of the next one, it first removes what was left.
    const empty = join(site.folder, 'empty')
    const { code, stderr } = await site.whence('drill', 'wrong-offer', '--in', temporary, '--data', empty)
    assert.match(stderr, /1 copy of drills that were killed removed/)
    assert.match(stderr, /holds no published log yet/)
    assert.notEqual(code, 0)
    assert.deepEqual(await readdir(temporary), [])
  })
})
