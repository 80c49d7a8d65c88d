// What the stories of the emitters, and their measurement, emit: visits to a shop's pages.
import assert from 'node:assert/strict'
import type { Client } from '@whence/sdk'
import type { EmitterStats } from '@whence/sdk/emitter'

export const stream = 'visits'

export const contract = `
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
schema:
  - name: ${stream}
    logicalType: object
    properties:
      - { name: id, logicalType: string, required: true }
      - { name: customer, logicalType: string, required: true, classification: personal }
      - { name: time, logicalType: timestamp, required: true }
      - { name: page, logicalType: string }
customProperties:
  - property: whence
    value: { eventId: id, eventTime: time, subject: customer }
`

/** A new visit at each call, of twenty customers in turn. */
export function visiting(): (more?: object) => { id: string; customer: string; time: string } {
  let next = 0
  return (more = {}) => ({ id: `v-${++next}`, customer: `c-${next % 20}`, time: '2026-03-01T10:00:00Z', ...more })
}

/** The events of a stream that are on the ledger. */
export async function countOf(client: Client, name = stream): Promise<number> {
  const { recorded } = await client.stream(name)
  return recorded.passed + recorded.flagged + recorded.quarantined + recorded.dropped
}

/** The sums of an emitter of the source `shop` hold, on its side and on that of the ledger. */
export async function emissionAddsUp(client: Client, stats: EmitterStats, name = stream): Promise<void> {
  const said = stats.streams[name]!
  const { emitted, recorded, duplicate, conflict, refused, sampledOut, dropped, waiting, unknown } = said
  assert.equal(emitted, recorded + duplicate + conflict + refused + sampledOut + dropped + waiting + unknown)
  const { emitters } = await client.emitters({ stream: name })
  const known = emitters.find((each) => each.emitter === stats.emitter)
  assert.ok(known, 'the ledger knows the emitter')
  assert.equal(known.source, 'shop')
  const { quarantined: _, ...emission } = said
  assert.deepEqual(known.said, emission)
  // What the server answered and nobody heard comes back as a duplicate.
  assert.ok(known.numbers >= recorded && known.numbers <= recorded + duplicate + conflict, JSON.stringify(known))
  assert.equal(known.unexplained, 0)
}
