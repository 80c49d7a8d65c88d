// Where the producers' programs are: a virtual environment of Python that holds what requirements*.txt name.
//
// `WHENCE_PRODUCERS` is its folder. Without it the tests skip themselves; with CI=true they fail instead.
import { spawn, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ended, environmentWithout, programsOf } from '../running.ts'
import type { Ran } from '../running.ts'

const folder = process.env['WHENCE_PRODUCERS']
const bin = programsOf(folder ?? '')

export const python = join(bin, 'python')

/** Why tests that need these modules of Python cannot run here: the `skip` of their suite. In CI nothing is skipped. */
export function lacking(...modules: string[]): string | false {
  if (process.env['CI'] === 'true') return false
  if (folder === undefined) return 'WHENCE_PRODUCERS names no Python environment: see interop/README.md'
  const { status } = spawnSync(python, ['-c', `import ${modules.join(', ')}`])
  return status === 0 ? false : `the Python of WHENCE_PRODUCERS lacks one of ${modules.join(', ')}`
}

/** As `lacking`, and Java, which Spark runs in. */
export function lackingSpark(): string | false {
  const lacks = lacking('pyspark')
  if (lacks !== false || process.env['CI'] === 'true') return lacks
  return spawnSync('java', ['-version']).status === 0 ? false : 'Java is not installed'
}

/** Surroundings in which Spark runs here, with a package that it fetches by its coordinates; `work` is a folder of its own. */
export function sparkSettings(
  work: string,
  packages: string,
  conf: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const all = {
    ...conf,
    'spark.driver.bindAddress': '127.0.0.1',
    'spark.driver.host': '127.0.0.1',
    'spark.ui.enabled': 'false',
    'spark.sql.shuffle.partitions': '1',
    // Kept between runs where the environment says so, else fetched anew.
    'spark.jars.ivy': process.env['WHENCE_PRODUCERS_IVY'] ?? join(work, 'ivy'),
  }
  const settings = Object.entries(all).flatMap(([name, value]) => ['--conf', `${name}=${value}`])
  return {
    SPARK_LOCAL_IP: '127.0.0.1',
    PYSPARK_SUBMIT_ARGS: ['--master', 'local[1]', '--packages', packages, ...settings, 'pyspark-shell'].join(' '),
  }
}

/** Runs a program of the environment. Nothing of the surroundings that would point a producer elsewhere is handed on. */
export function run(
  program: string,
  args: readonly string[],
  { env = {}, cwd, input }: { env?: Record<string, string>; cwd?: string; input?: string } = {},
): Promise<Ran> {
  const inherited = environmentWithout(/^(OPENLINEAGE|DBT|SPARK|PYSPARK|WHENCE)_/)
  const child = spawn(join(bin, program), args, {
    env: { ...inherited, PATH: `${bin}:${process.env['PATH']}`, DO_NOT_TRACK: '1', ...env },
    stdio: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
  })
  return ended(child, input)
}
