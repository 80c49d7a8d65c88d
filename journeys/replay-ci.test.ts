// The example for GitHub Actions: its steps are run by a shell as GitHub runs them, with an npx that writes down what it
// was asked to run; and what it was asked is run as a command line, against a shop that is in order and one that is not.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type { Client } from '@whence/sdk'
import { parse } from 'yaml'
import { run } from '../server/src/cli/testing.ts'
import { customers, follow, prediction } from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'

interface Step {
  name?: string
  uses?: string
  run?: string
}

const workflow = parse(await readFile(new URL('../examples/github-actions/replay.yml', import.meta.url), 'utf8')) as {
  on: object
  jobs: { replay: { env: Record<string, string>; steps: Step[] } }
}
const { env, steps } = workflow.jobs.replay

/** What the job's shell runs, one after the other, with the environment that the earlier steps have written. */
async function commandsOf(which: string, model: string): Promise<string[][]> {
  const folder = await mkdtemp(join(tmpdir(), 'whence-actions-'))
  try {
    const npx = join(folder, 'npx')
    await writeFile(
      npx,
      `#!/bin/sh\nfor argument in "$@"; do printf '%s\\0' "$argument"; done >> "$ASKED"\nprintf '\\n' >> "$ASKED"\n`,
    )
    await chmod(npx, 0o755)
    const [asked, summary, shared] = ['asked', 'summary', 'env'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ]
    for (const file of [asked, summary, shared]) await writeFile(file, '')
    for (const { run: script } of steps) {
      if (script === undefined) continue
      const written = (await readFile(shared, 'utf8')).split('\n').filter((line) => line.includes('='))
      const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', script], {
        env: {
          ...Object.fromEntries(
            written.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
          ),
          PATH: `${folder}${delimiter}${process.env.PATH}`,
          GITHUB_ENV: shared,
          GITHUB_STEP_SUMMARY: summary,
          ASKED: asked,
          WHICH: which,
          DRIFT_MODEL: model,
        },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      let said = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
      const code = await new Promise((resolve) => child.once('close', resolve))
      assert.equal(code, 0, said)
    }
    const lines = (await readFile(asked, 'utf8')).split('\n').filter(Boolean)
    return lines.map((line) => line.split('\0').slice(0, -1))
  } finally {
    await rm(folder, { recursive: true })
  }
}

const skip = process.platform === 'linux' ? false : 'the job runs on Linux: its shell commands are those of GNU'

suite('the example for GitHub Actions', { skip }, () => {
  let site: Site
  let whence: Client
  let thread: Thread

  before(async () => {
    site = await Site.make()
    whence = (await site.start()).client
    thread = await follow(whence)
    await whence.setAlias('opens', 'champion', { version: 1 })
    // Made now: the job looks at the last day.
    await predict(customers.map((customer) => ({ ...prediction(customer, `today-${customer}`), time: undefined })))
  })
  after(() => site?.remove())

  const predict = async (given: readonly object[]): Promise<void> => {
    const predictions = JSON.parse(JSON.stringify(given)) as ReturnType<typeof prediction>[]
    const { recorded } = await whence.predict({ model: 'opens@1', snapshot: thread.snapshot.id, predictions })
    assert.equal(recorded, given.length)
  }
  const outcomes = async (): Promise<Record<string, { code: number; stdout: string }>> => {
    const found: Record<string, { code: number; stdout: string }> = {}
    for (const [yes, program, ...argv] of await commandsOf('--live production', 'opens@champion')) {
      assert.deepEqual([yes, program], ['--yes', '@whence/server'])
      const { code, stdout, stderr } = await run(argv, whence)
      assert.notEqual(code, 2, `whence ${argv.join(' ')}: ${stderr}`)
      found[argv[0]!] = { code, stdout }
    }
    return found
  }

  test('takes its server and key from secrets, and names no other', () => {
    assert.equal(env.WHENCE_URL, '${{ secrets.WHENCE_URL }}')
    assert.equal(env.WHENCE_KEY, '${{ secrets.WHENCE_KEY }}')
    assert.ok('schedule' in workflow.on)
  })

  test('passes where everything is in order, and writes a summary', async () => {
    const { replay, skew, drift } = await outcomes()
    assert.deepEqual([replay!.code, skew!.code, drift!.code], [0, 0, 0])
    assert.match(replay!.stdout, /^### ✅ Replay: 10 of 10 recomputed exactly/)
    assert.match(replay!.stdout, /\| opens@1 \| 10 \| 10 \|/)
    assert.match(skew!.stdout, /^### ✅ Skew: 4 features served as offline gives them/)
    assert.match(drift!.stdout, /^### ✅ Drift: too few rows to say/)
  })

  test('fails where one in eleven was served otherwise, and says why in a table that no name can break', async () => {
    const [first] = customers
    const honest = prediction(first!, 'odd | <b>one</b>')
    await predict([{ ...honest, time: undefined, inputs: { ...honest.inputs, opens_90d: 99 } }])
    const { replay, skew } = await outcomes()
    assert.deepEqual([replay!.code, skew!.code], [1, 1])
    assert.match(replay!.stdout, /^### ❌ Replay: 10 of 11/)
    assert.match(replay!.stdout, /\| odd \\\| \\<b\\>one\\<\/b\\> \| inputs differ \|/)
    assert.match(skew!.stdout, /^### ❌ Skew: 1 of 4 features/)
  })
})
