import assert from 'node:assert/strict'
import { test } from 'node:test'
import { qualified } from '../../lineage/exports/prov-writer.ts'
import { actionProv } from './prov.ts'
import { bareView, viewEdit, wholeView } from './testing.ts'
import type { ActionView } from './view.ts'

type Prov = Record<string, Record<string, Record<string, unknown>>>
const written = (view: ActionView): Prov => JSON.parse(actionProv(view)) as Prov
const all = (prov: Prov, relation: string): Record<string, unknown>[] => Object.values(prov[relation] ?? {})
const action = (...parts: string[]) => qualified('action', '100', ...parts)
const proposed = action('output')
const edited = action('edit', '101', 'output')

test('the template is the plan of the proposal, whose agent acts for its owner', () => {
  const prov = written(wholeView())
  const plan = qualified('prompt', 'subject-line@3')
  const actor = qualified('agent', 'agent', 'writer')
  assert.deepEqual(prov.entity![plan]!['prov:type'], { $: 'prov:Plan', type: 'prov:QUALIFIED_NAME' })
  const association = all(prov, 'wasAssociatedWith').find((one) => one['prov:plan'] !== undefined)
  assert.deepEqual(association, { 'prov:activity': action('proposal'), 'prov:agent': actor, 'prov:plan': plan })
  assert.deepEqual(all(prov, 'actedOnBehalfOf'), [
    {
      'prov:delegate': actor,
      'prov:responsible': qualified('agent', 'owner', 'growth'),
      'prov:activity': action('proposal'),
    },
  ])
})

test('the receipt that the gate found is used by the judgement; another that the proposer believes is asserted', () => {
  const prov = written(wholeView())
  const uses = new Set(all(prov, 'used').map((one) => [one['prov:activity'], one['prov:entity']].join(' ')))
  assert.ok(uses.has(`${action('judgement')} ${qualified('consent-receipt', 'r-1')}`))
  assert.ok(uses.has(`${action('proposal')} ${qualified('consent-receipt', 'r-0')}`))
  assert.equal(prov.entity![qualified('consent-receipt', 'r-0')]!['whence:truth'], 'asserted')
  assert.equal(prov.entity![qualified('consent-receipt', 'r-1')]!['whence:truth'], undefined)
})

test('an edit is a revision, and what comes after it is about the edited output', () => {
  const prov = written(wholeView())
  const revision = all(prov, 'wasDerivedFrom').find((one) => one['prov:type'] !== undefined)
  assert.deepEqual([revision!['prov:generatedEntity'], revision!['prov:usedEntity']], [edited, proposed])
  const used = (activity: string) =>
    all(prov, 'used').flatMap((one) => (one['prov:activity'] === activity ? [one['prov:entity']] : []))
  assert.deepEqual(used(action('edit', '101')), [proposed])
  for (const step of [action('review', '102'), action('claim', '103'), action('delivery', '104')])
    assert.deepEqual(used(step), [edited])
})

test('steps are in the order of the log, however they are given', () => {
  const early = wholeView({ edits: [viewEdit(109)] })
  const uses = all(written(early), 'used')
  const review = uses.find((one) => one['prov:activity'] === action('review', '102'))
  assert.equal(review!['prov:entity'], proposed, 'it was reviewed before it was edited')
})

test('who approves is associated with the review, which generated the decision', () => {
  const prov = written(wholeView())
  const review = action('review', '102')
  const approver = all(prov, 'wasAssociatedWith').find((one) => one['prov:activity'] === review)
  assert.equal(approver!['prov:agent'], qualified('agent', 'approver', 'approver'))
  const decision = action('review', '102', 'decision')
  assert.equal(prov.entity![decision]!['prov:label'], 'released')
  assert.ok(all(prov, 'wasGeneratedBy').some((one) => one['prov:entity'] === decision))
})

test('taking it back invalidates the output as it stands; without that nothing is invalidated', () => {
  const [invalidation] = all(written(wholeView()), 'wasInvalidatedBy')
  assert.deepEqual(invalidation, {
    'prov:entity': edited,
    'prov:activity': action('rollback', '111'),
    'prov:time': '1970-01-01T00:00:31.000000Z',
  })
  const { invalidated: _, ...kept } = wholeView()
  assert.equal(written(kept).wasInvalidatedBy, undefined)
})

test('what is on record is told apart from what the proposer says', () => {
  const { entity } = written(wholeView())
  assert.equal(entity![qualified('snapshot', '41')]!['whence:truth'], undefined)
  assert.equal(entity![qualified('snapshot', '42')]!['whence:truth'], 'asserted')
  assert.equal(entity![qualified('model', 'writer-large@7')]!['whence:truth'], 'asserted')
  assert.equal(entity![qualified('dataset', 'catalog@2026-01-16')]!['whence:truth'], 'asserted')
})

test('every name that a relation names is there, and nothing personal is', () => {
  for (const view of [wholeView(), bareView()]) {
    const text = actionProv(view)
    assert.ok(!text.includes('personal'))
    const prov = JSON.parse(text) as Prov
    const known = new Set(['entity', 'activity', 'agent'].flatMap((section) => Object.keys(prov[section] ?? {})))
    const relations = Object.keys(prov).filter((name) => !['prefix', 'entity', 'activity', 'agent'].includes(name))
    for (const relation of relations)
      for (const values of all(prov, relation))
        for (const value of Object.values(values))
          if (typeof value === 'string' && value.startsWith('whence:')) assert.ok(known.has(value), value)
  }
})

test('the same view gives the same text', () => {
  assert.equal(actionProv(wholeView()), actionProv(structuredClone(wholeView())))
})
