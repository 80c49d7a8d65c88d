import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parse } from 'yaml'
import { Fault } from '../../fault.ts'
import { number, plural, printable } from '../../govern/reports/text.ts'
import { feastEvents } from '../../path/lineage/imports/feast.ts'
import { readRegistry } from '../../path/lineage/imports/feast-registry.ts'
import type { FeastRegistry } from '../../path/lineage/imports/feast-registry.ts'
import { flag, positionals, printJson, withClient, type Command } from '../command.ts'

export const importFeast: Command = {
  name: 'import feast',
  summary: 'take in the sources, feature views and services of a Feast repository',
  usage: 'import feast FOLDER|registry.db|dump.json',
  options: {},
  details: `
FOLDER holds feature_store.yaml, which names the registry. A registry that is no file is read from what
"feast registry-dump" prints. Nothing is changed, and no code of the repository is run.

What it says becomes lineage, as its word: data source -> feature view -> feature service, by field where that is plain,
with types, owners, tags, entities and ttl. The same registry again adds nothing.`,
  async run(context, args) {
    const [given] = positionals(args, 'REPOSITORY') as [string]
    const { events, views, services, sources, notes } = feastEvents(registryAt(resolve(context.cwd, given), given))
    let added = 0
    let known = 0
    await withClient(context, args, async (client) => {
      for (const event of events) {
        const { receipt } = await client.collect(event)
        if (receipt.status === 'duplicate') known++
        else added++
      }
    })
    if (flag(args, 'json'))
      printJson(context, { from: given, views, services, sources, lineage: { added, known }, notes })
    else {
      context.stdout(`${printable(given)}: ${plural(sources, 'source')}, ${plural(views, 'feature view')}, `)
      context.stdout(`${plural(services, 'feature service')}; ${number(added)} new, ${number(known)} known before\n`)
      for (const note of notes) context.stdout(`  ${printable(note)}\n`)
    }
    return 0
  },
}

function registryAt(path: string, given: string): FeastRegistry {
  if (!existsSync(path))
    throw new Fault('usage', `${given} is not there: give the folder of feature_store.yaml, or a registry.`)
  if (!statSync(path).isDirectory()) return readRegistry(readFileSync(path), given)
  const file = ['feature_store.yaml', 'feature_repo/feature_store.yaml']
    .map((name) => join(path, name))
    .find((each) => existsSync(each))
  if (file === undefined)
    throw new Fault('invalid', `${given} has no feature_store.yaml: give the folder of a Feast repository.`)
  let settings: unknown
  try {
    settings = parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new Fault('invalid', `${file} is no YAML: ${(cause as Error).message}`, { cause })
  }
  const { registry, project } = (settings ?? {}) as { registry?: unknown; project?: unknown }
  const place = typeof registry === 'string' ? registry : (registry as { path?: unknown } | undefined)?.path
  const kind = (registry as { registry_type?: unknown } | undefined)?.registry_type ?? 'file'
  if (typeof place !== 'string' || kind !== 'file' || /^[a-z][a-z0-9+.-]*:\/\//i.test(place))
    throw new Fault(
      'invalid',
      `The registry of ${given} is no file: run "feast registry-dump > registry.json" in it, and import that.`,
    )
  const found = resolve(dirname(file), place)
  if (!existsSync(found)) throw new Fault('invalid', `${found} is not there: run "feast apply" first.`)
  const read = readRegistry(readFileSync(found), found)
  return typeof project === 'string' ? { ...read, project } : read
}
