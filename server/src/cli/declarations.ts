// The files of a project folder that declare something.
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import type { Declarations } from '@whence/sdk'
import { Fault } from '../fault.ts'
import { number } from '../govern/reports/text.ts'

/** Every .yaml and .yml file under a folder, or the one file given; hidden folders and node_modules are left out. */
export async function declarationsIn(root: string): Promise<Declarations> {
  const found = await stat(root).catch((cause: unknown) => {
    throw new Fault('usage', `${root} cannot be read; give the folder that holds contracts/ and features/.`, { cause })
  })
  const paths = found.isDirectory() ? await yamlFiles(root) : [root]
  if (paths.length === 0) throw new Fault('usage', `${root} holds no .yaml file.`)
  if (paths.length > 1000) {
    throw new Fault(
      'usage',
      `${root} holds ${number(paths.length)} .yaml files, more than 1,000; give a folder further in.`,
    )
  }
  const files = paths.map(async (path) => ({
    path: path === root ? basename(path) : relative(root, path).replaceAll(sep, '/'),
    text: await utf8(path),
  }))
  return { files: await Promise.all(files) }
}

async function yamlFiles(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile() && /\.ya?ml$/i.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !/(^|[/\\])(\.|node_modules[/\\])/.test(relative(root, path)))
    .toSorted()
}

async function utf8(path: string): Promise<string> {
  const bytes = await readFile(path)
  if (bytes.length > 1 << 20) throw new Fault('usage', `${path} is larger than 1 MiB, too large for a declaration.`)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new Fault('usage', `${path} is not UTF-8; save it as UTF-8 and apply it again.`, { cause })
  }
}
