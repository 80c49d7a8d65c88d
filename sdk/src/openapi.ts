import { z } from 'zod'
import { endpoints, type Endpoint } from './endpoints.ts'
import * as declarations from './declarations.ts'
import * as collector from './collector.ts'
import * as events from './events.ts'
import * as explanations from './explanations.ts'
import * as features from './features.ts'
import * as governance from './governance.ts'
import * as modelAudit from './model-audit.ts'
import * as models from './models.ts'
import * as predictions from './predictions.ts'
import * as receipts from './receipts.ts'
import * as time from './time.ts'
import * as trainingRuns from './training-runs.ts'
import * as trainingSets from './training-sets.ts'

type Json = Record<string, unknown>

const resources = [
  time,
  receipts,
  events,
  collector,
  declarations,
  features,
  trainingRuns,
  trainingSets,
  models,
  modelAudit,
  predictions,
  explanations,
  governance,
]

/**
 * The API as an OpenAPI 3.1 document, made from the endpoints and the schemas that the server and the client use. Each
 * exported schema is a component under its name. A new object each time, without `servers`: the reader knows the host.
 */
export function openApi(version = '0.1.0'): object {
  const paths: Record<string, Json> = {}
  for (const [name, endpoint] of Object.entries<Endpoint>(endpoints)) {
    const operations = (paths[endpoint.path] ??= {})
    operations[endpoint.method.toLowerCase()] = operation(name, endpoint)
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Whence',
      version,
      summary: 'Where a decision about a person came from, with evidence.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A key of `whence keys issue`, with the scope named.' },
      },
      schemas: { ...components(), Refusal: refusal },
      responses: refusals,
    },
  }
}

function operation(name: string, endpoint: Endpoint): Json {
  const inPath = [...endpoint.path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => ({
    name: parameter,
    in: 'path',
    required: true,
    schema: { type: parameter === 'seq' || endpoint.path.startsWith('/v1/snapshots') ? 'integer' : 'string' },
  }))
  return {
    operationId: name,
    summary: endpoint.summary,
    description: `Needs a key with the scope \`${endpoint.scope}\`.`,
    tags: [endpoint.path.replace(/^.*\/v1\//, '').split('/')[0]],
    ...(inPath.length > 0 || endpoint.query ? { parameters: [...inPath, ...inQuery(endpoint.query)] } : {}),
    ...(endpoint.body ? { requestBody: body(endpoint.body) } : {}),
    responses: {
      200: { description: 'Done', content: content(endpoint.answer) },
      ...(endpoint.besides === 201 ? { 201: { description: 'Recorded', content: content(endpoint.answer) } } : {}),
      ...(endpoint.besides === 204 ? { 204: { description: 'All recorded, and nothing to say of any' } } : {}),
      ...Object.fromEntries(
        Object.keys(refusals)
          .filter((status) => applies(status, endpoint))
          .map((status) => [status, { $ref: `#/components/responses/${status}` }]),
      ),
      default: { description: 'Any other failure', content: problem },
    },
  }
}

function applies(status: string, endpoint: Endpoint): boolean {
  if (status === '404') return endpoint.path.includes('{') || endpoint.method === 'POST'
  if (status === '409' || status === '413' || status === '507')
    return endpoint.method === 'POST' || endpoint.method === 'PUT'
  return true
}

function inQuery(query: z.ZodObject | undefined): Json[] {
  if (!query) return []
  const { properties = {}, required = [] } = inline(query) as { properties?: Record<string, Json>; required?: string[] }
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema,
  }))
}

function body(schema: z.ZodType | 'events' | 'bytes' | 'rows'): Json {
  if (schema === 'rows') {
    return {
      required: true,
      description: 'Read as it comes, of any length. `Content-Encoding: gzip` is understood.',
      content: {
        'application/x-ndjson': { schema: { type: 'string', description: 'One row a line.' } },
        'application/vnd.apache.parquet': { schema: { type: 'string', format: 'binary' } },
      },
    }
  }
  if (schema === 'bytes')
    return { required: true, content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } }
  if (schema !== 'events') return { required: true, content: { 'application/json': { schema: reference(schema) } } }
  const event = { type: 'object', description: 'An event as its source sends it; the stream’s contract judges it.' }
  return {
    required: true,
    description: 'Kept byte for byte. `Content-Encoding: gzip` is understood.',
    content: {
      'application/x-ndjson': { schema: { type: 'string', description: 'One event a line.' } },
      'application/json': { schema: { oneOf: [event, { type: 'array', items: event }] } },
    },
  }
}

function content(answer: Endpoint['answer']): Json {
  if ('text' in answer) return { 'text/plain': { schema: { type: 'string', description: answer.text } } }
  if ('json' in answer) return { 'application/json': { schema: reference(answer.json) } }
  if ('stream' in answer) return { [answer.stream]: { schema: {} } }
  return { 'application/x-ndjson': { schema: reference(answer.rows) } }
}

/** A named schema as a reference to its component, an array of them as an array of references, all else in place. */
function reference(schema: z.ZodType): Json {
  const name = names().get(schema)
  if (name !== undefined) return { $ref: `#/components/schemas/${name}` }
  if (schema instanceof z.ZodArray) return { type: 'array', items: reference(schema.element as z.ZodType) }
  return inline(schema)
}

function names(): Map<unknown, string> {
  const named = resources.flatMap((resource) => Object.entries<unknown>(resource))
  return new Map(named.filter(([, value]) => value instanceof z.ZodType).map(([name, value]) => [value, name]))
}

// Described as what may be sent, not as what comes out of parsing: a default is then optional, and an answer of a newer
// server may hold fields that this document does not know.
const dialect = { io: 'input', target: 'draft-2020-12' } as const

function components(): Record<string, Json> {
  const registry = z.registry<{ id: string }>()
  for (const [schema, id] of names()) registry.add(schema as z.ZodType, { id })
  const { schemas } = z.toJSONSchema(registry, { ...dialect, uri: (id) => `#/components/schemas/${id}` })
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, plain(schema as Json)]))
}

function inline(schema: z.ZodType): Json {
  return plain(z.toJSONSchema(schema, dialect) as Json)
}

/** Within one document the dialect and the identity of each part are given by the document. */
function plain({ $schema: _, $id: __, ...schema }: Json): Json {
  return schema
}

const problem = { 'application/json': { schema: { $ref: '#/components/schemas/Refusal' } } }

const refusal = {
  type: 'object',
  properties: { error: { $ref: '#/components/schemas/Problem' } },
  required: ['error'],
}

const refusals = {
  400: { description: 'The request was not understood; `error.message` says which part', content: problem },
  401: { description: 'No key, or one that is not known or was revoked', content: problem },
  403: { description: 'The key lacks the scope', content: problem },
  404: { description: 'Nothing goes by that name', content: problem },
  409: { description: 'It contradicts what is recorded, or what it depended on has moved', content: problem },
  413: { description: 'Too large', content: problem },
  500: { description: 'A fault of the server, or stored bytes that are not the ones recorded', content: problem },
  503: {
    description: 'Overloaded: nothing was accepted, send the same again later',
    headers: { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer' } } },
    content: problem,
  },
  507: { description: 'The disk reserve is reached: nothing was accepted', content: problem },
}
