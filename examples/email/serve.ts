// A service that scores while a customer waits: features online, the score at once, and the prediction through the
// emitter, which costs the customer nothing and tells what it loses.
//
//   WHENCE_KEY=wk_… WHENCE_SPOOL=/var/spool/shop node serve.ts opens_subject_a@champion
//
//   POST /score   {"customer_id": "C-000042"}   -> {"score": 0.62, "prediction": "…"}
//   POST /events  an event as the contract has it -> 202, kept and on its way
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { IncomingMessage, Server } from 'node:http'
import { createClient, type Client, type FeatureValue, type ModelVersion } from '@whence/sdk'
import { createEmitter, type Emitter } from '@whence/sdk/emitter'
import { score } from '../logistic.ts'

export interface Service {
  whence: Client
  emitter: Emitter
  model: ModelVersion
}

/** The service, not yet listening. Whoever closes it closes the emitter after it. */
export function scoringService({ whence, emitter, model }: Service): Server {
  const answers: Record<string, (body: Record<string, unknown>) => Promise<[number, object]>> = {
    async 'POST /score'({ customer_id: customer }) {
      if (typeof customer !== 'string' || customer === '') return [400, { error: 'say whom: customer_id' }]
      const { entities, at } = await whence.onlineMany({ views: [model.view!], entities: [customer] })
      const values = entities[0]!.views[0]?.values
      // Whoever is unknown, was erased, or has unsubscribed is not scored.
      if (values === undefined || Number(values['optouts_90d']) > 0) return [200, { score: null }]
      const id = randomUUID()
      const inputs: Record<string, FeatureValue> = {}
      for (const { name } of model.model!.features) inputs[name] = values[name]!
      const scored = score(model.model!, values)
      const target = { model: `${model.name}@${model.version}` }
      const kept = emitter.emit(target, { id, entity: customer, time: at, inputs, ...scored })
      return [200, { score: scored.score, prediction: kept ? id : null }]
    },
    async 'POST /events'(event) {
      return emitter.emit('email_events', event) ? [202, {}] : [503, { error: 'it could not be kept' }]
    },
  }
  return createServer((request, response) => {
    const answer = async (): Promise<[number, object]> => {
      const found = answers[`${request.method} ${request.url}`]
      if (!found) return [404, { error: 'POST /score, POST /events' }]
      const body = await jsonOf(request)
      return body === undefined ? [400, { error: 'the body is no JSON object' }] : found(body)
    }
    answer()
      .catch((error: Error): [number, object] => [502, { error: error.message }])
      .then(([status, body]) => {
        response.writeHead(status, { 'content-type': 'application/json' })
        response.end(JSON.stringify(body))
      }, console.error)
  })
}

const MOST_BYTES = 64 * 1024

async function jsonOf(request: IncomingMessage): Promise<Record<string, unknown> | undefined> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > MOST_BYTES) return undefined
    pieces.push(piece)
  }
  try {
    const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '', WHENCE_SPOOL: spool } = process.env
  const whence = createClient({ url, key })
  const emitter = createEmitter({ url, key, ...(spool === undefined ? {} : { spool }) })
  const model = await whence.model(process.argv[2] ?? 'opens_subject_a@champion')
  const service = scoringService({ whence, emitter, model })
  service.listen(4700, '127.0.0.1', () => console.log('scoring at http://127.0.0.1:4700/score'))
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => service.close(() => void emitter.close().then((stats) => console.log(stats.streams))))
}
