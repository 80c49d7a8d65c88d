// What an operator does: make the tables again, back up, restore, anchor, hand out keys, stop.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { createClient } from '@whence/sdk'
import { backup } from '../../server/src/cli/backup.ts'
import { demo } from '../../server/src/cli/demo.ts'
import { rebuild } from '../../server/src/cli/rebuild.ts'
import { recover } from '../../server/src/cli/recover.ts'
import { restore } from '../../server/src/cli/restore.ts'
import { run } from '../../server/src/cli/testing.ts'
import { up } from '../../server/src/cli/up.ts'
import { verify } from '../../server/src/cli/verify.ts'
import { openDatabase } from '../../server/src/store/database.ts'
import { collect, refused } from '../answers.ts'
import { customers, follow, letters, stream } from '../shop.ts'
import { Site } from '../site.ts'
import type { Running } from '../site.ts'

/** More letters, from the n-th on, to those who are not erased. */
const more = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    ...letters[0]!,
    id: `more-${from + i}`,
    n: 1000 + from + i,
    customer: customers[i % 9]!,
  }))

suite('keeping a site', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await follow(server.client)
  })
  after(() => site?.remove())

  test('tables that are made again are the same tables', async () => {
    await server.client.ingest(stream, [{ ...letters[0]!, id: 'odd', n: 5000, creative: 'Z' }])
    await server.client.anchor({ to: 'file', path: join(site.folder, 'first.checkpoint') })
    const { id } = await server.client.issueKey({ name: 'one', scopes: ['read'] })
    await server.client.revokeKey(id)
    await server.client.erase({ identifier: customers[9]!, basis: 'they asked' })
    await server.client.status()
    await server.stop()
    const before = await tables(site)
    assert.ok(before.size > 10)
    assert.ok([...before.values()].filter((rows) => rows.length > 0).length > 8)
    const ran = await site.whence('rebuild', '--json')
    assert.equal(ran.code, 0, ran.stderr)
    const rebuilt = await tables(site)
    await site.forgetTables()
    server = await site.start()
    assert.deepEqual((await server.client.verify()).problems, [])
    await server.stop()
    const anew = await tables(site)
    for (const [name, rows] of before) {
      assert.deepEqual(rebuilt.get(name), rows, name)
      assert.deepEqual(anew.get(name), rows, name)
    }
    server = await site.start()
  })

  test('a backup that is made while events come in restores to a log that verifies and explains', async () => {
    const [to, keysTo] = [join(site.folder, 'backup'), join(site.folder, 'backup-keys')]
    const before = await server.client.explain('p-bela')
    let going = true
    let acknowledged = 0
    const load = (async () => {
      for (let from = 0; going; from += 20)
        acknowledged += (await server.client.ingest(stream, more(from, 20))).accounting.passed
    })()
    const { code, stdout, stderr } = await site.whence('backup', to, '--keys', keysTo, '--json')
    going = false
    await load
    assert.equal(code, 0, stderr)
    assert.ok(acknowledged > 0)
    const { size } = JSON.parse(stdout)

    const again = await site.whence('backup', to, '--keys', keysTo)
    assert.equal(again.code, 2, 'a backup is never written over another one')
    assert.equal(
      (await site.whence('backup', join(site.folder, 'b2'), '--keys', join(site.folder, 'b2', 'keys'))).code,
      2,
    )

    const other = await Site.make()
    try {
      await other.forgetTables()
      const data = join(other.folder, 'restored')
      const restored = await other.whence('restore', to, '--keys', keysTo, '--data', data, '--json')
      assert.equal(restored.code, 0, restored.stderr)
      const verified = await other.whence('verify', '--data', data, '--json')
      assert.equal(verified.code, 0, verified.stdout)
      // In its new place the first start writes the paths of each table again: a record for each.
      const moved = (await server.client.tables()).tables.length
      assert.equal(JSON.parse(verified.stdout).size, size + moved)
      const explained = await other.whence('explain', 'p-bela', '--data', data, '--json')
      assert.equal(explained.code, 0, explained.stderr)
      const { score, inputs, events } = JSON.parse(explained.stdout)
      assert.deepEqual({ score, inputs, events }, { score: before.score, inputs: before.inputs, events: before.events })
      assert.equal(
        (await other.whence('restore', to, '--keys', keysTo, '--data', data)).code,
        2,
        'nothing is restored over a log',
      )
    } finally {
      await other.remove()
    }
  })

  test('a stop in the middle of an ingest loses nothing that was acknowledged, and a second run adds the rest', async () => {
    const all = Array.from({ length: 40 }, (_, i) => more(100_000 + i * 25, 25))
    const loads = all.map((events) => server.client.ingest(stream, events))
    const settled = Promise.allSettled(loads)
    await Promise.race(loads)
    await server.stop()
    const done = await settled
    assert.equal((await loads[done.findIndex(({ status }) => status === 'fulfilled')])!.accounting.passed, 25)
    server = await site.start()
    for (const [i, events] of all.entries()) {
      const { accounting } = await server.client.ingest(stream, events)
      assert.equal(accounting.duplicate + accounting.passed, events.length)
      if (done[i]!.status === 'fulfilled')
        assert.equal(accounting.duplicate, events.length, 'what was acknowledged is there')
    }
    assert.deepEqual((await server.client.verify()).problems, [])
  })

  test('anchors to a file, and never over a file that is no checkpoint', async () => {
    const path = join(site.folder, 'anchored')
    const anchor = await server.client.anchor({ to: 'file', path })
    assert.match(await readFile(path, 'utf8'), new RegExp(`^${server.origin}\n${anchor.size}\n`))
    assert.deepEqual((await server.client.status()).anchored, anchor)
    assert.equal(anchor.independent, false)
    assert.ok((await server.client.anchor({ to: 'file', path })).size > anchor.size, 'its own checkpoint is replaced')
    const letter = join(site.folder, 'letter.txt')
    await writeFile(letter, 'dear diary')
    await refused(server.client.anchor({ to: 'file', path: letter }), 'invalid')
    await refused(server.client.anchor({ to: 'file', path: join(site.data, 'origin') }), 'invalid')
    await refused(server.client.anchor({ to: 'file', path: site.folder }), 'invalid')
    assert.equal(await readFile(letter, 'utf8'), 'dear diary')
  })

  test('anchors to a git repository, a commit each', async () => {
    const repository = join(site.folder, 'repository')
    await mkdir(repository)
    await refused(server.client.anchor({ to: 'git', path: repository }), 'invalid')
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', repository, ...args], { encoding: 'utf8' }).trim()
    git('init', '--quiet')
    git('config', 'user.name', 'Operator')
    git('config', 'user.email', 'operator@shop.example')
    const first = await server.client.anchor({ to: 'git', path: repository })
    await server.client.anchor({ to: 'git', path: repository })
    assert.equal(git('rev-list', '--count', 'HEAD'), '2')
    assert.match(
      git('show', `HEAD~1:${git('ls-tree', '--name-only', 'HEAD')}`),
      new RegExp(`^${server.origin}\n${first.size}\n`),
    )
    assert.equal((await server.client.status()).anchored!.to, 'git')
    assert.equal(git('status', '--porcelain'), '')
  })

  test('a key works until it is revoked, and for what it was issued', async () => {
    const issued = async (scopes: ('ingest' | 'read' | 'admin')[], source: string) => {
      const key = await server.client.issueKey({ name: scopes.join(), scopes, source })
      return { ...key, client: createClient({ url: server.url, key: key.secret }) }
    }
    const shop = await issued(['ingest'], 'shop')
    const auditor = await issued(['read'], 'audit')
    assert.equal((await shop.client.ingest(stream, more(200_000, 1))).accounting.passed, 1)
    await refused(shop.client.status(), 'forbidden')
    await refused(shop.client.explain('p-bela'), 'forbidden')
    await refused(shop.client.issueKey({ name: 'x', scopes: ['admin'] }), 'forbidden')
    assert.equal((await auditor.client.explain('p-bela')).id, 'p-bela')
    await refused(auditor.client.ingest(stream, more(200_001, 1)), 'forbidden')
    await refused(auditor.client.erase({ identifier: customers[0]!, basis: 'x' }), 'forbidden')
    const { size } = await server.client.status()
    const records = (await server.client.records({ from: size - 20 })).records
    assert.equal(records.findLast(({ entry }) => entry.kind === 'event/1')!.entry.source, 'shop')

    const page = (path: string, key?: string) =>
      fetch(new URL(path, server.url), { headers: key ? { authorization: `Bearer ${key}` } : {} })
    for (const path of ['/health', '/ready', '/metrics', '/openapi.json', '/log/checkpoint', '/v1/status']) {
      assert.equal((await page(path)).status, 401, path)
      assert.equal((await page(path, 'wk_wrong')).status, 401, path)
      assert.equal((await page(path, auditor.secret)).status, 200, path)
      assert.equal((await page(path, shop.secret)).status, 403, path)
    }
    const metrics = await (await page('/metrics', auditor.secret)).text()
    for (const name of [
      'queue_records',
      'ledger_size',
      'follower_lag_records',
      'journal_sync_seconds',
      'records_total',
    ])
      assert.match(metrics, new RegExp(`^whence_${name}(\\{.*\\})? [\\d.e-]+$`, 'm'))

    await server.client.revokeKey(auditor.id)
    await refused(auditor.client.status(), 'unauthorized')
    assert.ok((await server.client.keys()).find(({ id }) => id === auditor.id)!.revoked)
    assert.ok(!JSON.stringify(await server.client.keys()).includes(auditor.secret))
    assert.equal(
      (await collect(server.client.snapshotRows((await server.client.explain('p-bela')).snapshot!.id))).length,
      customers.length - 1,
    )
  })

  test('the command line says by its exit code: yes, a found problem, wrong use', async () => {
    const [status, nope, command, option, nothing] = await Promise.all([
      site.whence('status', '--json'),
      site.whence('explain', 'nope'),
      site.whence('explian', 'p-bela'),
      site.whence('status', '--jsn'),
      site.whence(),
    ])
    assert.equal(status.code, 0, status.stderr)
    assert.ok(JSON.parse(status.stdout).size > 0)
    assert.equal(nope.code, 1)
    assert.match(nope.stderr, /nope/)
    assert.equal(command.code, 2)
    assert.match(command.stderr, /did you mean "explain"/)
    assert.equal(option.code, 2)
    assert.match(option.stderr, /did you mean "--json"/)
    assert.equal(nothing.code, 2)
  })

  test('every command has help', async () => {
    const never = (): never => assert.fail('help starts nothing')
    const starting = [up(never), demo, rebuild(never), backup, restore(never), recover(never), verify]
    const more = Object.fromEntries(starting.map((command) => [command.name, async () => [command]]))
    const { stdout } = await run(['--help'], {}, {}, more)
    const names = [
      ...new Set([...stdout.matchAll(/^ {2}whence ([a-z-]+(?: [a-z][a-z-]*)?)/gm)].map(([, name]) => name!)),
    ]
    for (const name of [
      'up',
      'demo',
      'apply',
      'ingest',
      'materialize',
      'explain',
      'find',
      'replay',
      'verify',
      'erase',
      'rebuild',
      'backup',
      'restore',
      'anchor',
      'recover',
      'status',
      'keys',
      'lineage',
      'training-set',
      'model',
    ]) {
      assert.ok(names.includes(name), name)
    }
    for (const name of names) {
      const ran = await run([...name.split(' '), '--help'], {}, {}, more)
      assert.equal(ran.code, 0, name)
      assert.match(ran.stdout, /--json/)
      assert.match(ran.stdout, new RegExp(`^whence ${name}`))
    }
    const group = await run(['lineage', '--help'], {}, {}, more)
    assert.match(group.stdout, /^whence lineage COMMAND\n\n {2}whence lineage explain NODE/)
    const { code, stdout: help } = await site.whence('explain', '--help')
    assert.equal(code, 0)
    assert.match(help, /^whence explain ID/)
  })
})

/** Every row of every table, in an order of its own. */
async function tables(site: Site): Promise<Map<string, string[]>> {
  const { databaseUrl: url, data, schema } = site.config
  const database = await openDatabase({ url, folder: `${data}/database`, schema })
  try {
    const names = await database.query<{ name: string }>(
      "select table_name as name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1",
    )
    const all = new Map<string, string[]>()
    for (const { name } of names.filter((table) => !table.name.includes('migration'))) {
      const rows = await database.query<{ row: string }>(`select to_jsonb(t)::text as row from ${name} t`)
      all.set(name, rows.map(({ row }) => row).sort())
    }
    return all
  } finally {
    await database.close()
  }
}
