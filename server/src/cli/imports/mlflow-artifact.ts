// The files of a model where they lie at hand: their digests are computed, not believed.
import { createHash } from 'node:crypto'
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import type { MlflowArtifact } from '../../path/lineage/imports/mlflow.ts'

/** Undefined, with a note, where the artifact is kept elsewhere. */
export async function artifactAt(
  location: string | null | undefined,
  base: string,
  notes: string[],
): Promise<MlflowArtifact | undefined> {
  if (!location) return undefined
  const folder = folderOf(location, base)
  if (folder === undefined || !existsSync(folder) || !statSync(folder).isDirectory()) {
    notes.push(`The artifact ${location} is not at hand: its digest is not known.`)
    return undefined
  }
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).replaceAll(sep, '/'))
    .toSorted()
  const files = []
  for (const path of paths) {
    const file = join(folder, path)
    const digest = createHash('sha256')
    await pipeline(createReadStream(file), digest)
    files.push({ path, sha256: digest.digest('hex'), bytes: statSync(file).size })
  }
  const sha256 = createHash('sha256')
    .update(files.map((file) => `${file.sha256}  ${file.path}\n`).join(''))
    .digest('hex')
  return { uri: location, files, sha256, flavor: flavorOf(join(folder, 'MLmodel')) }
}

function folderOf(location: string, base: string): string | undefined {
  if (location.startsWith('file:')) {
    try {
      return fileURLToPath(location)
    } catch {
      return undefined
    }
  }
  return /^[a-z][a-z0-9+.-]*:/i.test(location) ? undefined : resolve(base, location)
}

/** "sklearn 1.9.1", as the file MLmodel says. */
function flavorOf(path: string): string | undefined {
  try {
    const { flavors } = parse(readFileSync(path, 'utf8')) as { flavors?: Record<string, Record<string, unknown>> }
    const [name, body] = Object.entries(flavors ?? {}).find(([each]) => each !== 'python_function') ?? []
    if (name === undefined) return undefined
    const version = Object.entries(body ?? {}).find(([key]) => key.endsWith('_version'))?.[1]
    return typeof version === 'string' ? `${name} ${version}` : name
  } catch {
    return undefined
  }
}
