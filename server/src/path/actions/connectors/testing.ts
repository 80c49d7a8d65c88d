// A far end for tests: a real HTTP server that keeps state as docs/spec/connectors.md says, and can be made to misbehave.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What it does with one request instead of answering it. True: it has dealt with it. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean

export interface FarEnd {
  readonly url: string
  readonly campaigns: Map<string, { status: string; sent?: number; toSend?: number }>
  readonly objects: Map<string, unknown>
  /** `PUT /campaigns/spring/status {"status":"paused"}`, in the order in which they came. */
  readonly requests: string[]
  /** The `authorization` headers that came. */
  readonly authorizations: Set<string | undefined>
  /** Consulted before each request is answered. */
  misbehave: Misbehaviour
  /** Consulted before a change is made: false, and it says yes and does nothing. */
  obeys: () => boolean
  close(): Promise<void>
}

export async function farEnd(): Promise<FarEnd> {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      far.requests.push(`${request.method} ${request.url} ${body}`.trim())
      far.authorizations.add(request.headers.authorization)
      if (!far.misbehave(request, response)) answer(request, response, body)
    })
  })
  const reply = (response: ServerResponse, status: number, body?: unknown): void => {
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(body === undefined ? '' : JSON.stringify(body))
  }
  const answer = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const [, what, ...rest] = request.url!.split('/').map(decodeURIComponent)
    if (what === 'campaigns') {
      const campaign = far.campaigns.get(rest[0]!)
      if (campaign === undefined) return reply(response, 404, {})
      if (request.method === 'PUT' && far.obeys()) campaign.status = (JSON.parse(body) as { status: string }).status
      return reply(response, 200, request.method === 'PUT' ? { ok: true } : campaign)
    }
    const key = rest.join('/')
    if (request.method === 'GET')
      return far.objects.has(key) ? reply(response, 200, { value: far.objects.get(key) }) : reply(response, 404, {})
    if (far.obeys()) {
      if (request.method === 'DELETE') far.objects.delete(key)
      else far.objects.set(key, (JSON.parse(body) as { value: unknown }).value)
    }
    return reply(response, 204)
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const far: FarEnd = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    campaigns: new Map(),
    objects: new Map(),
    requests: [],
    authorizations: new Set(),
    misbehave: () => false,
    obeys: () => true,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return far
}
