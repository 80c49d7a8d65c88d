import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { demo } from './demo.ts'
import { run } from './testing.ts'

test('names the examples when asked for one that does not exist', async () => {
  const { code, stderr } = await run(['demo', 'nothing'], {}, {}, { demo: async () => [demo] })
  assert.equal(code, 2)
  assert.match(stderr, /email, attribution, offers/)
})

test('says which file of the real data is missing and where it is looked for, and leaves nothing behind', async () => {
  for (const [argv, env] of [
    [['--from', '/nowhere'], {}],
    [[], { WHENCE_SHARED: '/nowhere' }],
  ] as const) {
    let folder = ''
    const { code, stderr } = await run(
      ['demo', 'attribution', ...argv],
      {},
      {
        env,
        async connect(data) {
          folder = data
          throw new Error('not reached')
        },
      },
      { demo: async () => [demo] },
    )
    assert.equal(code, 1)
    assert.match(
      stderr.replaceAll(/\s+/g, ' '),
      /\/nowhere\/attribution\/attribution_data\.csv is not here.*--from DIR/,
    )
    assert.equal(folder, '', 'no log is begun for a demo that cannot run')
  }
})

test('keeps the log of a demo away from the keys and the database of one that stays, and puts the setting back', async () => {
  const env: Record<string, string | undefined> = {
    DATABASE_URL: 'postgres://x',
    WHENCE_KEYS: '/keys',
    HOME: '/home/me',
  }
  let during: typeof env = {}
  let folder = ''
  const { code } = await run(
    ['demo', 'email'],
    {},
    {
      env,
      async connect(data) {
        during = { ...env }
        folder = data
        throw new Error('enough seen')
      },
    },
    { demo: async () => [demo] },
  )
  assert.equal(code, 1)
  assert.equal(during['DATABASE_URL'], undefined)
  assert.equal(during['WHENCE_KEYS'], undefined)
  assert.ok(during['WHENCE_STATE'] && folder.endsWith('data'))
  assert.equal(existsSync(during['WHENCE_STATE']), false)
  assert.deepEqual(env, { DATABASE_URL: 'postgres://x', WHENCE_KEYS: '/keys', HOME: '/home/me' })
})
