import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FollowedRecord } from '../../record/projection/follower.ts'
import { nodeId } from '../../record/lineage/statement.ts'
import type { Link } from '../../record/lineage/statement.ts'
import { isFault } from '../../fault.ts'
import { contractLineage } from './lineage.ts'

const contract = (upstream: string): string => `
apiVersion: v3.1.0
kind: DataContract
id: clicks
version: 2.0.0
status: active
description: { purpose: What people clicked, limitations: Not what they saw }
team: { name: web, members: [{ username: web-data, role: owner }] }
schema:
  - name: clicks
    properties:
      - { name: id, logicalType: string, required: true }
      - { name: customer, logicalType: string, required: true, classification: personal }
      - { name: happened, logicalType: timestamp, required: true }
      - { name: value, logicalType: object, properties: [{ name: 'Offer id', logicalType: string }] }
customProperties:
  - property: whence
    value:
      eventId: id
      subject: customer
      eventTime: happened
${upstream}`

function recordOf(text: string): FollowedRecord {
  const entry = { kind: 'contract/1', stream: 'clicks', recorded: '2026-03-01T00:00:00.000000Z', refs: {} }
  const opened = { state: 'open', content: Buffer.from(text) }
  return { seq: 7, entry, open: () => opened } as unknown as FollowedRecord
}

const written = (links: readonly Link[]): string[] =>
  links.map(({ from, to }) => `${nodeId(from.name, from.field)} > ${nodeId(to.name, to.field)}`)

const mapped = `      upstream:
        - { namespace: 'postgres://shop', name: public.clicks, fields: { customer: cust, value.Offer id: offer } }
        - { namespace: file, name: extra }
`

test('a contract makes its stream a node with fields, ownership and words', () => {
  const [said] = contractLineage(recordOf(contract('')))
  const { name, facets } = said!.outputs[0]!
  assert.equal(nodeId(name), 'stream:clicks')
  assert.deepEqual(facets.schema, {
    fields: [
      { name: 'id', type: 'string' },
      { name: 'customer', type: 'string' },
      { name: 'happened', type: 'timestamp' },
      { name: 'value_offer_id', type: 'string' },
    ],
  })
  assert.deepEqual(facets.ownership, { owners: [{ name: 'web-data', type: 'owner' }] })
  assert.deepEqual(facets.documentation, { description: 'What people clicked\nNot what they saw' })
  assert.deepEqual(said!.inputs, [])
  assert.deepEqual(written(said!.links), [
    'stream:clicks#customer > stream:clicks#subject',
    'stream:clicks#happened > stream:clicks#time',
  ])
})

test('datasets that the stream is loaded from are read by its ingest job, column by column where the contract says so', () => {
  const [said] = contractLineage(recordOf(contract(mapped)))
  assert.equal(nodeId(said!.job!.name), 'job:whence:ingest clicks')
  assert.deepEqual(
    said!.inputs.map(({ name }) => nodeId(name)),
    ['dataset:postgres%3A//shop:public.clicks', 'dataset:file:extra'],
  )
  assert.deepEqual(written(said!.links).slice(0, 3), [
    'dataset:postgres%3A//shop:public.clicks#cust > stream:clicks#customer',
    'dataset:postgres%3A//shop:public.clicks#offer > stream:clicks#value_offer_id',
    'dataset:file:extra > stream:clicks',
  ])
  assert.deepEqual(
    said!.links.slice(0, 3).map(({ basis }) => basis),
    ['stated', 'stated', 'conservative'],
  )
  const same = contractLineage(recordOf(contract(`      upstream: [{ namespace: file, name: extra, fields: same }]\n`)))
  assert.deepEqual(written(same[0]!.links).slice(0, 4), [
    'dataset:file:extra#id > stream:clicks#id',
    'dataset:file:extra#customer > stream:clicks#customer',
    'dataset:file:extra#happened > stream:clicks#happened',
    'dataset:file:extra#value.Offer id > stream:clicks#value_offer_id',
  ])
})

test('an upstream that cannot be meant is refused with its line', () => {
  const refuses = (upstream: string, wanted: RegExp): void =>
    assert.throws(
      () => contractLineage(recordOf(contract(upstream))),
      (error: unknown) => isFault(error, 'invalid') && wanted.test(error.message),
    )
  refuses(`      upstream: [{ namespace: file, name: a, fields: { custmer: x } }]\n`, /:22:.*did you mean "customer"/)
  refuses(`      upstream: [{ namespace: file, name: a }, { namespace: file, name: a }]\n`, /named twice/)
  refuses(`      upstream: [{ namespace: file, name: a, fields: equal }]\n`, /fields takes the word same/)
  refuses(`      upstream: [{ namespace: file, table: a }]\n`, /table is no setting of whence/)
})
