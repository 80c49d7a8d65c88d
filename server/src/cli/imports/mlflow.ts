import { existsSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Client } from '@whence/sdk'
import { Fault, isFault } from '../../fault.ts'
import { number, plural, printable } from '../../govern/reports/text.ts'
import {
  aliasName,
  lineageEvent,
  modelName,
  modelVersion,
  trainingRun,
  versionLabel,
} from '../../path/lineage/imports/mlflow.ts'
import type { MlflowStore, MlflowVersion } from '../../path/lineage/imports/mlflow.ts'
import { flag, positionals, printJson, text, withClient, type Args, type Command } from '../command.ts'
import type { Context } from '../context.ts'
import { isFileStore, readFileStore } from './mlflow-files.ts'
import { readRestStore } from './mlflow-rest.ts'
import { readSqliteStore } from './mlflow-sqlite.ts'

export const importMlflow: Command = {
  name: 'import mlflow',
  summary: 'take in the runs, models and aliases of an MLflow tracking store',
  usage: 'import mlflow mlruns/|mlflow.db|URL',
  options: {
    environment: { type: 'string', value: 'NAME', help: 'of the aliases (default mlflow: MLflow knows none)' },
  },
  details: `
The store is a folder (mlruns), a SQLite file, or the address of a tracking server; its users and passwords come from
MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN. Nothing in it is changed.

Runs become training runs, versions of registered models become model versions with a number of ours, aliases become
aliases of the environment. All of it is recorded as the word of the store; digests are computed of the artifacts that lie
at hand. What was imported before is left alone. An admin key is needed for aliases.`,
  async run(context, args) {
    const [given] = positionals(args, 'STORE') as [string]
    const store = await read(context, given)
    const imported = await withClient(context, args, (client) => record(context, client, store, environment(args)))
    if (flag(args, 'json')) printJson(context, { from: given, ...imported })
    else {
      const { runs, versions, aliases, lineage, notes, refused } = imported
      const line = (what: string, { added, known }: Counted): string =>
        `  ${plural(added + known, what)}: ${number(added)} new, ${number(known)} known before\n`
      context.stdout(`${printable(given)}:\n`)
      context.stdout(
        line('run', runs) + line('model version', versions) + line('alias', aliases) + line('lineage event', lineage),
      )
      for (const note of [...notes, ...refused]) context.stdout(`  ${printable(note)}\n`)
    }
    return imported.refused.length > 0 ? 1 : 0
  },
}

interface Counted {
  added: number
  known: number
}

interface Imported {
  runs: Counted
  versions: Counted
  aliases: Counted
  lineage: Counted
  notes: string[]
  /** What the server would not take, a sentence each. */
  refused: string[]
}

async function read(context: Context, given: string): Promise<MlflowStore> {
  if (/^https?:\/\//.test(given)) return readRestStore(given, credentials(context))
  const path = resolve(context.cwd, given.replace(/^(file:\/\/|sqlite:\/\/\/)/, ''))
  if (!existsSync(path))
    throw new Fault('usage', `${given} is not there: give mlruns, mlflow.db, or the URL of a server.`)
  if (statSync(path).isFile()) return readSqliteStore(path)
  if (isFileStore(path)) return readFileStore(path)
  // Of the folder above, what is in it.
  if (existsSync(join(path, 'mlflow.db'))) return readSqliteStore(join(path, 'mlflow.db'))
  if (isFileStore(join(path, 'mlruns'))) return readFileStore(join(path, 'mlruns'))
  throw new Fault('invalid', `${given} holds no experiment of MLflow: give the folder mlruns, or the file mlflow.db.`)
}

function credentials({ env }: Context): Record<string, string> {
  const { MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user, MLFLOW_TRACKING_PASSWORD: password } = env
  if (token) return { authorization: `Bearer ${token}` }
  if (!user) return {}
  return { authorization: `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}` }
}

function environment(args: Args): string {
  const name = text(args, 'environment') ?? 'mlflow'
  if (/^[a-z][a-z0-9_-]{0,63}$/.test(name)) return name
  throw new Fault('usage', '--environment begins with a small letter, and has small letters, digits, "_" and "-" only.')
}

async function record(context: Context, client: Client, store: MlflowStore, aliasesIn: string): Promise<Imported> {
  const none = (): Counted => ({ added: 0, known: 0 })
  const imported: Imported = {
    runs: none(),
    versions: none(),
    aliases: none(),
    lineage: none(),
    notes: [...store.notes],
    refused: [],
  }
  const count = (counted: Counted, duplicate: boolean): void => void counted[duplicate ? 'known' : 'added']++
  const attempt = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      // One that is refused keeps none of the others out; a server that is away does.
      const { status, message } = error as { status?: number; message: string }
      if (isFault(error) || status === undefined || status === 0 || status >= 500 || status === 401 || status === 403)
        throw error
      imported.refused.push(`${what} was refused: ${message}`)
    }
    if (context.isTTY.stderr) context.stderr(`\r\x1b[2K  ${number(imported.runs.added + imported.runs.known)} runs  `)
  }

  const runs = new Map(store.runs.map((run) => [run.id, run]))
  const byRun = Map.groupBy(store.versions, ({ run }) => run)
  for (const run of store.runs) {
    await attempt(`The run ${run.id}`, async () => {
      const artifacts = (byRun.get(run.id) ?? []).flatMap(({ artifact }) => artifact ?? [])
      const distinct = [...new Map(artifacts.map((artifact) => [artifact.uri, artifact])).values()]
      const answer = await client.recordTrainingRun(trainingRun(run, distinct, store.from))
      count(imported.runs, answer.receipt?.status === 'duplicate')
    })
  }
  const numbers = new Map<MlflowVersion, string>()
  for (const [model, versions] of Map.groupBy(store.versions, (version) => version.model)) {
    if (modelName(model) !== model) imported.notes.push(`The model "${model}" is called ${modelName(model)} here.`)
    const known = await knownVersions(client, modelName(model))
    for (const version of versions) {
      await attempt(`Version ${version.version} of ${model}`, async () => {
        const before = known.get(versionLabel(version).slice(0, 2000))
        const run = version.run === undefined ? undefined : runs.get(version.run)
        const registered = before ?? (await client.registerModel(modelVersion(version, run))).version
        numbers.set(version, `${modelName(model)}@${registered}`)
        count(imported.versions, before !== undefined)
      })
    }
  }
  for (const { model, alias, version } of store.aliases) {
    const name = aliasName(alias)
    const target = store.versions.find((each) => each.model === model && each.version === version)
    const numbered = target && numbers.get(target)
    if (name === undefined || numbered === undefined) {
      imported.notes.push(
        `The alias "${alias}" of ${model} was left out: ${name === undefined ? 'its name cannot be one of ours' : 'its version is not there'}.`,
      )
      continue
    }
    await attempt(`The alias ${alias} of ${model}`, async () => {
      const own = Number(numbered.slice(numbered.lastIndexOf('@') + 1))
      const now = await client.aliases(modelName(model))
      const same = now.find((each) => each.alias === name && each.environment === aliasesIn)?.version === own
      if (!same)
        await client.setAlias(modelName(model), name, {
          environment: aliasesIn,
          version: own,
          reason: `it points at version ${version} in MLflow`,
        })
      count(imported.aliases, same)
    })
  }
  for (const run of store.runs) {
    const event = lineageEvent(
      run,
      (byRun.get(run.id) ?? []).flatMap((version) => numbers.get(version) ?? []),
    )
    if (event === undefined) continue
    await attempt(`The lineage of the run ${run.id}`, async () => {
      const { receipt } = await client.collect(event)
      count(imported.lineage, receipt.status === 'duplicate')
    })
  }
  if (context.isTTY.stderr) context.stderr('\r\x1b[2K')
  return imported
}

/** The versions of a model of ours by what they say of themselves. */
async function knownVersions(client: Client, name: string): Promise<Map<string, number>> {
  const known = new Map<string, number>()
  const { models } = await client.models({ name, limit: 1000 }).catch((error: unknown) => {
    if ((error as { code?: string }).code === 'not_found') return { models: [] }
    throw error
  })
  for (const { version } of models) {
    const { description } = await client.model(`${name}@${version}`)
    if (description !== undefined) known.set(description, version)
  }
  return known
}
