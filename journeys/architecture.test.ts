// Who may import whom. The list below is the architecture: a part imports itself and what stands on the lines above it,
// never what stands beside or below.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const order = [
  ['ledger'],
  ['sdk'],
  ['web', 'examples', 'server/src/fault.ts'],
  ['server/src/config.ts'],
  ['server/src/store'],
  ['server/src/record'],
  ['server/src/rules'],
  ['server/src/path/events'],
  ['server/src/path/lineage'],
  ['server/src/path/identity'],
  ['server/src/path/consent'],
  ['server/src/path/features'],
  ['server/src/path/models'],
  ['server/src/path/predictions'],
  ['server/src/path/actions'],
  ['server/src/path/outcomes'],
  ['server/src/govern'],
  ['server/src/http', 'server/src/cli'],
  ['server/src/wiring'],
  ['server/src/server.ts'],
  ['server/src/main.ts'],
]

/** Beyond the order. `tests` says whether it holds for test files too. */
const never = [
  { who: /^server\/src\/rules\//, what: /^server\/src\/store\//, why: 'rules see facts, never tables', tests: true },
  {
    who: /^(?!server\/src\/store\/)/,
    what: /^(pg|pg-copy-streams|@electric-sql\/pglite|@duckdb\/node-api|onnxruntime-web)(\/|$)/,
    why: 'only store imports drivers',
    tests: false,
  },
  {
    who: /^(ledger|sdk)\/(?!src\/emitter\/)/,
    what: /^(node:|sdk\/src\/emitter\/)/,
    why: 'ledger and sdk run in a browser too, but for the emitter',
    tests: false,
  },
  { who: /^ledger\//, what: /^(?!ledger\/|node:)/, why: 'the ledger has no dependencies', tests: false },
  { who: /^web\//, what: /^server\//, why: 'the web app is a window onto the API', tests: true },
]

const root = fileURLToPath(new URL('..', import.meta.url))

test('imports follow the order', () => {
  const files = globSync('{ledger,sdk,server,web,examples}/**/*.{ts,tsx}', {
    cwd: root,
    exclude: (name) => /(^|[\\/])(node_modules|dist)$/.test(name),
  }).map((file) => file.replaceAll(sep, '/'))
  assert.ok(files.length > 50, `found only ${files.length} files`)
  const found = files.flatMap((file) => violations(file, readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(found, [])
})

test('a violation is found', () => {
  const found = (file: string, specifier: string) => violations(file, `import { x } from '${specifier}'`).length
  const wrong = [
    ['ledger/src/tree.ts', '@whence/sdk'],
    ['ledger/src/tree.ts', 'node:fs'],
    ['ledger/src/tree.ts', 'zod'],
    ['sdk/src/client.ts', 'node:http'],
    ['sdk/src/client.ts', '../../server/src/fault.ts'],
    ['examples/offers/example.ts', '../../server/src/fault.ts'],
    ['server/src/fault.ts', './config.ts'],
    ['server/src/store/files.ts', '../record/time.ts'],
    ['server/src/rules/contracts/check.ts', '../../store/database.ts'],
    ['server/src/rules/contracts/check.test.ts', '../../store/database.ts'],
    ['server/src/path/features/views.ts', '../predictions/explain.ts'],
    ['server/src/http/api.ts', '../cli/cli.ts'],
    ['server/src/cli/up.ts', '../http/api.ts'],
    ['server/src/cli/up.ts', '../server.ts'],
    ['server/src/govern/rollback/plan.ts', 'pg'],
    ['server/src/path/features/views.ts', '@duckdb/node-api/lib/x.js'],
    ['server/src/elsewhere/new.ts', '../fault.ts'],
  ] as const
  for (const [file, specifier] of wrong) assert.equal(found(file, specifier), 1, `${file} imports ${specifier}`)
  const right = [
    ['ledger/src/tree.test.ts', 'node:fs'],
    ['sdk/src/client.ts', '@whence/ledger'],
    ['sdk/src/client.ts', 'zod'],
    ['server/src/store/database.ts', 'pg'],
    ['server/src/path/features/views.test.ts', '@duckdb/node-api'],
    ['server/src/path/features/views.ts', '../events/events.ts'],
    ['server/src/path/features/views.ts', './syntax.ts'],
    ['server/src/http/api.ts', '../../package.json'],
    ['server/src/main.ts', './cli/cli.ts'],
  ] as const
  for (const [file, specifier] of right) assert.equal(found(file, specifier), 0, `${file} imports ${specifier}`)
})

test('every way to import is read', () => {
  const source = `
    import a from 'a'
    import type { B } from "b"
    import {
      c, // a comment
    } from 'c'
    import 'd'
    export * from 'e'
    export type { F } from 'f'
    const g = await import('g')
    const text = "imported from 'nowhere'"`
  assert.deepEqual(imports(source), ['a', 'b', 'c', 'd', 'e', 'f', 'g'])
})

function violations(file: string, source: string): string[] {
  const isTest = /(\.test\.tsx?|\/testing\.ts)$/.test(file)
  const from = place(file)
  if (from === undefined) return [`${file} is in no part of the order`]
  return imports(source).flatMap((specifier) => {
    const target = resolve(file, specifier)
    const to = place(target)
    const broken = never.filter(({ who, what, tests }) => who.test(file) && what.test(target) && (tests || !isTest))
    if (broken.length > 0) return broken.map(({ why }) => `${file} imports ${target}: ${why}`)
    if (to === undefined || to.part === from.part || to.line < from.line) return []
    return [`${file} imports ${target}: ${to.part} does not stand above ${from.part}`]
  })
}

function imports(source: string): string[] {
  const statement = /^\s*(?:import|export)\b(?:[^'"`]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm
  return [...source.matchAll(statement)].map(([, declared, dynamic]) => (declared ?? dynamic)!)
}

/** A path from the root, or the package's name when it is not ours. */
function resolve(file: string, specifier: string): string {
  if (specifier.startsWith('@whence/')) return `${specifier.slice('@whence/'.length)}/src/index.ts`
  return specifier.startsWith('.') ? posix.join(dirname(file), specifier) : specifier
}

function place(path: string): { line: number; part: string } | undefined {
  const file = path.replace('.test.', '.')
  for (const [line, parts] of order.entries()) {
    const part = parts.find((each) => file === each || file.startsWith(`${each}/`))
    if (part !== undefined) return { line, part }
  }
  return undefined
}
