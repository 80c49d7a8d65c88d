// HTTP, thin: authenticate, parse, call one step, shape the reply.
import { serve } from '@hono/node-server'
import { endpoints, openApi } from '@whence/sdk'
import type { Endpoint, LineageBatch } from '@whence/sdk'
import { Hono } from 'hono'
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { Fault } from '../fault.ts'
import { permits } from '../rules/access/access.ts'
import type { Caller } from '../rules/access/access.ts'
import { readBody, readPath, readQuery } from './body.ts'
import type { Env } from './body.ts'
import type { EndpointName, Handlers } from './handlers.ts'
import { icebergRoutes } from './iceberg.ts'
import type { Catalog } from './iceberg.ts'
import { webhookRoutes } from './outcomes-api.ts'
import type { Webhooks } from '../path/outcomes/webhooks.ts'
import { optOutRoutes } from './opt-out-page.ts'
import type { OneClick } from './opt-out-page.ts'
import { notHttp, otlpRoutes } from './otlp.ts'
import type { TraceDoor } from './otlp.ts'

/** What a caller may fetch besides the endpoints of the SDK. */
export interface Pages {
  /** A file below /log/, in the layout of tlog-tiles. */
  logFile(path: string): Uint8Array | undefined
  /** The page of an explanation, when the token is good for it. Throws `forbidden`. */
  explanation(id: string, token: string): Promise<string>
  metrics(): Promise<string>
  /** Opting out by a link. */
  optOut: OneClick
  /** What the Iceberg catalog shows. */
  tables: Catalog
  /** Where spans go that come by OTLP. */
  traces: TraceDoor
  /** Where providers post. */
  webhooks: Webhooks
  /** What keeps the server from answering, or nothing. */
  notReady(): string | undefined
}

export interface Doorkeeper {
  authenticate(secret: string): Promise<Caller | undefined>
}

export function createApp(handlers: Handlers, pages: Pages, doorkeeper: Doorkeeper): Hono<Env> {
  const app = new Hono<Env>()

  const admit = async (c: Context<Env>, scope: Endpoint['scope'], given?: string): Promise<Caller> => {
    const secret = given ?? /^Bearer (\S+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    if (!secret) throw new Fault('unauthorized', 'every request needs a key: send "Authorization: Bearer wk_…"')
    const caller = await doorkeeper.authenticate(secret)
    if (!caller)
      throw new Fault('unauthorized', 'this key is not known, or was revoked: whence keys issue makes a new one')
    if (!permits(caller, scope))
      throw new Fault('forbidden', `this key may ${caller.scopes.join(', ')}; this request needs "${scope}"`)
    return caller
  }

  for (const [name, endpoint] of Object.entries(endpoints) as [EndpointName, Endpoint][]) {
    const path = endpoint.path.replaceAll(/\{(\w+)\}/g, ':$1')
    app.on(endpoint.method, path, async (c) => {
      const caller = await admit(c, endpoint.scope)
      const call = {
        caller,
        path: readPath(c),
        query: endpoint.query && readQuery(c, endpoint.query),
        body: await readBody(c, endpoint),
        base: new URL(c.req.url).origin,
      }
      const handle = handlers[name] as (given: typeof call) => Promise<unknown>
      return reply(c, endpoint, await handle(call), call.body)
    })
  }

  otlpRoutes(app, pages.traces, (c) => admit(c, 'ingest'))
  icebergRoutes(app, pages.tables, (c, secret) => admit(c, 'read', secret))
  optOutRoutes(app, pages.optOut)
  webhookRoutes(app, pages.webhooks)
  app.get('/openapi.json', async (c) => (await admit(c, 'read'), c.json(openApi())))
  app.get('/health', async (c) => (await admit(c, 'read'), c.json({ status: 'ok' })))
  app.get('/ready', async (c) => {
    await admit(c, 'read')
    const reason = pages.notReady()
    return reason === undefined ? c.json({ status: 'ready' }) : c.json({ status: 'not ready', reason }, 503)
  })
  app.get('/metrics', async (c) => (await admit(c, 'read'), c.text(await pages.metrics())))
  app.get('/log/*', async (c) => {
    await admit(c, 'read')
    const path = c.req.path.slice('/log/'.length)
    const bytes = pages.logFile(path)
    if (!bytes) throw new Fault('not_found', `the log has no ${path}`)
    const checkpoint = path === 'checkpoint'
    return c.body(bytes as Uint8Array<ArrayBuffer>, 200, {
      'content-type': checkpoint ? 'text/plain; charset=utf-8' : 'application/octet-stream',
      'cache-control': checkpoint ? 'no-cache' : 'private, max-age=31536000, immutable',
    })
  })
  app.get('/explain/:id', async (c) => {
    const page = await pages.explanation(c.req.param('id'), c.req.query('t') ?? '')
    return c.html(page, 200, {
      'content-security-policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-robots-tag': 'noindex',
    })
  })

  app.notFound((c) =>
    refuse(
      c,
      new Fault(
        'not_found',
        `nothing is at ${c.req.method} ${c.req.path.slice(0, 200)}: /openapi.json lists what there is`,
      ),
    ),
  )
  app.onError((error, c) => refuse(c, error))
  return app
}

/** Milliseconds that a request may take to arrive. */
const UPLOAD = 3_600_000

/** Listens; resolves with the address that it listens on. */
export async function listen(
  app: Hono<Env>,
  hostname: string,
  port: number,
): Promise<{ url: string; close(): Promise<void> }> {
  const server = await new Promise<Server>((resolve, reject) => {
    // A name has up to 4,000 characters, of any script, and an address may hold several.
    // Millions of rows come as one body: Node would cut it off after five minutes, however steadily it comes.
    const serverOptions = { maxHeaderSize: 256 * 1024, requestTimeout: UPLOAD }
    const started = serve({ fetch: app.fetch, hostname, port, serverOptions }, () => resolve(started)) as Server
    started.once('error', (cause: NodeJS.ErrnoException) => {
      const why =
        cause.code === 'EADDRINUSE'
          ? `the port ${port} is taken: stop what listens there, or say --port`
          : cause.message
      reject(new Fault('refused_start', `cannot listen on ${hostname}:${port}: ${why}`, { cause }))
    })
  })
  server.on('clientError', notHttp)
  const { port: bound } = server.address() as AddressInfo
  return {
    url: `http://${hostname.includes(':') ? `[${hostname}]` : hostname}:${bound}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      server.closeIdleConnections()
      setTimeout(() => server.closeAllConnections(), 5000).unref()
      await closed
    },
  }
}

async function reply(c: Context<Env>, endpoint: Endpoint, result: unknown, body: unknown): Promise<Response> {
  if (endpoint.besides === 204 && saysNothing(result as LineageBatch)) return c.body(null, 204)
  if (endpoint.besides === 201 && 'receipt' in (result as object)) return c.json(result as object, 201)
  if ('json' in endpoint.answer) return c.json(result as object, statusOf(result, body))
  if ('text' in endpoint.answer) return c.text(result as string)
  if ('stream' in endpoint.answer) {
    const { type, pieces } = result as { type: string; pieces: AsyncIterable<string | Uint8Array> }
    const bytes = Readable.from(await begun(pieces), { objectMode: false })
    return c.body(Readable.toWeb(bytes) as unknown as ReadableStream, 200, { 'content-type': type })
  }
  return c.body(
    Readable.toWeb(Readable.from(await begun(lines(result as AsyncIterable<unknown[]>)))) as unknown as ReadableStream,
    200,
    {
      'content-type': 'application/x-ndjson',
    },
  )
}

/** A request that is one event, and that event is in conflict, answers 409; in a batch each event has its own status. */
function statusOf(result: unknown, body: unknown): 200 | 409 {
  const accounting = (result as { accounting?: { received: number; conflict: number } }).accounting
  const single = (body as { format?: string } | undefined)?.format === 'json' && accounting?.received === 1
  return single && accounting.conflict === 1 ? 409 : 200
}

/** OpenLineage.yml: a batch without a body in the answer was received as a whole. */
function saysNothing({ summary, flagged_events: flagged }: LineageBatch): boolean {
  return summary.failed === 0 && flagged.length === 0
}

/** The same pieces, once the first is there: what is refused before it is answered as a refusal, not by breaking off. */
async function begun<Piece>(pieces: AsyncIterable<Piece>): Promise<AsyncIterable<Piece>> {
  const iterator = pieces[Symbol.asyncIterator]()
  let first: IteratorResult<Piece> | undefined = await iterator.next()
  return {
    [Symbol.asyncIterator]: () => ({
      async next() {
        const next = first ?? (await iterator.next())
        first = undefined
        return next
      },
      async return() {
        await iterator.return?.()
        return { done: true, value: undefined }
      },
    }),
  }
}

async function* lines(groups: AsyncIterable<unknown[]>): AsyncGenerator<string> {
  for await (const rows of groups) if (rows.length > 0) yield rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

function refuse(c: Context<Env>, error: unknown): Response {
  const fault = Fault.from(error)
  if (fault.code === 'internal')
    console.error(
      // As it came, percent-encoded: whoever calls writes no line of the log.
      `whence: ${c.req.method} ${new URL(c.req.url).pathname.replace(/\/(explain|predictions|opt-out|webhooks\/[^/]+\/[^/]+)\/[^/]+/, '/$1/…')} failed:`,
      fault.cause ?? fault,
    )
  const body = {
    error: {
      code: fault.code,
      message: fault.code === 'internal' ? 'something went wrong here; the server’s log says what' : fault.message,
    },
  }
  const headers: Record<string, string> = {}
  if (fault.status === 503) headers['retry-after'] = '1'
  if (fault.status === 401) headers['www-authenticate'] = 'Bearer'
  return c.json(body, fault.status as ContentfulStatusCode, headers)
}
