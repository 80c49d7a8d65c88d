// A tracking store made by real MLflow, in its three forms, imported: runs, model versions, aliases, lineage.
import assert from 'node:assert/strict'
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Site } from '../../journeys/site.ts'
import type { Running } from '../../journeys/site.ts'
import { Environment } from './environment.ts'

const mlflow = new Environment('WHENCE_MLFLOW', 'mlflow')
const train = join(import.meta.dirname, 'mlflow', 'train.py')
const name = /^buys_letters\.[0-9a-f]{8}$/

const one = { added: 1, known: 0 }
const same = { added: 0, known: 1 }

interface Report {
  runs: { added: number; known: number }
  versions: { added: number; known: number }
  aliases: { added: number; known: number }
  lineage: { added: number; known: number }
  notes: string[]
  refused: string[]
}

describe('an MLflow tracking store', { skip: mlflow.lacking }, () => {
  let made: Site
  let service: { stop(): void } | undefined
  /** Where each store is, and the run that trained its model. */
  const stores: Record<string, { from: string; run: string; folder: string }> = {}

  before(async () => {
    made = await Site.make()
    const folder = async (form: string): Promise<string> => {
      const path = join(made.folder, form)
      await mkdir(path)
      return path
    }
    const files = await folder('files')
    const allow = { MLFLOW_ALLOW_FILE_STORE: 'true' }
    stores.files = {
      from: join(files, 'mlruns'),
      folder: files,
      run: (await mlflow.run(files, 'python', [train, `file://${files}/mlruns`, '0.5'], allow))
        .trim()
        .split('\n')
        .at(-1)!,
    }
    const sqlite = await folder('sqlite')
    stores.sqlite = {
      from: join(sqlite, 'mlflow.db'),
      folder: sqlite,
      run: (await mlflow.run(sqlite, 'python', [train, `sqlite:///${sqlite}/mlflow.db`, '0.5']))
        .trim()
        .split('\n')
        .at(-1)!,
    }
    const rest = await folder('rest')
    const url = `http://127.0.0.1:${await freePort()}`
    const backend = `sqlite:///${rest}/server.db`
    const args = ['server', '--host', '127.0.0.1', '--port', new URL(url).port, '--backend-store-uri', backend]
    service = mlflow.serve(rest, 'mlflow', [
      ...args,
      '--default-artifact-root',
      `file://${rest}/artifacts`,
      '--workers',
      '1',
    ])
    await answers(`${url}/health`)
    stores.rest = {
      from: url,
      folder: rest,
      run: (await mlflow.run(rest, 'python', [train, url, '0.5'])).trim().split('\n').at(-1)!,
    }
  })
  after(async () => {
    service?.stop()
    await made?.remove()
  })

  for (const form of ['files', 'sqlite', 'rest']) {
    describe(form, () => {
      let site: Site
      let server: Running
      before(async () => {
        site = await Site.make()
        server = await site.start()
      })
      after(async () => {
        await site?.remove()
      })

      const imported = async (...args: string[]): Promise<Report> => {
        const { code, stdout, stderr } = await site.whence('import', 'mlflow', ...args, '--json')
        assert.equal(code, 0, stderr || stdout)
        return JSON.parse(stdout) as Report
      }

      test('runs, versions, aliases and lineage appear, each as the word of the import', async () => {
        const { from, run: id } = stores[form]!
        const report = await imported(from)
        assert.deepEqual(report.runs, { added: 2, known: 0 }, 'the deleted one is left out')
        assert.deepEqual([report.versions, report.aliases, report.lineage], [one, one, one])
        assert.deepEqual(report.refused, [])

        const run = await server.client.trainingRun(id)
        assert.equal(run.origin.system, 'mlflow')
        assert.equal(run.status, 'finished')
        assert.equal(run.name, 'C 0.5')
        assert.deepEqual(run.parameters, { C: '0.5', penalty: 'l2' })
        assert.equal(run.metrics!.loss, 0.25)
        assert.equal(run.metrics!.lift, undefined, 'NaN is no number')
        assert.equal(run.tags!.team, 'crm')
        assert.equal(run.tags!['mlflow.metric.count.loss'], '3')
        assert.equal(run.tags!['mlflow.metric.not_finite.lift'], 'NaN')
        assert.ok(
          Object.keys(run.tags!).every((key) => !key.includes('user')),
          'nobody is named',
        )
        const [dataset] = run.datasets!
        assert.match(dataset!.digest!, /^mlflow:[0-9a-f]{8} \(MD5 cut to 8 hex, first 10,000 rows\)$/)
        assert.deepEqual(
          [dataset!.name, dataset!.context, dataset!.source],
          ['letters_train', 'training', 'letters.csv'],
        )
        assert.match(run.framework!, /^sklearn \d/)
        assert.ok(run.artifacts!.some(({ path }) => path === 'MLmodel'))

        const { models } = await server.client.models()
        const [model] = models
        assert.match(model!.name, name)
        const version = await server.client.model(`${model!.name}@champion:mlflow`)
        assert.equal(version.run!.id, id)
        assert.equal(version.artifact!.format, 'mlflow-folder')
        await assert.rejects(
          server.client.model(`${model!.name}@champion`),
          'nothing is live in production by an import',
        )

        const { nodes } = await server.client.lineageExplain({ node: `model:${model!.name}@1` })
        const dataset2 = nodes.find((node) => node.kind === 'dataset')
        assert.equal(dataset2?.name, 'letters.csv')
        const detail = await server.client.lineageNode({ node: dataset2.id })
        assert.ok(JSON.stringify(detail).includes('opens_90d'))
        const { events } = await server.client.collected()
        assert.deepEqual(
          events.flatMap(({ violations }) => violations),
          [],
        )
      })

      test('the digests are those of the files as they lie there', async () => {
        const { run: id } = stores[form]!
        const { artifacts } = await server.client.trainingRun(id)
        for (const { uri, sha256 } of artifacts!) {
          const bytes = await readFile(new URL(uri!, `file://${stores[form]!.folder}/`))
          assert.equal(Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex'), sha256)
        }
      })

      test('again nothing is added; a new run adds only itself', async () => {
        const { from, folder } = stores[form]!
        const { size } = await server.client.status()
        const again = await imported(from)
        assert.deepEqual(again.runs, { added: 0, known: 2 })
        assert.deepEqual([again.versions, again.aliases, again.lineage], [same, same, same])
        assert.equal((await server.client.status()).size, size)

        const uri = form === 'files' ? `file://${from}` : form === 'sqlite' ? `sqlite:///${from}` : from
        await mlflow.run(folder, 'python', [train, uri, '2.0'], { MLFLOW_ALLOW_FILE_STORE: 'true' })
        const more = await imported(from)
        assert.deepEqual(more.runs, { added: 2, known: 2 })
        assert.deepEqual(more.versions, { added: 1, known: 1 })
        assert.deepEqual(more.aliases, { added: 1, known: 0 }, 'it points elsewhere now')
        const { models } = await server.client.models()
        assert.equal((await server.client.model(`${models[0]!.name}@champion:mlflow`)).version, 2)
      })
    })
  }

  test('broken stores are refused with what is wrong, and nothing of them is recorded', async () => {
    const site = await Site.make()
    try {
      const server = await site.start()
      const { size } = await server.client.status()
      const wrong = async (path: string, about: RegExp): Promise<void> => {
        const { code, stderr } = await site.whence('import', 'mlflow', path)
        assert.notEqual(code, 0)
        assert.match(stderr, about)
      }
      await wrong('nowhere', /not there/)
      await wrong(site.folder, /no experiment/)
      const text = join(site.folder, 'text.db')
      await writeFile(text, 'no database')
      await wrong(text, /text\.db/)
      const other = join(site.folder, 'cut.db')
      await writeFile(other, (await readFile(stores.sqlite!.from)).subarray(0, 20_000))
      await wrong(other, /cut\.db/)
      const copy = join(site.folder, 'mlruns')
      await cp(stores.files!.from, copy, { recursive: true })
      const experiment = (await readdir(copy)).find((entry) => /^\d{6,}$/.test(entry))!
      await writeFile(join(copy, experiment, stores.files!.run, 'metrics', 'loss'), 'x y z\n')
      await wrong(copy, /loss\s+is damaged/)
      await writeFile(join(copy, experiment, stores.files!.run, 'meta.yaml'), 'status: [')
      await wrong(copy, /meta\.yaml/)
      await wrong('http://127.0.0.1:9', /cannot be reached/)
      await wrong(server.url, /answers 401|answers 404/)
      assert.equal((await server.client.status()).size, size)
    } finally {
      await site.remove()
    }
  })
})

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${url} does not answer`)
}
