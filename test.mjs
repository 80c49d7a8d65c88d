// Runs the tests: `npm test`, or `npm test -- 'server/src/store/**/*.test.ts' --test-name-pattern=copy`. Plain JavaScript
// for Node 20, like setup.mjs. Files run in processes of their own, two at a time. Whatever a file leaves running keeps
// its process alive, and fails it after `--test-timeout`.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))

const everything = [
  'ledger/src/**/*.test.ts',
  'sdk/src/**/*.test.ts',
  'server/src/**/*.test.ts',
  'journeys/*.test.ts',
  'examples/**/*.test.ts',
  'clients/*.test.ts',
]

/** What a machine may lack. Tests that need it skip themselves; here it is said once, with what to do. */
const parts = [
  ['slow journeys', false, 'they take twelve minutes: npm test -- "journeys/slow/*.test.ts"'],
  ['PostgreSQL suite', Boolean(process.env.DATABASE_URL), 'DATABASE_URL is not set'],
  ['real data', existsSync(join(root, '../shared/data')), '../shared/data is absent'],
  ['third-party verifiers', false, 'they need Go: npm test -- "interop/*.test.ts"'],
  ['OpenLineage producers', false, 'they need Python and Java: see interop/README.md'],
  ['a model of scikit-learn', false, 'it needs Python: see interop/README.md'],
  ['statements in the hands of others', false, 'they need Python and Go: see interop/README.md'],
  ['engines that read the tables', false, 'they need Python: see interop/README.md'],
  ['mailing systems', false, 'they need Go, PostgreSQL and Python: see interop/README.md'],
  ['imports from MLflow and Feast', false, 'they need Python: see interop/README.md'],
]

const given = process.argv.slice(2)
const options = given.filter((argument) => argument.startsWith('-'))
const files = given.filter((argument) => !argument.startsWith('-'))
const temporary = mkdtempSync(join(tmpdir(), 'whence-test-'))
const skips = join(temporary, 'skips')

const { status, signal, error } = spawnSync(
  runtime(),
  [
    '--test',
    '--test-concurrency=2',
    '--test-timeout=600000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${new URL('test-skips.mjs', import.meta.url).href}`,
    `--test-reporter-destination=${skips}`,
    ...options,
    ...(files.length > 0 ? files : everything),
  ],
  {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // Hundreds of processes load the same files: compiled once, a start takes a third of the time.
    env: { NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/compiled'), ...process.env },
  },
)
if (error) console.error(error.message)

if (files.length === 0) {
  for (const [name, present, reason] of parts) if (!present) console.log(`skipped: ${name} (${reason})`)
}
if (existsSync(skips)) process.stdout.write(readFileSync(skips))
rmSync(temporary, { recursive: true, force: true })
if (signal) console.error(`The test runner was ended by ${signal}.`)
process.exitCode = status ?? 1

/** Node of package-lock.json: npm puts it on the path of scripts, a shell does not. */
function runtime() {
  if (Number(process.versions.node.split('.')[0]) >= 26) return process.execPath
  const require = createRequire(import.meta.url)
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  try {
    const manifest = require.resolve(`${name}/package.json`)
    return join(dirname(manifest), 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  } catch {
    console.error(`The package ${name} is not installed; run "node setup.mjs" first, or use Node 26.`)
    process.exit(1)
  }
}
