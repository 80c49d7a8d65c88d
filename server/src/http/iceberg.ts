// The Iceberg REST catalog, read-only: pyiceberg, Spark, Trino and DuckDB attach to it with a key. Paths, shapes and
// errors are those of the catalog's OpenAPI document (apache/iceberg, open-api/rest-catalog-open-api.yaml).
import type { Context, Hono } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { Fault } from '../fault.ts'
import { NAMESPACES } from '../record/tables/table.ts'
import type { Head } from '../record/tables/book.ts'
import type { Env } from './body.ts'

/** What of the tables the catalog shows. */
export interface Catalog {
  list(): Promise<Pick<Head, 'name'>[]>
  /** Throws `not_found`. The text is the metadata as it stands in its file: ids of snapshots have more than 53 bits. */
  get(name: string): Promise<{ text: string; location: string }>
}

/** Everything that the catalog answers: clients ask for nothing else. */
const ENDPOINTS = [
  'GET /v1/{prefix}/namespaces',
  'GET /v1/{prefix}/namespaces/{namespace}',
  'HEAD /v1/{prefix}/namespaces/{namespace}',
  'GET /v1/{prefix}/namespaces/{namespace}/tables',
  'GET /v1/{prefix}/namespaces/{namespace}/tables/{table}',
  'HEAD /v1/{prefix}/namespaces/{namespace}/tables/{table}',
]

/** `admit` lets a caller in who may read, by the key in the header, or throws. */
export function icebergRoutes(
  app: Hono<Env>,
  catalog: Catalog,
  admit: (c: Context<Env>, secret?: string) => Promise<unknown>,
): void {
  const answering =
    (answer: (c: Context<Env>) => Promise<Response>) =>
    async (c: Context<Env>): Promise<Response> => {
      try {
        await admit(c)
        return await answer(c)
      } catch (error) {
        return refuse(c, error)
      }
    }
  const get = (path: string, answer: (c: Context<Env>) => Promise<Response>): unknown =>
    app.get(`/iceberg/v1${path}`, answering(answer))

  // A client that was given `credential` exchanges it here; the secret is the key itself.
  app.post('/iceberg/v1/oauth/tokens', async (c) => {
    try {
      const form = await c.req.parseBody()
      const secret = typeof form.client_secret === 'string' ? form.client_secret : ''
      if (form.grant_type !== 'client_credentials')
        return c.json({ error: 'unsupported_grant_type', error_description: 'only client_credentials is known' }, 400)
      await admit(c, secret)
      return c.json({
        access_token: secret,
        token_type: 'bearer',
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      })
    } catch (error) {
      return c.json({ error: 'invalid_client', error_description: Fault.from(error).message }, 401)
    }
  })
  get('/config', async (c) => c.json({ defaults: {}, overrides: {}, endpoints: ENDPOINTS }))
  get('/namespaces', async (c) => {
    const parent = c.req.query('parent')
    if (parent !== undefined && parent !== '') knownNamespace(parent)
    return c.json({ namespaces: parent ? [] : NAMESPACES.map((name) => [name]) })
  })
  get('/namespaces/:namespace', async (c) => {
    const namespace = knownNamespace(c.req.param('namespace')!)
    return c.req.method === 'HEAD' ? c.body(null, 204) : c.json({ namespace: [namespace], properties: {} })
  })
  get('/namespaces/:namespace/tables', async (c) => {
    const namespace = knownNamespace(c.req.param('namespace')!)
    const own = (await catalog.list()).filter(({ name }) => name.startsWith(`${namespace}.`))
    return c.json({
      identifiers: own.map(({ name }) => ({ namespace: [namespace], name: name.slice(namespace.length + 1) })),
    })
  })
  get('/namespaces/:namespace/tables/:table', async (c) => {
    // Spark asks for `events.letters.snapshots` in the namespace `events.letters` first: no table, whatever else is amiss.
    const { text, location } = await catalog.get(`${written(c.req.param('namespace')!)}.${c.req.param('table')!}`)
    if (c.req.method === 'HEAD') return c.body(null, 204)
    // Put together as text: a parser would round the ids of snapshots.
    return c.body(`{"metadata-location":${JSON.stringify(location)},"metadata":${text},"config":{}}`, 200, {
      'content-type': 'application/json',
    })
  })
  app.all(
    '/iceberg/*',
    answering(async (c) => {
      if (c.req.method === 'GET' || c.req.method === 'HEAD')
        throw new Fault('not_found', `the catalog has nothing at ${c.req.path.slice(0, 200)}`)
      const message = 'the catalog is read-only: Whence writes its tables itself, from what is on its ledger'
      return c.json({ error: { message, type: 'UnsupportedOperationException', code: 405 } }, 405, {
        allow: 'GET, HEAD',
      })
    }),
  )
}

class NoSuchNamespace extends Fault {}

function knownNamespace(name: string): string {
  if ((NAMESPACES as readonly string[]).includes(name)) return name
  throw new NoSuchNamespace(
    'not_found',
    `there is no namespace ${written(name).slice(0, 100)}: there are ${NAMESPACES.join(', ')}`,
  )
}

/** The parts of a namespace come with the unit separator between them. */
function written(namespace: string): string {
  return namespace.replaceAll('\u001f', '.')
}

function refuse(c: Context<Env>, error: unknown): Response {
  const fault = Fault.from(error)
  if (fault.code === 'internal') console.error(`whence: ${c.req.method} ${c.req.path} failed:`, fault.cause ?? fault)
  const { status } = fault
  const message = fault.code === 'internal' ? 'something went wrong here; the server’s log says what' : fault.message
  return c.json({ error: { message, type: typeOf(fault), code: status } }, status as ContentfulStatusCode)
}

/** The exception that clients of the catalog raise. */
function typeOf(fault: Fault): string {
  if (fault instanceof NoSuchNamespace) return 'NoSuchNamespaceException'
  switch (fault.status) {
    case 400:
      return 'BadRequestException'
    case 401:
      return 'NotAuthorizedException'
    case 403:
      return 'ForbiddenException'
    case 404:
      return 'NoSuchTableException'
    case 503:
      return 'ServiceUnavailableException'
    default:
      return 'InternalServerError'
  }
}
