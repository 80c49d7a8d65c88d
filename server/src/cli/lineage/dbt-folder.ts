// The files of dbt, found where dbt leaves them, and the name of the database that it wrote to.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { Fault } from '../../fault.ts'
import { artifactOf, readCatalog, readManifest, readRunResults } from '../../path/lineage/imports/dbt-artifacts.ts'
import { namespaceOf } from '../../path/lineage/imports/dbt-names.ts'
import type { DbtProject } from '../../path/lineage/imports/dbt.ts'

export interface DbtOptions {
  readonly namespace?: string
  readonly jobNamespace?: string
  readonly profiles?: string
  readonly profile?: string
  readonly target?: string
}

/** The folder with `manifest.json`: the given one, or `target` in it. */
export function dbtFolder(folder: string): string | undefined {
  return [folder, join(folder, 'target')].find((each) => existsSync(join(each, 'manifest.json')))
}

/** Reads a project from files; of a manifest alone, the files that lie beside it are taken too. */
export function readProject(paths: readonly string[], options: DbtOptions): DbtProject {
  const files = new Map<string, unknown>()
  for (const path of paths) {
    const value = json(path)
    const artifact = artifactOf(value)
    if (artifact === undefined) throw new Fault('invalid', `${path} is no artifact of dbt.`)
    files.set(artifact.kind, value)
  }
  const [only] = paths
  if (paths.length === 1 && only !== undefined && files.has('manifest')) {
    for (const [kind, name] of [
      ['run-results', 'run_results.json'],
      ['catalog', 'catalog.json'],
    ] as const) {
      const beside = join(dirname(only), name)
      if (existsSync(beside)) files.set(kind, json(beside))
    }
  }
  if (!files.has('manifest'))
    throw new Fault('usage', 'The manifest.json of dbt is missing: without it nothing has a name.')
  const manifest = readManifest(files.get('manifest'))
  return {
    manifest,
    ...(files.has('run-results') ? { runResults: readRunResults(files.get('run-results')) } : {}),
    ...(files.has('catalog') ? { catalog: readCatalog(files.get('catalog')) } : {}),
    namespace: options.namespace ?? fromProfile(manifest.metadata.adapter_type, dirname(only!), options),
    jobNamespace: options.jobNamespace ?? 'dbt',
  }
}

/** dbt writes no host and no path into its artifacts: they stand in `profiles.yml` only. */
function fromProfile(adapter: string, folder: string, options: DbtOptions): string {
  if (adapter === 'bigquery') return 'bigquery'
  const path =
    options.profiles ??
    [folder, dirname(folder)].map((each) => join(each, 'profiles.yml')).find((each) => existsSync(each))
  if (path === undefined)
    throw new Fault(
      'usage',
      `dbt does not write down which ${adapter} it wrote to: give --profiles FILE (profiles.yml), or --dataset-namespace, as postgres://host:5432.`,
    )
  const profiles = Object.entries(
    (parse(text(path)) ?? {}) as Record<string, { target?: string; outputs?: Record<string, Record<string, unknown>> }>,
  ).filter(([name]) => name !== 'config')
  const [name, profile] = profiles.find(([each]) => each === options.profile) ?? profiles[0] ?? []
  if (profile === undefined || (options.profile !== undefined && name !== options.profile))
    throw new Fault('usage', `${path} has no profile ${options.profile ?? ''}: name one with --profile.`)
  if (options.profile === undefined && profiles.length > 1)
    throw new Fault('usage', `${path} has several profiles: name one with --profile.`)
  const target = profile.outputs?.[options.target ?? profile.target ?? 'default']
  if (target === undefined) throw new Fault('usage', `The profile ${name} has no such target: name one with --target.`)
  return namespaceOf(target)
}

function json(path: string): unknown {
  try {
    return JSON.parse(text(path))
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw new Fault('invalid', `${path} is no JSON: ${(cause as Error).message}`, { cause })
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Fault('usage', `${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
