// The tables of outcomes, alarms, rollbacks and actions are what the records give, and whoever changes a row behind the
// ledger's back is found out: verify names the table, the row, and what it ought to say.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { tellStory } from '../examples/rollback/story.ts'
import { openDatabase } from '../server/src/store/database.ts'
import type { Database } from '../server/src/store/database.ts'
import { environment, event, files, sent, tell } from './mailing.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

suite('tables held against their records', () => {
  let site: Site
  let server: Running

  before(async () => {
    site = await Site.make()
    server = await site.start({ environment })
    await tellStory(server.client, () => {})
    await server.client.apply({ files: files.filter(({ path }) => path !== 'purposes.yaml') })
  })
  after(() => site?.remove())

  /** Does something to the tables of a server that stands still, and says what verify finds then. */
  async function found(change: (database: Database) => Promise<unknown>): Promise<string[]> {
    await server.stop()
    const database = await openDatabase({
      url: site.env.DATABASE_URL,
      folder: join(site.data, 'database'),
      schema: site.env.WHENCE_SCHEMA,
    })
    try {
      await change(database)
    } finally {
      await database.close()
    }
    server = await site.start({ environment })
    const { ok, problems } = await server.client.verify()
    assert.equal(ok, problems.length === 0)
    return problems.map(({ path, code, message }) => `${path} ${code}: ${message}`)
  }

  test('they are the same while records come in and people are erased, and when two look at once', async () => {
    const { client } = server
    await sent(client, 'kept', 'c-kept', { purpose: 'service' })
    await sent(client, 'going', 'c-going', { purpose: 'service' })
    await tell(server.url, event('opened', 'going'))
    await tell(server.url, event('hard_bounced', 'going'))
    const telling = Array.from({ length: 60 }, (_, n) => tell(server.url, event('opened', 'kept', { id: `o-${n}` })))
    const [one, two] = await Promise.all([
      client.verify(),
      client.verify(),
      client.erase({ identifier: 'c-going', basis: 'asked' }),
      ...telling,
    ])
    assert.deepEqual([one.problems, two.problems], [[], []])
    const { problems, checked } = await client.verify()
    assert.deepEqual(problems, [])
    assert.ok(checked['rows of tables']! > 1000)
  })

  test('what a verification that was killed left behind is cleared away, and nothing stays', async () => {
    const schemas = (database: Database) =>
      database.query("select nspname::text as name from pg_namespace where nspname = current_schema() || '_again'")
    assert.deepEqual(
      await found(async (database) => {
        assert.deepEqual(await schemas(database), [])
        const [{ name }] = (await database.query("select current_schema() || '_again' as name")) as [{ name: string }]
        await database.query(`create schema "${name}"`)
        await database.query(`create table "${name}".outcome (seq int8)`)
      }),
      [],
    )
    assert.equal((await server.client.verify()).ok, true)
  })

  test('an outcome that was changed, one that was taken out and one that was put in are named', async () => {
    let [changed, gone] = [0n, 0n]
    const said = await found(async (database) => {
      const rows = await database.query<{ seq: bigint }>(
        "select seq from outcome where type = 'complained' order by seq limit 2",
      )
      ;[changed, gone] = rows.map(({ seq }) => seq) as [bigint, bigint]
      await database.query("update outcome set type = 'opened', late = true where seq = $1", [changed])
      await database.query('delete from outcome where seq = $1', [gone])
      await database.query(
        `insert into outcome (seq, subject, sealed, unowned, type, time, recorded, provider, late)
         values (999999, 'nobody', 'nobody', false, 'opened', 0, 0, 'none', false)`,
      )
    })
    const rebuild = '(whence rebuild makes the tables again)'
    assert.deepEqual(said, [
      `database/outcome altered: row seq ${changed} of the table outcome is altered: type is "opened", and by the records "complained"; late is "true", and by the records "false" ${rebuild}`,
      `database/outcome altered: row seq ${gone} of the table outcome is missing ${rebuild}`,
      `database/outcome altered: row seq 999999 of the table outcome follows from no record ${rebuild}`,
    ])
    const ran = await site.whence('verify')
    assert.equal(ran.code, 1)
    assert.match(ran.stdout, /ALTERED +database\/outcome: row seq \d+ of the table outcome is missing/)
    await server.stop()
    assert.equal((await site.whence('rebuild')).code, 0)
    server = await site.start({ environment })
    assert.deepEqual((await server.client.verify()).problems, [])
  })

  const changes: [string, string, RegExp][] = [
    ['outcome_message', 'update outcome_message set action = action + 1', /^database\/outcome_message .*action is \d+/],
    [
      'undeliverable',
      "insert into undeliverable (subject, channel, address, seq) values ('s', 'email', 'a', 1)",
      /^database\/undeliverable .*row subject "s", channel "email", address "a" .*follows from no record/m,
    ],
    [
      'alarm',
      `update alarm set grp = 'autumn', body = jsonb_set(body, '{evidence,value}', '1')`,
      /^database\/alarm .*grp is "autumn".*body is/m,
    ],
    [
      'observation',
      "update observation set fact = 'delivered' where fact = 'complained'",
      /^database\/observation .*fact is "delivered", and by the records "complained"/m,
    ],
    ['observed_message', 'delete from observed_message', /^database\/observed_message .*is missing/],
    ['pause', 'update pause set paused = not paused', /^database\/pause .*paused is/],
    ['rollback', "update rollback set state = 'stopped', ended = null", /^database\/rollback .*state is "stopped"/],
    ['rollback_step', 'delete from rollback_step where step = 0', /^database\/rollback_step .*step 0 .*is missing/],
    ['action', "update action set campaign = 'another'", /^database\/action .*campaign is "another"/],
    ['action_delivery', "update action_delivery set status = 'failed'", /^database\/action_delivery .*"failed"/],
  ]
  test('a change of any other of these tables is found', async () => {
    const said = await found(async (database) => {
      for (const [table, sql] of changes) {
        const rows = await database.query(`select * from ${table} limit 1`)
        assert.ok(rows.length > 0 || table === 'undeliverable', `there is something to change in ${table}`)
        await database.query(sql)
      }
    })
    for (const [table, , says] of changes) {
      const own = said.filter((line) => line.startsWith(`database/${table} altered`))
      assert.match(own.join('\n'), says)
      assert.ok(own.length <= 21, 'of many rows the first are named, and the others counted')
    }
    assert.ok(said.some((line) => /^database\/action altered: \d+ more rows of the table action/.test(line)))
  })
})
