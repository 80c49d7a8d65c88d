// What is sent, as bytes.
import type { Call } from '../transport.ts'

/**
 * The events of one request: NDJSON as text or bytes, kept byte for byte, or values, of which each becomes one line.
 * Numbers that JavaScript cannot hold must come as text.
 */
export type Events = string | Uint8Array | readonly object[]

/** The rows of a batch: see `predictBatch`. */
export type Rows = Events | Blob | (() => ReadableStream<Uint8Array>)

export function json(value: unknown): NonNullable<Call['body']> {
  return { type: 'application/json', bytes: JSON.stringify(value) }
}

export function ndjson(events: readonly object[]): string {
  return events.map((event) => JSON.stringify(event) + '\n').join('')
}

export async function compress(lines: string | Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([lines as string | Uint8Array<ArrayBuffer>]).stream()
  return new Uint8Array(await new Response(stream.pipeThrough(new CompressionStream('gzip'))).arrayBuffer())
}
