import { request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { pipeline, Readable } from 'node:stream'
import type { ClientOptions } from '@whence/sdk'

/**
 * A `fetch` that waits for as long as the server works. The platform's own gives up on an answer that does not begin
 * within five minutes, and verifying or replaying a large log takes longer.
 */
export const patientFetch: NonNullable<ClientOptions['fetch']> = (url, { method, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const send = url.startsWith('https:') ? overHttps : overHttp
    const options = {
      method: method ?? 'GET',
      headers: headers as Record<string, string>,
      ...(signal ? { signal } : {}),
    }
    const request = send(url, options, (answer) => {
      const status = answer.statusCode ?? 500
      const empty = status === 204 || status === 304
      if (empty) answer.resume()
      const pairs = Object.entries(answer.headers).map(([name, value]): [string, string] => [name, String(value)])
      const stream = empty ? null : (Readable.toWeb(answer) as unknown as ReadableStream)
      resolve(new Response(stream, { status, headers: pairs }))
    })
    request.on('error', reject)
    const streamed = body instanceof Blob ? body.stream() : body
    if (body instanceof Blob) request.setHeader('content-length', body.size)
    if (streamed instanceof ReadableStream) {
      // A server that has heard enough answers before the end; the answer counts then.
      pipeline(Readable.fromWeb(streamed as never), request, () => {})
    } else request.end(body as string | Uint8Array | undefined)
  })
