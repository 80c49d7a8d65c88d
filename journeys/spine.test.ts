// From a campaign event to an explained, checked prediction.
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { verifyProof, parseTlogProof } from '@whence/ledger'
import type { Client, Explanation } from '@whence/sdk'
import { collect, refused } from './answers.ts'
import {
  contract,
  customers,
  files,
  follow,
  letters,
  logistic,
  modelName,
  modelOf,
  prediction,
  reader,
  scored,
  stream,
  at,
} from './shop.ts'
import type { Thread } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

const [anna, bela, cleo, dora, emil, finn, gita] = customers as [string, string, string, string, string, string, string]

suite('the spine', () => {
  let site: Site
  let server: Running
  let whence: Client
  let thread: Thread

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    thread = await follow(whence)
  })
  after(() => site?.remove())

  test('every letter is accounted for, and its sequence has no gap', async () => {
    const { recorded, sinceStart, gaps } = await whence.stream(stream)
    assert.deepEqual(recorded, {
      passed: letters.length,
      flagged: 0,
      quarantined: 0,
      dropped: 0,
      conflict: 0,
      released: 0,
    })
    assert.equal(sinceStart.received, letters.length)
    assert.deepEqual(gaps, [])
  })

  test('the snapshot has for everyone what plain loops reckon', async () => {
    const rows = await collect(whence.snapshotRows(thread.snapshot.id))
    assert.equal(rows.length, customers.length)
    const bySubject = new Map(rows.map(({ subject, values }) => [subject, values]))
    for (const [i, customer] of customers.entries())
      assert.deepEqual(bySubject.get(thread.subjects[i]!), { ...reader(customer) })
  })

  test('the training set has the features as they were known at each row', async () => {
    const rows = await collect(whence.trainingRows(thread.training.id))
    assert.equal(rows.length, 2 * customers.length)
    for (const { subject, at: when, values } of rows) {
      assert.deepEqual(values, { ...reader(customers[thread.subjects.indexOf(subject)]!, when) })
    }
  })

  test('explains a prediction down to its letters, every claim recomputed or labelled', async () => {
    const explained = await whence.explain('p-bela')
    const values = reader(bela)
    assert.match(
      explained.sentence,
      /^Customer cust-bela-7719 scored 0\.\d\d for "opens the next letter" mainly because/,
    )
    assert.match(explained.sentence, /Score and inputs were recomputed from \d+ events and agree\.$/)
    assert.equal(explained.entity, bela)
    const { score } = scored({ ...values })
    assert.deepEqual(explained.score, { stored: score, recomputed: score, truth: 'recomputed' })
    for (const { name, truth, served, stored, recomputed, events } of explained.inputs) {
      assert.deepEqual(
        { name, truth, served, stored, recomputed },
        {
          name,
          truth: 'recomputed',
          served: value(values, name),
          stored: value(values, name),
          recomputed: value(values, name),
        },
      )
      const wanted = letters.filter((letter) => letter.customer === bela && counts(name, letter))
      assert.deepEqual(
        events.map((seq) => explained.events.find((event) => event.seq === seq)!.id),
        wanted.map(({ id }) => id),
        name,
      )
    }
    for (const { feature, contribution, truth } of explained.reasons) {
      assert.equal(truth, 'recomputed')
      assert.equal(
        contribution,
        scored({ ...values }).reasons.find((reason) => reason.feature === feature)!.contribution,
      )
    }
    assert.ok(
      explained.events.every(
        ({ campaign, creative, consent, outcome, integrity }) =>
          campaign && creative && consent === true && outcome === 'passed' && integrity === 'intact',
      ),
    )
    assert.ok(
      explained.events.every(({ knownAsserted }) => knownAsserted),
      'a time of knowing that is the source’s word is labelled so',
    )
    assert.ok(explained.claims.every(({ truth }) => truth !== 'contradicted' && truth !== 'erased'))
    assert.ok(explained.records.every(({ integrity }) => integrity === 'intact'))
    assert.equal(explained.counts.contradicted, 0)
    assert.equal(explained.anchored, undefined)
    const consent = explained.claims.find(({ subject, truth }) => subject === 'consent' && truth === 'missing')
    assert.ok(consent, 'a consent receipt that is not there is said to be missing')
    const model = explained.claims.find(({ subject }) => subject === 'model')!
    assert.equal(model.truth, 'asserted', 'a model is what its producer says')
  })

  test('each record behind an explanation is proved by a tlog-proof that verifies offline', async () => {
    const { records } = await whence.explain('p-bela')
    const proofs = (await whence.explanationProof('p-bela'))
      .split(/(?<=\n)(?=c2sp\.org\/tlog-proof@v1\n)/)
      .map((text) => text.replace(/\n+$/, '\n'))
    assert.equal(proofs.length, records.length)
    for (const proof of proofs) {
      const { extra } = parseTlogProof(proof)
      assert.equal((await verifyProof(proof, extra!, server.vkey)).ok, true)
    }
    const forged = proofs[0]!
    const { extra } = parseTlogProof(proofs[1]!)
    assert.equal((await verifyProof(forged, extra!, server.vkey)).ok, false)
  })

  test('finds predictions by identifier, campaign, model and time', async () => {
    const ids = async (query: Parameters<Client['find']>[0]) =>
      (await whence.find(query)).predictions.map(({ id }) => id)
    assert.deepEqual(await ids({ identifier: anna }), ['p-anna'])
    assert.deepEqual(await ids({ identifier: 'nobody' }), [])
    assert.equal(
      (await ids({ campaign: 'winter sale', limit: 1000 })).filter((id) =>
        customers.some((customer) => `p-${customer.split('-')[1]}` === id),
      ).length,
      customers.length,
    )
    assert.deepEqual(await ids({ campaign: 'no such sale' }), [])
    assert.equal(
      (await ids({ model: 'opens@v1', from: '2026-03-01T06:00:00Z', to: '2026-03-01T06:00:01Z', limit: 1000 }))
        .length >= customers.length,
      true,
    )
    assert.deepEqual(await ids({ to: '2026-03-01T06:00:00Z' }), [])
  })

  test('finds page by page, each prediction once', async () => {
    const all = (await whence.find({ limit: 1000 })).predictions.map(({ seq }) => seq)
    const seen: number[] = []
    let before: number | undefined
    do {
      const page = await whence.find({ limit: 3, ...(before === undefined ? {} : { before }) })
      seen.push(...page.predictions.map(({ seq }) => seq))
      before = page.next
    } while (before !== undefined)
    assert.deepEqual(seen, all)
  })

  test('replays all predictions exactly, and a sample by its seed', async () => {
    const all = await whence.replay({ model: modelName })
    assert.deepEqual(
      { exact: all.exact, compared: all.compared, causes: all.causes },
      { exact: customers.length, compared: customers.length, causes: {} },
    )
    assert.ok(all.interval.low < 1 && all.interval.high === 1)
    const sample = await whence.replay({ model: modelName, sample: 4, seed: 7 })
    assert.equal(sample.sampled, 4)
    assert.equal(sample.population, customers.length)
  })

  test('verifies everything that it keeps', async () => {
    const { ok, problems, checked } = await whence.verify()
    assert.deepEqual(problems, [])
    assert.equal(ok, true)
    assert.equal(checked.keys, customers.length)
    assert.ok(checked.columnFiles! >= 1 && checked.snapshots === 1 && checked.trainingSets === 1)
  })

  test('the same thread again adds nothing', async () => {
    const { size } = await whence.status()
    const again = await whence.ingest(stream, letters)
    assert.equal(again.accounting.duplicate, letters.length)
    const snapshot = await whence.materialize({ view: 'reader', at, asOf: thread.snapshot.asOf })
    assert.deepEqual(
      { id: snapshot.id, status: snapshot.receipt?.status },
      { id: thread.snapshot.id, status: 'duplicate' },
    )
    const model = await whence.registerModel(modelOf(thread.training.id))
    assert.deepEqual({ version: model.version, status: model.receipt?.status }, { version: 1, status: 'duplicate' })
    const predictions = await whence.predict({
      model: modelName,
      snapshot: snapshot.id,
      predictions: customers.map((customer) => prediction(customer)),
    })
    assert.deepEqual(
      { recorded: predictions.recorded, duplicate: predictions.duplicate },
      { recorded: 0, duplicate: customers.length },
    )
    assert.deepEqual(
      predictions.results.map((result) => 'receipt' in result && result.receipt.seq),
      thread.predictions.results.map((result) => 'receipt' in result && result.receipt.seq),
    )
    assert.equal((await whence.status()).size, size)
  })

  test('the same training set again is the same set; another spine under its id is a conflict', async () => {
    const request = {
      id: 'twice',
      view: 'reader',
      label: 'x',
      spine: [{ entity: anna, at: '2026-02-15T00:00:00Z', label: 1 }],
    }
    const first = await whence.createTrainingSet(request)
    const again = await whence.createTrainingSet(request)
    assert.deepEqual(
      { seq: again.seq, digest: again.rowsDigest, status: again.receipt?.status },
      { seq: first.seq, digest: first.rowsDigest, status: 'duplicate' },
    )
    await refused(
      whence.createTrainingSet({ ...request, spine: [{ entity: bela, at: '2026-02-15T00:00:00Z', label: 1 }] }),
      'conflict',
    )
    await refused(
      whence.createTrainingSet({
        ...request,
        id: 'nobody',
        spine: [{ entity: 'nobody', at: '2026-02-15T00:00:00Z', label: 1 }],
      }),
      'invalid',
    )
    const { leftOut, rows } = await whence.createTrainingSet({
      ...request,
      id: 'half',
      spine: [...request.spine, { entity: 'nobody', at: '2026-02-15T00:00:00Z', label: 0 }],
    })
    assert.deepEqual(
      { leftOut, rows },
      { leftOut: { unknown: 1, erased: 0, objected: 0, future: 0, unlabelled: 0 }, rows: 1 },
    )
  })

  test('a prediction again is a duplicate; other content under its id is a conflict, and the first one stands', async () => {
    const honest = prediction(cleo, 'p-contested')
    const put = async (given: object) =>
      (await whence.predict({ model: modelName, snapshot: thread.snapshot.id, predictions: [{ ...honest, ...given }] }))
        .results[0]!
    const first = await put({})
    assert.equal(first.status, 'recorded')
    assert.deepEqual(await put({}), {
      ...first,
      status: 'duplicate',
      receipt: { ...receipt(first), status: 'duplicate' },
    })
    assert.equal((await put({ score: 0.99 })).status, 'conflict')
    const twice = await whence.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      predictions: [
        prediction(dora, 'p-twin'),
        prediction(dora, 'p-twin'),
        { ...prediction(dora, 'p-twin'), score: 0.1 },
      ],
    })
    assert.deepEqual(
      twice.results.map(({ status }) => status),
      ['recorded', 'duplicate', 'conflict'],
    )
    const explained = await whence.explain('p-contested')
    assert.equal(explained.seq, receipt(first).seq)
    assert.equal(explained.score.truth, 'recomputed')
  })

  test('refuses predictions of a model or a snapshot that is not on the ledger', async () => {
    const { size } = await whence.status()
    await refused(
      whence.predict({ model: 'ghost@1', snapshot: thread.snapshot.id, predictions: [prediction(anna, 'p-ghost')] }),
      'not_found',
    )
    await refused(
      whence.predict({ model: 'opens@2', snapshot: thread.snapshot.id, predictions: [prediction(anna, 'p-ghost')] }),
      'not_found',
    )
    await refused(
      whence.predict({
        model: 'opens@99999999999999',
        snapshot: thread.snapshot.id,
        predictions: [prediction(anna, 'p-ghost')],
      }),
      'not_found',
    )
    await refused(
      whence.predict({ model: modelName, snapshot: 9_999_999, predictions: [prediction(anna, 'p-ghost')] }),
      'not_found',
    )
    await refused(whence.explain('p-ghost'), 'not_found')
    assert.equal((await whence.status()).size, size)
  })

  test('a false score is contradicted and named', async () => {
    const explained = await told('p-false-score', { ...prediction(emil), score: 0.987 })
    assert.equal(explained.score.truth, 'contradicted')
    assert.equal(explained.score.recomputed, scored({ ...reader(emil) }).score)
    assert.match(contradictions(explained), /score was given as 0\.987/)
    assert.doesNotMatch(explained.sentence, /agree/)
    assert.equal(await missOf('p-false-score'), 'score differs')
  })

  test('a false reason is contradicted and named', async () => {
    const honest = prediction(emil)
    const explained = await told('p-false-reason', {
      ...honest,
      reasons: honest.reasons.map((reason) => (reason.feature === 'spent' ? { ...reason, contribution: 2.5 } : reason)),
    })
    assert.deepEqual(
      explained.reasons.filter(({ truth }) => truth === 'contradicted').map(({ feature }) => feature),
      ['spent'],
    )
    assert.match(contradictions(explained), /reason spent was given as \+2\.500/)
  })

  test('a reason that the model does not have is contradicted and named', async () => {
    const honest = prediction(emil)
    const explained = await told('p-invented-reason', {
      ...honest,
      reasons: [...honest.reasons, { feature: 'shoe_size', contribution: 3 }],
    })
    assert.match(contradictions(explained), /shoe_size/)
    assert.equal(explained.reasons.find(({ feature }) => feature === 'shoe_size')?.truth, 'contradicted')
  })

  test('false inputs are contradicted and named, each', async () => {
    const values = reader(emil)
    const explained = await told('p-false-inputs', {
      ...prediction(emil),
      inputs: { ...values, opens_90d: 12, spent: 4000 },
    })
    assert.deepEqual(
      explained.inputs
        .filter(({ truth }) => truth === 'contradicted')
        .map(({ name }) => name)
        .sort(),
      ['opens_90d', 'spent'],
    )
    assert.match(contradictions(explained), /opens_90d was served as 12; \d events? recomputes? to \d/)
    assert.match(contradictions(explained), /spent was served as 4000/)
    assert.equal(await missOf('p-false-inputs'), 'inputs differ')
  })

  test('an input that the view does not have is labelled as what the producer says', async () => {
    const explained = await told('p-more-inputs', { ...prediction(emil), inputs: { ...reader(emil), shoe_size: 44 } })
    const shoe = explained.inputs.find(({ name }) => name === 'shoe_size')
    assert.equal(shoe?.truth, 'asserted')
    assert.equal(shoe?.served, 44)
  })

  test('a prediction about somebody of whom nothing is known says so', async () => {
    const { results } = await whence.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      predictions: [{ ...prediction(anna, 'p-stranger'), entity: 'cust-stranger-1', inputs: { opens_90d: 3 } }],
    })
    assert.equal(results[0]!.status, 'recorded')
    const explained = await whence.explain('p-stranger')
    assert.equal(explained.entity, 'cust-stranger-1')
    assert.equal(explained.events.length, 0)
    assert.match(explained.alerts.map(({ text }) => text).join('\n'), /snapshot \d+ has no row/)
    assert.equal(explained.inputs.find(({ name }) => name === 'opens_90d')?.truth, 'contradicted')
    const none = await whence.predict({
      model: modelName,
      predictions: [
        { id: 'p-nobody', score: 0.5 },
        { id: 'p-unknown', subject: 'f'.repeat(32), score: 0.5 },
      ],
    })
    assert.deepEqual(
      none.results.map(({ status }) => status),
      ['refused', 'refused'],
    )
  })

  test('a prediction without a snapshot is as the producer says, and is said to be', async () => {
    await whence.predict({ model: modelName, predictions: [prediction(finn, 'p-no-snapshot')] })
    const explained = await whence.explain('p-no-snapshot')
    assert.equal(explained.score.truth, 'asserted')
    assert.ok(explained.reasons.length > 0 && explained.reasons.every(({ truth }) => truth === 'asserted'))
    assert.match(explained.sentence, /not recomputed/)
    assert.equal(await missOf('p-no-snapshot'), 'no snapshot')
  })

  test('a model whose form is not known is explained, its scores asserted', async () => {
    const { version } = await whence.registerModel({
      name: 'forest',
      predicts: 'buys',
      artifact: { sha256: 'ab'.repeat(32) },
    })
    await whence.predict({
      model: `forest@${version}`,
      snapshot: thread.snapshot.id,
      predictions: [prediction(finn, 'p-forest')],
    })
    const explained = await whence.explain('p-forest')
    assert.equal(explained.score.truth, 'asserted')
    assert.ok(explained.inputs.every(({ truth }) => truth === 'recomputed'))
    assert.deepEqual(
      explained.claims.filter(({ subject }) => subject === 'training' || subject === 'code').map(({ truth }) => truth),
      ['missing', 'missing'],
    )
    assert.equal(await missOf('p-forest'), 'model cannot be scored')
  })

  test('model versions rise with their content', async () => {
    const other = await whence.registerModel({ ...modelOf(thread.training.id), model: { ...logistic, intercept: 1 } })
    assert.equal(other.version, 2)
    assert.equal(
      (await whence.registerModel({ ...modelOf(thread.training.id), model: { ...logistic, intercept: 1 } })).version,
      2,
    )
    const both = await Promise.all(
      [1.25, 1.5].map((intercept) =>
        whence.registerModel({ ...modelOf(thread.training.id), model: { ...logistic, intercept } }),
      ),
    )
    assert.deepEqual(
      both.map(({ version }) => version).toSorted((a, b) => a - b),
      [3, 4],
    )
    await refused(whence.model('opens@5'), 'not_found')
  })

  test('a late letter changes neither the snapshot before it nor what is explained by it', async () => {
    const before = await whence.explain('p-gita')
    const late = {
      ...letters.find(({ customer, event }) => customer === gita && event === 'opened')!,
      id: 'l-late',
      n: letters.length + 1,
    }
    assert.equal((await whence.ingest(stream, [late])).accounting.passed, 1)
    const after = await whence.explain('p-gita')
    assert.deepEqual(after.inputs, before.inputs)
    assert.deepEqual(after.events, before.events)
    assert.deepEqual(after.score, before.score)
    const again = await whence.materialize({ view: 'reader', at, asOf: thread.snapshot.asOf })
    assert.deepEqual(
      { id: again.id, digest: again.rowsDigest },
      { id: thread.snapshot.id, digest: thread.snapshot.rowsDigest },
    )
    const now = await whence.materialize({ view: 'reader', at })
    const rows = await collect(whence.snapshotRows(now.id))
    const [subject] = (await whence.subjects({ identifiers: [gita] })).subjects
    assert.deepEqual(rows.find((row) => row.subject === subject)!.values, { ...reader(gita, at, [...letters, late]) })
    assert.notEqual(now.rowsDigest, thread.snapshot.rowsDigest)
  })

  test('explains as of a position: the answer says which, and knows nothing later', async () => {
    const { seq } = await whence.explain('p-anna')
    await refused(whence.explain('p-anna', { asOf: seq }), 'not_found')
    const explained = await whence.explain('p-anna', { asOf: seq + 1 })
    assert.equal(explained.asOf, seq + 1)
    assert.equal(explained.score.truth, 'recomputed')
    const { size } = await whence.status()
    await refused(whence.explain('p-anna', { asOf: size + 1000 }), 'invalid')
  })

  test('refuses a snapshot as of the future, and one of a view that is not there', async () => {
    const { size } = await whence.status()
    await refused(whence.materialize({ view: 'reader', at, asOf: size + 1 }), 'invalid')
    await refused(whence.materialize({ view: 'writer', at }), 'not_found')
    await refused(whence.materialize({ view: 'reader@v7', at }), 'not_found')
    await refused(whence.snapshot(9_999_999), 'not_found')
  })

  test('two that ask for the same snapshot at once get the same one', async () => {
    const { size } = await whence.status()
    const both = await Promise.all(
      [1, 2, 3].map(() => whence.materialize({ view: 'reader', at: '2026-02-20T00:00:00Z', asOf: size })),
    )
    assert.equal(new Set(both.map(({ id }) => id)).size, 1)
    assert.deepEqual((await whence.verify()).problems, [])
  })

  test('an event that was quarantined joins its stream from its release on', async () => {
    const odd = {
      ...letters.find(({ customer, event }) => customer === dora && event === 'opened')!,
      id: 'l-odd',
      n: letters.length + 2,
      creative: 'C',
    }
    const first = await whence.ingest(stream, [odd], { file: 'odd.ndjson' })
    assert.equal(first.accounting.quarantined, 1)
    const [kept] = await whence.quarantined({ stream })
    assert.deepEqual(
      { id: kept!.id, rule: kept!.violations[0]?.rule, content: kept!.content },
      { id: 'l-odd', rule: 'creative.enum', content: JSON.stringify(odd) },
    )
    assert.deepEqual((await whence.release({ stream })).released, [])

    const { applied } = await whence.apply({
      files: [{ path: 'letters.yaml', text: contract('1.1.0', { creatives: ['A', 'B', 'C'] }) }, files[1]!],
    })
    assert.deepEqual(
      applied.map(({ kind, version, change }) => [kind, version, change]),
      [
        ['contract', '1.1.0', 'minor'],
        ['view', 'v2', 'major'],
      ],
    )
    const before = (await whence.status()).size
    const { released, kept: left } = await whence.release({ stream })
    assert.deepEqual({ released: released.map(({ seq }) => seq), left }, { released: [kept!.seq], left: [] })
    assert.equal((await whence.quarantined({ stream }))[0]!.released, released[0]!.receipt.seq)

    const [subject] = (await whence.subjects({ identifiers: [dora] })).subjects
    const opens = async (asOf: number): Promise<unknown> => {
      const { id } = await whence.materialize({ view: 'reader', at, asOf })
      return (await collect(whence.snapshotRows(id))).find((row) => row.subject === subject)!.values.opens_90d
    }
    assert.equal(await opens(before), reader(dora).opens_90d)
    assert.equal(await opens(released[0]!.receipt.seq + 1), reader(dora).opens_90d + 1)
    const again = await whence.release({ stream, seqs: [kept!.seq] })
    assert.deepEqual({ released: again.released, kept: again.kept.length }, { released: [], kept: 1 })
    assert.deepEqual((await whence.verify()).problems, [])
  })

  test('what was decided under an older contract and view is still explained and replayed', async () => {
    const { score, inputs, snapshot } = await whence.explain('p-bela')
    assert.equal(score.truth, 'recomputed')
    assert.ok(inputs.every(({ truth }) => truth === 'recomputed'))
    assert.equal(snapshot!.view, 'reader@v1')
  })

  test('of a consequential prediction the contributing events are kept, sealed', async () => {
    await whence.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      consequential: true,
      predictions: [prediction(bela, 'p-consequential')],
    })
    const { seq, inputs } = await whence.explain('p-consequential')
    await server.stop()
    const { ledger, stop } = await site.ledger()
    try {
      const opened = ledger.open(seq)
      assert.ok(opened.state === 'open')
      assert.deepEqual(opened.header.contributors, Object.fromEntries(inputs.map(({ name, events }) => [name, events])))
      assert.equal(Buffer.from(ledger.payload(seq)).includes('contributors'), false)
    } finally {
      await stop()
    }
    server = await site.start()
    whence = server.client
    assert.equal((await whence.explain('p-consequential')).score.truth, 'recomputed')
  })

  const told = async (id: string, given: object): Promise<Explanation> => {
    const { results } = await whence.predict({
      model: modelName,
      snapshot: thread.snapshot.id,
      predictions: [{ ...(given as ReturnType<typeof prediction>), id }],
    })
    assert.equal(results[0]!.status, 'recorded')
    return whence.explain(id)
  }

  const missOf = async (id: string): Promise<string | undefined> =>
    (await whence.replay({})).misses.find((miss) => miss.id === id)?.cause
})

function counts(feature: string, { event, time }: (typeof letters)[number]): boolean {
  if (feature === 'letters_90d') return event === 'sent'
  if (feature === 'opens_90d') return event === 'opened'
  if (feature === 'opens_30d') return event === 'opened' && Date.parse(time) > Date.parse(at) - 30 * 86_400_000
  return event === 'bought'
}

function value(values: object, name: string): unknown {
  return (values as Record<string, unknown>)[name]
}

function contradictions({ alerts }: Explanation): string {
  return alerts
    .filter(({ truth }) => truth === 'contradicted')
    .map(({ text }) => text)
    .join('\n')
}

function receipt(result: Thread['predictions']['results'][number]) {
  if (result.status === 'refused') assert.fail(result.problem.message)
  return result.receipt
}
