// Training sets and objections from the command line.
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { customers, follow, stream } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

suite('training sets from the command line', () => {
  let site: Site
  let server: Running
  let file: string

  before(async () => {
    site = await Site.make()
    server = await site.start()
    await follow(server.client)
    file = join(site.folder, 'spine.csv')
    const rows = customers.map((customer, i) => `${customer};2026-02-15;${i % 2 === 0}`)
    await writeFile(file, `who;at;opened\n${rows.join('\n')}\nnobody;2026-02-15;true\n`)
  })
  after(() => site?.remove())

  const whence = (...args: string[]) => site.whence(...args)
  const create = ['training-set', 'create', 'winter', '--view', 'reader', '--label', 'opened']

  test('a set is made of a file, shown, approved, exported and verified', async () => {
    const made = await whence(...create, '--spine', file, '--entity-column', 'who')
    assert.equal(made.code, 0, made.stderr)
    assert.match(made.stdout, /training set winter {3}reader@v1 {3}10 rows/)
    assert.match(made.stdout, /left out: 1 about nobody known/)
    const again = await whence(...create, '--spine', file, '--entity-column', 'who')
    assert.match(again.stdout, /it was made before/)

    const approved = await whence(
      'training-set',
      'approve',
      'winter',
      '--as',
      'reviewer',
      '--purpose',
      'opening of letters',
    )
    assert.equal(approved.code, 0, approved.stderr)
    const shown = await whence('training-set', 'show', 'winter', '--json')
    const set = JSON.parse(shown.stdout) as { approvals: { decision: string }[]; now: { files: { sha256: string }[] } }
    assert.deepEqual(
      set.approvals.map(({ decision }) => decision),
      ['approved'],
    )
    const out = join(site.folder, 'winter.parquet')
    const exported = await whence('training-set', 'export', 'winter', '--out', out)
    assert.equal(exported.code, 0, exported.stderr)
    assert.equal(hash('sha256', await readFile(out)), set.now.files[0]!.sha256)
    assert.ok(!existsSync(`${out}.part`))

    const card = await whence('training-set', 'card', 'winter')
    for (const words of [
      '# winter',
      '## View reader',
      'letters\\_90d',
      '## Known limits',
      'opening of letters',
      'content/1',
    ])
      assert.ok(card.stdout.includes(words), `${words}\n${card.stdout}`)
    const verified = await whence('training-set', 'verify', 'winter', '--spine', file)
    assert.equal(verified.code, 0, verified.stdout + verified.stderr)
    assert.match(verified.stdout, /10 of 10 rows made again as written/)
    await writeFile(`${file}.csv`, 'who;at;opened\nnobody;2026-02-15;true\n')
    assert.equal((await whence('training-set', 'verify', 'winter', '--spine', `${file}.csv`)).code, 1)
  })

  test('a stream is a spine, and two sets are compared', async () => {
    const of = (id: string, ...more: string[]) =>
      whence(
        'training-set',
        'create',
        id,
        '--view',
        'reader',
        '--label',
        'A',
        '--spine',
        `stream:${stream}`,
        '--label-column',
        `creative = 'A'`,
        ...more,
      )
    assert.equal((await of('sends', '--where', `event = 'sent'`)).code, 0)
    assert.equal((await of('leaky', '--where', `event = 'sent'`, '--ignore-knowledge')).code, 0)
    const compared = await whence('training-set', 'compare', 'sends', 'leaky')
    assert.equal(compared.code, 1)
    assert.match(compared.stdout, /knowledge: \d+ rows in .*letters_90d/)
    assert.match((await whence('training-set', 'show', 'leaky')).stdout, /knowledge time ignored/)
    assert.match((await whence('training-set', 'card', 'leaky')).stdout, /labels may leak/)
    assert.equal((await whence('training-set', 'compare', 'sends', 'sends')).code, 0)
  })

  test('an objection is recorded, checked and taken back', async () => {
    const [anna] = customers
    assert.equal((await whence('object', anna!, '--purpose', 'marketing')).code, 0)
    assert.match((await whence('object', anna!, '--check')).stdout, /objects to profiling and marketing/)
    assert.equal((await whence('object', anna!, '--purpose', 'marketing', '--withdraw')).code, 0)
    assert.match((await whence('object', anna!, '--check')).stdout, /objects to nothing/)
    assert.equal((await whence('object', anna!, '--purpose', 'sport')).code, 2)
  })

  test('wrong use is said before anything is sent', async () => {
    for (const args of [
      ['--spine', 'stream:letters'],
      ['--spine', join(site.folder, 'nothing.csv')],
      ['--spine', site.folder],
      ['--spine', `stream:${stream}`, '--label-column', '1', '--entity-column', 'who'],
    ])
      assert.equal((await whence(...create, ...args)).code, 2, args.join(' '))
    assert.equal((await whence('training-set', 'show', 'nothing')).code, 1)
  })
})
