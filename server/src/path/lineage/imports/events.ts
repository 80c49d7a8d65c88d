// OpenLineage events in a file or behind a URL: an array, a line each, one alone, or a listing of Marquez.
import { Fault } from '../../../fault.ts'
import { splitArray } from '../../../rules/contracts/content.ts'
import { artifactOf } from './dbt-artifacts.ts'

/** The bytes of one event as they stand in the file, and its place: a line from 1, or an item from 1. */
export interface Found {
  readonly place: number
  readonly bytes: Uint8Array
}

export type Events =
  | { readonly form: 'array' | 'lines' | 'listing' | 'single'; readonly events: readonly Found[] }
  | { readonly form: 'dbt'; readonly artifact: unknown }

/** Splits; what the events say is judged by the collector. Throws `invalid` for what holds no events. */
export function eventsIn(bytes: Uint8Array, name: string): Events {
  const first = bytes.find((byte) => byte > 0x20)
  if (first === undefined) throw new Fault('invalid', `${name} is empty: there is nothing to import.`)
  if (first === 0x5b) {
    const split = splitArray(bytes)
    if ('problem' in split) throw new Fault('invalid', `${name} is no JSON array: ${split.problem.message}`)
    return { form: 'array', events: split.items.map((item, i) => ({ place: i + 1, bytes: item })) }
  }
  if (first !== 0x7b)
    throw new Fault('invalid', `${name} holds no OpenLineage events: give NDJSON, a JSON array, or one JSON object.`)
  const value = parsed(bytes)
  if (value === undefined) {
    const events = lines(bytes)
    // Of a document over several lines that breaks off, each line would be named.
    if (!events.some((line) => typeof parsed(line.bytes) === 'object'))
      throw new Fault('invalid', `${name} is no JSON, and no line of it is: nothing of it was imported.`)
    return { form: 'lines', events }
  }
  if (artifactOf(value) !== undefined) return { form: 'dbt', artifact: value }
  const { events, eventTime } = value as { events?: unknown; eventTime?: unknown }
  if (!Array.isArray(events) || eventTime !== undefined) return { form: 'single', events: [{ place: 1, bytes }] }
  return {
    form: 'listing',
    events: events.map((event, i) => ({ place: i + 1, bytes: Buffer.from(JSON.stringify(event)) })),
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

function lines(bytes: Uint8Array): Found[] {
  const found: Found[] = []
  let place = 0
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0x0a, from)
    const line = bytes.subarray(from, end < 0 ? bytes.length : end)
    place++
    if (line.some((byte) => byte > 0x20)) found.push({ place, bytes: line })
    from = end < 0 ? bytes.length : end + 1
  }
  return found
}

/** Events that one request carries, and their bytes. */
const MOST = 250
const MOST_BYTES = 4 * 1024 * 1024

/** Bodies for the batch door, each with the events that it holds. What is no JSON would break its neighbours: `broken`. */
export function* bodies(
  events: Iterable<Found>,
): Generator<{ body: Uint8Array; sent: readonly Found[]; broken: readonly Found[] }> {
  let sent: Found[] = []
  let broken: Found[] = []
  let size = 0
  for (const event of events) {
    if (parsed(event.bytes) === undefined) broken.push(event)
    else {
      sent.push(event)
      size += event.bytes.length
    }
    if (sent.length < MOST && size < MOST_BYTES && broken.length < MOST) continue
    yield { body: array(sent), sent, broken }
    sent = []
    broken = []
    size = 0
  }
  if (sent.length + broken.length > 0) yield { body: array(sent), sent, broken }
}

function array(events: readonly Found[]): Uint8Array {
  const parts = events.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [Buffer.from(','), bytes]))
  return Buffer.concat([Buffer.from('['), ...parts, Buffer.from(']')])
}

const PAGE = 100

/** The pages of a URL: of Marquez's `events/lineage` all of them, of anything else the one. */
export async function* pages(
  url: string,
  get: (url: string) => Promise<Uint8Array>,
): AsyncGenerator<{ url: string; bytes: Uint8Array }> {
  const first = new URL(url)
  if (!/\/events\/lineage\/?$/.test(first.pathname)) {
    yield { url, bytes: await get(url) }
    return
  }
  const limit = Number(first.searchParams.get('limit') ?? PAGE)
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new Fault('usage', `The limit in ${url} is no whole number from 1.`)
  let offset = Number(first.searchParams.get('offset') ?? 0)
  for (;;) {
    const page = new URL(first)
    page.searchParams.set('limit', String(limit))
    page.searchParams.set('offset', String(offset))
    const bytes = await get(page.href)
    const value = parsed(bytes) as { events?: unknown } | undefined
    if (!Array.isArray(value?.events)) throw new Fault('invalid', `${page.href} answers no listing of events.`)
    if (value.events.length === 0) return
    yield { url: page.href, bytes }
    // A short page is no end: a server may give fewer than were asked for.
    offset += value.events.length
  }
}
