// A folder of OpenLineage events, as test suites and file transports leave them: one or more in each file.
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { Fault } from '../../fault.ts'

/** Its event files and those of the folders in it, in the order of their paths; what begins with a dot is left out. */
export function eventFiles(folder: string): string[] {
  let found
  try {
    found = readdirSync(folder, { recursive: true, withFileTypes: true })
  } catch (cause) {
    throw new Fault('usage', `${folder} cannot be read: ${(cause as Error).message}`, { cause })
  }
  const files = found
    .filter((entry) => entry.isFile() && /\.(json|ndjson|jsonl)$/i.test(entry.name))
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .filter((path) => !/(^|[/\\])\./.test(path))
    .toSorted()
  if (files.length === 0)
    throw new Fault(
      'invalid',
      `${folder} has no manifest.json, and no .json or .ndjson file: give the target folder of dbt, or one of events.`,
    )
  return files
}
