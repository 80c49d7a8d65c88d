import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { canonicalize, LedgerFault } from '@whence/ledger'
import fc from 'fast-check'
import type { z } from 'zod'
import { ActionProposal } from './actions.ts'
import { ActionStatement, statementBytes, statementDigest, statementOf } from './statements.ts'

type Given = z.input<typeof ActionProposal>

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
const bytesOf = (proposal: Given) => Buffer.from(statementBytes(statementOf(proposal))).toString()

/** Everything that a proposal can say. What is personal says so in its own text. */
const whole: Given = {
  id: 'a-17',
  type: 'send',
  time: '2026-03-20T10:00:00Z',
  actor: { type: 'agent', id: 'writer', configuration: 'spring' },
  environment: 'staging',
  campaign: 'spring',
  creative: 'b',
  entity: 'personal-identifier',
  subjectType: 'customer',
  channel: 'email',
  purpose: 'marketing',
  address: 'personal-address@example.org',
  notBefore: '2026-03-21T10:00:00Z',
  jurisdiction: 'DE',
  segments: ['loyal'],
  targeting: { city: 'personal-city' },
  model: { name: 'writer-large', version: '7', provider: 'models.example', configuration: { temperature: 0.2 } },
  prompt: {
    template: 'subject-line',
    version: '3',
    text: 'personal-prompt',
    system: 'personal-system',
    keep: 'masked',
  },
  thought: 'personal-thought',
  inputs: {
    profile: 'personal-profile',
    datasets: ['catalog@2026-01-16'],
    snapshots: [41],
    features: { clicks: 'personal-feature' },
    predictions: ['personal-prediction'],
    events: ['personal-event'],
    refs: ['personal-ref'],
  },
  output: {
    copy: [{ part: 'subject', text: 'personal-copy' }],
    sha256: 'a'.repeat(64),
    artifacts: ['banner-7'],
    value: { offer: 'personal-value' },
  },
  consent: { receipt: 'r-1', version: '2', optOut: false },
  risk: 'high',
  retention: '90d',
}

test('a statement is one of in-toto v1: the id with the digest of the output, and what the proposer says', () => {
  const statement = statementOf(whole)
  assert.equal(statement._type, 'https://in-toto.io/Statement/v1')
  assert.equal(statement.predicateType, 'urn:whence:action:v1')
  assert.deepEqual(statement.subject, [
    { name: 'a-17', digest: { sha256: sha256(canonicalize(whole.output as never)) } },
  ])
  assert.deepEqual(statement.predicate.prompt, {
    template: 'subject-line',
    version: '3',
    text: { sha256: sha256('personal-prompt') },
    system: { sha256: sha256('personal-system') },
    keep: 'masked',
  })
  assert.equal(
    statement.predicate.person!.identifier!.sha256,
    sha256('{"action":"a-17","field":"entity","value":"personal-identifier"}'),
  )
  assert.equal(statementDigest(statement), sha256(bytesOf(whole)))
})

test('nothing that may be personal stands in it', () => {
  assert.ok(!bytesOf(whole).includes('personal'))
})

test('equal values of two actions have unequal digests', () => {
  const [one, other] = [statementOf(whole), statementOf({ ...whole, id: 'a-18' })].map(({ predicate }) => predicate)
  assert.notDeepEqual(one!.person, other!.person)
  assert.notDeepEqual(one!.address, other!.address)
  assert.notDeepEqual(one!.inputs!.profile, other!.inputs!.profile)
})

test('whatever is changed, left out or added makes other bytes, and signatures alone do not', () => {
  const seen = new Map([[bytesOf(whole), 'the whole']])
  for (const [where, changed] of variants(whole)) {
    const read = ActionProposal.safeParse(changed)
    if (!read.success) continue
    // Leaving out what is the default says the same.
    if (canonicalize(read.data as never) === canonicalize(ActionProposal.parse(whole) as never)) continue
    const bytes = bytesOf(read.data)
    assert.equal(seen.get(bytes), undefined, `${where} and ${seen.get(bytes)}`)
    seen.set(bytes, where)
  }
  assert.ok(seen.size > 60, String(seen.size))
  assert.equal(bytesOf({ ...whole, signatures: [{ keyid: 'k', sig: 's' }] }), bytesOf(whole))
})

test('the same statement whether texts are given or their digests', () => {
  const { thought, prompt, ...rest } = whole
  const digests = {
    ...rest,
    thoughtSha256: sha256(thought!),
    prompt: {
      template: prompt!.template,
      version: prompt!.version,
      keep: prompt!.keep,
      sha256: sha256(prompt!.text!),
      systemSha256: sha256(prompt!.system!),
    },
  }
  const both = { ...digests, thought, prompt: { ...prompt, ...digests.prompt } }
  assert.equal(bytesOf(digests), bytesOf(whole))
  assert.equal(bytesOf(both), bytesOf(whole))
})

test('a digest of another text than the one beside it is refused: which of them was signed?', () => {
  const other = 'b'.repeat(64)
  const wrong: Given[] = [
    { ...whole, prompt: { text: 'Write!', sha256: other } },
    { ...whole, prompt: { system: 'Be kind.', systemSha256: other } },
  ]
  for (const proposal of wrong) assert.throws(() => statementOf(proposal), { name: 'ZodError' })
  // Of a thought its own digest counts, here and on record.
  assert.equal(bytesOf({ ...whole, thoughtSha256: other }), bytesOf(whole))
})

test('any proposal has a statement in its own schema, the same after a round trip, and defaults do not matter', () => {
  fc.assert(
    fc.property(proposals, (proposal) => {
      const statement = statementOf(proposal)
      assert.deepEqual(ActionStatement.parse(statement), statement)
      const bytes = bytesOf(proposal)
      assert.deepEqual(JSON.parse(bytes), statement)
      assert.equal(bytesOf(ActionProposal.parse(proposal)), bytes)
      assert.equal(bytesOf(JSON.parse(JSON.stringify(proposal)) as Given), bytes)
      assert.equal(bytesOf(reversed(proposal) as Given), bytes, 'the order of names does not matter')
    }),
    { numRuns: 300 },
  )
})

test('an output that is absent or empty has a digest too, and the least proposal a statement', () => {
  const least: Given = { id: 'a', type: 'bid', actor: { type: 'user', id: 'u' } }
  assert.equal(statementOf(least).subject[0].digest.sha256, sha256('{}'))
  assert.deepEqual(statementOf(least).predicate, {
    type: 'bid',
    actor: { type: 'user', id: 'u' },
    environment: 'production',
    purpose: 'marketing',
    risk: 'low',
  })
})

test('what has no canonical form is refused: a lone surrogate, wherever it stands', () => {
  const lone = '\ud800'
  const refused = (error: unknown) =>
    error instanceof LedgerFault && (error.code === 'not-canonical' || error.code === 'bad-encoding')
  const wrong: Given[] = [
    { ...whole, id: lone },
    { ...whole, entity: lone },
    { ...whole, campaign: lone },
    { ...whole, targeting: { [lone]: 1 } },
    { ...whole, thought: lone },
    { ...whole, output: { copy: [{ part: 'text', text: lone }] } },
  ]
  for (const proposal of wrong) assert.throws(() => statementBytes(statementOf(proposal)), refused)
})

test('ids that look alike are not the same', () => {
  const ids = ['a-1', 'a-1\u200b', 'a\u20111', '\u202ea-1', 'а-1', 'a-1 ', 'á', 'a\u0301']
  assert.equal(new Set(ids.map((id) => statementDigest(statementOf({ ...whole, id })))).size, ids.length)
})

/** A value with each member removed, each text lengthened, each number, list and flag changed, one at a time. */
function* variants(value: unknown, where = ''): Generator<[string, Given]> {
  if (typeof value === 'string') {
    for (const other of [`${value}x`, value.slice(1), value.replace(/^a/, 'b')]) yield [where, other as never]
  } else if (typeof value === 'number') yield [where, (value + 1) as never]
  else if (typeof value === 'boolean') yield [where, !value as never]
  else if (Array.isArray(value)) {
    yield [`${where}/-`, [] as never]
    for (const [at, item] of value.entries())
      for (const [inner, changed] of variants(item, `${where}/${at}`))
        yield [inner, value.map((one: unknown, i) => (i === at ? changed : one)) as never]
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, item] of Object.entries(value)) {
      const { [name]: _, ...rest } = value as Record<string, unknown>
      yield [`${where}/${name} removed`, rest as never]
      for (const [inner, changed] of variants(item, `${where}/${name}`))
        yield [inner, { ...value, [name]: changed } as never]
    }
  }
}

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([name, inner]) => [name, reversed(inner)]),
  )
}

const word = fc
  .string({ minLength: 1, maxLength: 20, unit: 'grapheme' })
  .filter((text) => text !== '.' && text !== '..')
const labels = fc.dictionary(
  word.filter((name) => name !== '__proto__'),
  fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), word, fc.boolean(), fc.constant(null)),
  { maxKeys: 4 },
)
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const words = fc.array(word, { maxLength: 4 })
const proposals = fc
  .record({
    id: word,
    type: fc.constantFrom('send', 'edit', 'target', 'bid', 'choose_creative'),
    actor: fc.record({
      type: fc.constantFrom('agent', 'user', 'service'),
      id: fc.constant('x'),
      configuration: some(word),
    }),
    campaign: some(word),
    entity: some(word),
    address: some(word),
    segments: some(words),
    targeting: some(labels),
    model: some(fc.record({ name: word, version: some(word), configuration: some(labels) })),
    prompt: some(fc.record({ template: some(word), text: some(fc.string({ unit: 'grapheme' })) })),
    thought: some(fc.string({ unit: 'grapheme' })),
    inputs: some(
      fc.record({
        datasets: some(words),
        snapshots: some(fc.array(fc.nat())),
        features: some(labels),
        refs: some(words),
      }),
    ),
    output: some(
      fc.record({
        copy: some(
          fc.array(fc.record({ part: fc.constantFrom('subject', 'text'), text: fc.string({ unit: 'grapheme' }) }), {
            maxLength: 3,
          }),
        ),
        value: some(labels),
        artifacts: some(words),
      }),
    ),
  })
  .map((proposal) => JSON.parse(JSON.stringify(proposal)) as Given)
