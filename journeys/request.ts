// Requests as they are on the wire: a client would mend their paths, their headers and their bodies.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import type { Ingested } from '@whence/sdk'
import { addsUp, collect } from './answers.ts'

export interface Answer {
  status: number
  body: string
  /** Of a refusal. */
  code: string | undefined
}

export const ndjson = { 'content-type': 'application/x-ndjson' }
export const json = { 'content-type': 'application/json' }

/** A request exactly as it is given: `fetch` would mend its path and its headers. */
export async function send(
  { url, token }: { url: string; token?: string },
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: string | Uint8Array | Readable } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const sent = request({
    hostname,
    port,
    method,
    path,
    headers: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers },
  })
  // The server may answer, and close, before it has heard all.
  sent.on('error', () => {})
  if (body instanceof Readable) body.pipe(sent)
  else sent.end(body)
  const [response] = await once(sent, 'response', { signal: AbortSignal.timeout(30_000) })
  const text = Buffer.concat(await collect<Buffer>(response)).toString()
  sent.destroy()
  let code: string | undefined
  try {
    code = JSON.parse(text).error?.code
  } catch {}
  return { status: response.statusCode, body: text, code }
}

/** The answer to a body of events. */
export const ingested = (answer: Answer): Ingested => {
  assert.equal(answer.status, 200, answer.body)
  const parsed = JSON.parse(answer.body) as Ingested
  addsUp(parsed.accounting)
  return parsed
}
