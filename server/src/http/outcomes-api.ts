// Outcomes over HTTP: each a call of the step; and the door by which providers come, with signatures in place of a key.
import type { outcomesEndpoints } from '@whence/sdk'
import type { Context, Hono } from 'hono'
import { Fault } from '../fault.ts'
import type { Intake } from '../path/outcomes/intake.ts'
import type { Outcomes } from '../path/outcomes/outcomes.ts'
import { toldByReport, toldByTicket } from '../path/outcomes/told.ts'
import type { Posted, Webhooks } from '../path/outcomes/webhooks.ts'
import { bodyStream } from './body.ts'
import type { Env } from './body.ts'
import type { Handlers } from './handlers.ts'

export interface OutcomeSteps {
  outcomes: Outcomes
  intake: Intake
  webhooks: Webhooks
}

export function outcomeHandlers({
  outcomes,
  intake,
  webhooks,
}: OutcomeSteps): Pick<Handlers, keyof typeof outcomesEndpoints> {
  return {
    recordOutcomes: ({ body, caller }) => intake.take(body.outcomes.map(toldByReport), caller),
    outcomes: ({ query }) => outcomes.list(query),
    outcomeCounts: ({ query }) => outcomes.countsOf(query),
    recordTickets: ({ body, caller }) => intake.take(body.tickets.map(toldByTicket), caller),
    webhooks: () => webhooks.list(),
  }
}

/** Providers send a thousand events, of about a kilobyte. */
const MOST_BYTES = 5 * 1024 * 1024

export function webhookRoutes(app: Hono<Env>, webhooks: Webhooks): void {
  for (const path of ['/v1/webhooks/:provider/:name', '/v1/webhooks/:provider/:name/:token']) {
    app.post(path, async (c) => {
      const { recorded, duplicate, conflict, refused, tied, untied } = await webhooks.receive(postedOf(c))
      const firehose = c.req.header('x-amz-firehose-request-id')
      // Firehose takes no other answer for a good one.
      if (firehose !== undefined) return c.json({ requestId: firehose, timestamp: Date.now() })
      return c.json({ recorded, duplicate, conflict, refused, tied, untied })
    })
    // Some look, before they post, whether anybody is there.
    app.get(path, async (c) => {
      await webhooks.look(postedOf(c))
      return c.body(null, 204)
    })
  }
}

function postedOf(c: Context<Env>): Posted {
  const { provider = '', name = '', token } = c.req.param() as { provider?: string; name?: string; token?: string }
  return { provider, name, token, header: (header) => c.req.header(header), body: () => readWhole(c) }
}

async function readWhole(c: Context<Env>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of bodyStream(c)) {
    length += chunk.length
    if (length > MOST_BYTES)
      throw new Fault('too_large', `the body has more than ${MOST_BYTES / 1024 / 1024} MiB: divide it`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
