import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { addAbortSignal, pipeline, Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault } from '../../fault.ts'
import type { Context } from '../context.ts'

export type Format = 'csv' | 'ndjson'

/** A file of events, or standard input. `read` counts the bytes of it that were read, of `size` where that is known. */
export type Source = {
  /** What its events give as their file: the name without folders and without `.gz`. */
  name: string | undefined
  format: Format
  delimiter: string
  size: number | undefined
  read: number
  chunks: AsyncIterable<Uint8Array>
  /** Ends the reading, which then throws. */
  stop(): void
}

const formats: Record<string, [Format, string]> = {
  csv: ['csv', ','],
  tsv: ['csv', '\t'],
  ndjson: ['ndjson', ''],
  jsonl: ['ndjson', ''],
  json: ['ndjson', ''],
}

export async function openSource(
  context: Context,
  path: string,
  options: { format?: string; delimiter?: string; name?: string },
): Promise<Source> {
  const zipped = /\.gz$/i.test(path)
  const bare = basename(zipped ? path.slice(0, -3) : path)
  const known = formats[options.format ?? (path === '-' ? 'ndjson' : /\.([^.]+)$/.exec(bare)?.[1]?.toLowerCase()) ?? '']
  if (!known) {
    throw new Fault('usage', `Is ${options.format ?? path} CSV or NDJSON? Give --format csv or --format ndjson.`)
  }
  const [format, delimiter] = known
  const size = path === '-' ? undefined : await sizeOf(resolve(context.cwd, path), path)
  const end = new AbortController()
  const bytes = path === '-' ? context.stdin : createReadStream(resolve(context.cwd, path), { highWaterMark: 1 << 18 })
  const stream = bytes instanceof Readable ? bytes : Readable.from(bytes)
  const source: Source = {
    name: options.name ?? (path === '-' ? undefined : bare),
    format,
    delimiter: options.delimiter === '\\t' ? '\t' : (options.delimiter ?? delimiter),
    size,
    read: 0,
    chunks: readable(path, zipped ? unzipped(counted()) : counted()),
    stop: () => end.abort(new Fault('invalid', 'reading was ended')),
  }
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of addAbortSignal(end.signal, stream)) {
      source.read += (chunk as Uint8Array).length
      yield chunk as Uint8Array
    }
    if (source.read === 0) throw empty(path)
  }
  return source
}

async function sizeOf(path: string, given: string): Promise<number> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new Fault('usage', `${given} cannot be read: ${(cause as Error).message}`, { cause })
  })
  if (found.isDirectory()) throw new Fault('usage', `${given} is a folder; give one file.`)
  if (found.isFile() && found.size === 0) throw empty(given)
  return found.size
}

function empty(path: string): Fault {
  return new Fault(
    'invalid',
    `${path === '-' ? 'Standard input' : path} is empty (0 bytes): there is nothing to ingest.`,
  )
}

function unzipped(chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  // The error also comes out of the iteration, where it is caught.
  return pipeline(chunks, createGunzip(), () => {})
}

/** Says of which file a failure to read speaks. */
async function* readable(path: string, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const { code, message } = cause as Error & { code?: string }
    const what = code?.startsWith('Z_') ? `is no whole gzip file (${message})` : `cannot be read on: ${message}`
    throw new Fault('invalid', `${path} ${what}.`, { cause })
  }
}
