// A shop serves its models from a store of its own. What that store gave is replayed, held against what the events give,
// and watched for drift: each difference is found, and the events behind it are named.
import assert from 'node:assert/strict'
import { writeFile, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { WhenceError } from '@whence/sdk'
import type { Client, FeatureValue, Replay, ReplayRequest, Snapshot } from '@whence/sdk'
import { run } from '../server/src/cli/testing.ts'
import { openColumns, quote } from '../server/src/store/columns.ts'
import { at, customers, follow, letters, logistic, modelName, modelOf, reader, scored, stream, view } from './shop.ts'
import type { Letter } from './shop.ts'
import { Site } from './site.ts'
import type { Running } from './site.ts'

type Ten = [string, string, string, string, string, string, string, string, string, string]
const [anna, bela, cleo, dora, emil, finn, gita, hugo, iris, jona] = customers as Ten

const letterOf = (n: number, customer: string, event: Letter['event'], time: string, received: string): Letter => ({
  ...letters[0]!,
  id: `x-${n}`,
  n: 1000 + n,
  event,
  time,
  received,
  customer,
})

/** Happened on 20 February, and was received eight days later, before the snapshot is taken. */
const late = letterOf(1, bela, 'opened', '2026-02-20T10:00:00Z', '2026-02-28T10:00:00Z')
/** Known in time as its sender says, but recorded only after the snapshot was. */
const after_ = letterOf(2, dora, 'opened', '2026-02-27T10:00:00Z', '2026-02-27T10:01:00Z')
/** Happened an hour after the instant of the snapshot. */
const future = letterOf(3, emil, 'opened', '2026-03-01T01:00:00Z', '2026-03-01T01:00:30Z')

suite('a store of the shop’s own', () => {
  let site: Site
  let server: Running
  let whence: Client
  let snapshot: Snapshot
  const seqs: Record<string, number> = {}

  before(async () => {
    site = await Site.make()
    server = await site.start()
    whence = server.client
    await follow(whence)
    const record = async (letter: Letter): Promise<void> => {
      const { first } = await whence.ingest(stream, [letter])
      seqs[letter.id] = first!
    }
    await record(late)
    snapshot = await whence.materialize({ view: 'reader', at })
    await record(after_)
    await record(future)
  })
  after(() => site?.remove())

  const known = [...letters, late]
  /** Records a prediction as the shop makes it: from the values that its own store gave. */
  const serve = async (id: string, customer: string, changed: Record<string, FeatureValue>, more: object = {}) => {
    const values = { ...reader(customer, at, known), ...changed }
    const { results } = await whence.predict({
      model: modelName,
      snapshot: snapshot.id,
      predictions: [
        {
          id,
          entity: customer,
          time: '2026-03-01T06:00:00Z',
          inputs: values,
          ...scored(values),
          about: { campaign: id },
          ...more,
        },
      ],
    })
    assert.equal(results[0]!.status, 'recorded')
  }
  const replayed = (id: string, more: ReplayRequest = {}): Promise<Replay> =>
    whence.replay({ segment: { campaign: id }, ...more })
  const only = ({ misses }: Replay) => {
    assert.equal(misses.length, 1, JSON.stringify(misses))
    return misses[0]!
  }

  test('a value without a late event: replay says late data, skew finds it, both name the event', async () => {
    const honest = reader(bela, at, known)
    await serve('without', bela, { opens_90d: honest.opens_90d - 1, opens_30d: honest.opens_30d - 1 })
    const miss = only(await replayed('without'))
    assert.equal(miss.cause, 'late data')
    assert.equal(miss.recomputed, honest.opens_90d)
    assert.deepEqual(
      miss.behind!.events.map(({ seq, id, late: isLate }) => ({ seq, id, isLate })),
      [{ seq: seqs[late.id], id: late.id, isLate: true }],
    )
    assert.match(miss.behind!.events[0]!.marks.join(), /known 8 d after it happened/)

    const skew = await whence.skew({ segment: { campaign: 'without' } })
    assert.equal(skew.compared, 1)
    const [own] = skew.views
    const off = own!.features.filter(({ mismatch }) => mismatch > 0).map(({ name }) => name)
    assert.deepEqual(off, ['opens_90d', 'opens_30d'])
    const feature = own!.features.find(({ name }) => name === 'opens_90d')
    assert.equal(feature!.mismatchRatio, 1)
    assert.equal(feature!.missingRatio, 0)
    assert.deepEqual(feature!.behind, { late: 1 })
    assert.equal(feature!.examples[0]!.behind!.events[0]!.seq, seqs[late.id])
    assert.equal(feature!.deltas!.mean, -1)
  })

  test('a value with an event that was recorded after the snapshot is late data too', async () => {
    const { opens_90d, opens_30d } = reader(dora, at, known)
    await serve('with', dora, { opens_90d: opens_90d + 1, opens_30d: opens_30d + 1 })
    const miss = only(await replayed('with'))
    assert.equal(miss.cause, 'late data')
    assert.equal(miss.behind!.how, 'with')
    assert.deepEqual(
      miss.behind!.events.map(({ seq }) => seq),
      [seqs[after_.id]],
    )
    assert.match(miss.behind!.events[0]!.marks.join(), /recorded after the position/)
  })

  test('an event counted twice, and one of the future, are named and are not called late', async () => {
    const { opens_90d } = reader(emil, at, known)
    await serve('future', emil, { opens_90d: opens_90d + 1, opens_30d: reader(emil, at, known).opens_30d + 1 })
    const ahead = only(await replayed('future'))
    assert.equal(ahead.cause, 'inputs differ')
    // An opened letter counted twice would give the same count: there is an event, so that it is said first.
    assert.equal(ahead.behind!.how, 'future')
    assert.equal(ahead.behind!.events[0]!.seq, seqs[future.id])
    assert.ok(ahead.behind!.alternatives >= 1)
    const buyer = customers.find((customer) => reader(customer, at, known).spent === 19.99)!
    await serve('twice', buyer, { spent: 39.98 })
    const twice = only(await replayed('twice'))
    assert.equal(twice.cause, 'inputs differ')
    assert.equal(twice.behind!.how, 'twice')
    assert.match(twice.detail, /counted twice/)
  })

  test('an event that was known in time and left out is no late data', async () => {
    const { letters_90d } = reader(cleo, at, known)
    await serve('left out', cleo, { letters_90d: letters_90d - 1 })
    const miss = only(await replayed('left out'))
    assert.equal(miss.cause, 'inputs differ')
    assert.equal(miss.behind!.how, 'without')
    assert.match(miss.detail, /known in time/)
    assert.ok(miss.behind!.alternatives >= 1, 'any one of the letters would do')
  })

  test('a value that no choice of events gives is unexplained', async () => {
    await serve('made up', finn, { opens_90d: 77 })
    const miss = only(await replayed('made up'))
    assert.equal(miss.cause, 'inputs differ')
    assert.equal(miss.behind, undefined)
    const skew = await whence.skew({ segment: { campaign: 'made up' } })
    const feature = skew.views[0]!.features.find(({ name }) => name === 'opens_90d')!
    assert.deepEqual(feature.behind, { unexplained: 1 })
  })

  test('rounding beyond the tolerance is not deterministic, another version’s score or view is changed code', async () => {
    const { score } = scored({ ...reader(gita, at, known) })
    await serve('rounding', gita, {}, { score: score + 3e-11 })
    assert.equal(only(await replayed('rounding')).cause, 'not deterministic')
    await serve('spent', gita, { spent: reader(gita, at, known).spent + 1e-10 })
    assert.equal(only(await replayed('spent')).cause, 'not deterministic')

    const other = { ...logistic, intercept: 0.25 }
    const second = await whence.registerModel({ ...modelOf('readers of winter'), model: other })
    assert.equal(second.version, 2)
    const logit = Math.log(score / (1 - score)) + 0.75
    await serve('second', gita, {}, { score: 1 / (1 + Math.exp(-logit)) })
    const changed = only(await replayed('second'))
    // The score was formed from another, rounded one: a tolerance of 1e-12 is met nevertheless.
    assert.equal(changed.cause, 'code changed', changed.detail)
    assert.match(changed.detail, /opens@2/)
    await serve('wrong', gita, {}, { score: 0.123 })
    assert.equal(only(await replayed('wrong')).cause, 'score differs')

    await whence.apply({
      files: [
        {
          path: 'features/reader.yaml',
          text: view.replace(
            "event = 'opened', expr: count(*), sentence: 'opened {value} letters in 90",
            "event <> 'sent', expr: count(*), sentence: 'opened {value} letters in 90",
          ),
        },
      ],
    })
    const of = letters.filter((each) => each.customer === jona && each.event !== 'sent').length
    assert.notEqual(of, reader(jona, at, known).opens_90d)
    await serve('view', jona, { opens_90d: of })
    const newer = only(await replayed('view'))
    if (newer.behind === undefined) {
      assert.equal(newer.cause, 'code changed', newer.detail)
      assert.match(newer.detail, /reader@v2/)
    } else assert.match(newer.behind.sentence, /twice|without/)
  })

  test('counts apart by model, day and bucket, each with its interval; chooses by them', async () => {
    const all = await whence.replay({ by: ['campaign'] })
    assert.equal(all.compared, all.population)
    const winter = all.groups!.find(({ key }) => key.campaign === 'winter sale')!
    assert.equal(winter.compared, customers.length)
    assert.equal(
      all.groups!.reduce((sum, { sampled }) => sum + sampled, 0),
      all.sampled,
    )
    const bucket = await whence.replay({ segment: { 'feature.spent': '1..' }, by: ['model', 'feature.spent/20'] })
    assert.ok(bucket.sampled > 0 && bucket.sampled < all.sampled)
    assert.ok(bucket.groups!.every(({ key }) => /^(0\.\.20|20\.\.40)$/.test(key['feature.spent/20']!)))
    const none = await whence.replay({ from: '2030-01-01T00:00:00Z' })
    assert.deepEqual(
      { population: none.population, compared: none.compared, interval: none.interval },
      { population: 0, compared: 0, interval: { low: 0, high: 1, level: 0.95 } },
    )
    await assert.rejects(
      whence.replay({ from: at, to: at }),
      (error) => error instanceof WhenceError && error.code === 'invalid',
    )
    await assert.rejects(whence.replay({ segment: { score: '1..0' } }), (error) => error instanceof WhenceError)
    await assert.rejects(
      whence.replay({ live: 'production' }),
      (error) => error instanceof WhenceError && error.code === 'not_found',
    )
    const several = await whence.replay({ models: [modelName, 'opens@2'] })
    assert.equal(several.population, all.population)
  })

  test('a log of another store, from CSV, NDJSON and Parquet, is compared at each row’s own instant', async () => {
    const days = ['2026-02-01T00:00:00Z', '2026-02-22T00:00:00Z', at]
    const lines: { entity: string; at: string; opens_90d: number | null; spent: number }[] = []
    for (const day of days)
      for (const entity of customers) {
        // Offline knows all that is recorded by now.
        const { opens_90d, spent } = reader(entity, day, [...known, after_])
        lines.push({ entity, at: day, opens_90d, spent })
      }
    // The letter of 20 February was known on the 28th only: of what was served on the 22nd nothing is wrong.
    const belaLast = lines.find(({ entity, at: day }) => entity === bela && day === at)!
    belaLast.opens_90d! -= 1
    lines.find(({ entity, at: day }) => entity === hugo && day === at)!.opens_90d = null
    lines.push({ entity: 'nobody-we-know', at, opens_90d: 1, spent: 0 })
    const csv = join(site.folder, 'served.csv')
    await writeFile(
      csv,
      [
        'entity,at,opens_90d,spent,colour',
        ...lines.map((line) => `${line.entity},${line.at},${line.opens_90d ?? ''},${line.spent},red`),
      ].join('\n'),
    )
    const ndjson = join(site.folder, 'served.ndjson')
    await writeFile(ndjson, lines.map((line) => JSON.stringify(line)).join('\n'))
    const parquet = join(site.folder, 'served.parquet')
    const columns = await openColumns({ folder: site.folder })
    await columns.run(
      `COPY (SELECT entity, "at", opens_90d::BIGINT AS opens_90d, spent::DECIMAL(18,2) AS spent
       FROM read_csv(${quote(csv)}, types = {'at': 'TIMESTAMP'})) TO ${quote(parquet)} (FORMAT parquet)`,
    )
    await columns.close()
    for (const file of [csv, ndjson, parquet]) {
      const { code, stdout, stderr } = await run(['skew', file, '--view', 'reader@v1', '--json'], whence)
      assert.equal(code, 1, stderr)
      const skew = JSON.parse(stdout) as Awaited<ReturnType<Client['skew']>>
      assert.deepEqual(
        { compared: skew.compared, unknown: skew.unknown, erased: skew.erased },
        { compared: lines.length - 1, unknown: 1, erased: 0 },
      )
      const feature = skew.views[0]!.features.find(({ name }) => name === 'opens_90d')!
      assert.deepEqual(
        { mismatch: feature.mismatch, missing: feature.missing, extra: feature.extra },
        { mismatch: 1, missing: 1, extra: 0 },
      )
      const found = feature.examples.find(({ behind }) => behind?.events[0]?.seq === seqs[late.id])
      assert.ok(found, JSON.stringify(feature.examples))
      assert.equal(skew.views[0]!.features.find(({ name }) => name === 'spent')!.mismatch, 0)
      assert.deepEqual(Object.keys(skew.strange), file === csv ? ['colour'] : [])
    }
    const allowed = await run(
      ['skew', csv, '--view', 'reader@v1', '--max-mismatch', '5%', '--max-missing', '0.05'],
      whence,
    )
    assert.equal(allowed.code, 0, allowed.stdout)
    const tolerant = await whence.skew({
      view: 'reader@v1',
      served: [{ entity: bela, at, values: { opens_90d: belaLast.opens_90d } }],
      tolerances: { opens_90d: 1 },
    })
    assert.equal(tolerant.views[0]!.features[0]!.mismatch, 0)
  })

  test('what is named behind a difference gives the served value: plain loops come to the same', async () => {
    let state = 7
    const random = (n: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
      return Math.floor((state / 0x80000000) * n)
    }
    const all = [...known, after_, future]
    const cases = Array.from({ length: 120 }, () => {
      const entity = customers[random(customers.length)]!
      const day = `2026-0${2 + random(2)}-${String(10 + random(18))}T0${random(10)}:00:00Z`
      const own = all.filter(({ customer }) => customer === entity)
      const gone = new Set(Array.from({ length: 1 + random(3) }, () => own[random(own.length)]!))
      const had = all.filter((each) => !gone.has(each))
      return { entity, day, gone, values: { ...reader(entity, day, had) } }
    })
    const { views } = await whence.skew({
      view: 'reader@v1',
      served: cases.map(({ entity, day, values }) => ({ entity, at: day, values })),
      examples: 50,
    })
    let explained = 0
    for (const { name, examples, mismatch } of views[0]!.features) {
      const off = cases.filter(
        ({ entity, day, values }) => value(values, name) !== value(reader(entity, day, all), name),
      )
      assert.equal(mismatch, off.length, name)
      for (const { row, behind, served } of examples) {
        const { entity, day } = cases[row!]!
        assert.ok(behind, `${name} of row ${row}`)
        const named = new Set(behind.events.map(({ id }) => id))
        assert.equal(named.size, behind.count)
        const changed = all.flatMap((each) => {
          if (!named.has(each.id)) return [each]
          if (behind.how === 'without') return []
          return behind.how === 'twice'
            ? [each, each]
            : [{ ...each, received: each.time, ...(behind.how === 'future' ? { time: day } : {}) }]
        })
        assert.equal(value(reader(entity, day, changed), name), served, `${name} of row ${row}: ${behind.sentence}`)
        explained++
      }
    }
    assert.ok(explained > 60, String(explained))
  })

  test('an instant is one, however its zone is written; one without a zone is refused', async () => {
    const { opens_90d } = reader(anna, at, [...known, after_])
    const served = (instant: string) => ({
      view: 'reader@v1',
      served: [{ entity: anna, at: instant, values: { opens_90d } }],
    })
    for (const instant of ['2026-03-01T01:00:00+01:00', '2026-02-28T18:30:00-05:30', at]) {
      const { views } = await whence.skew(served(instant))
      assert.equal(views[0]!.features[0]!.mismatch, 0)
      assert.equal(Date.parse(instant), Date.parse(at))
    }
    await assert.rejects(
      whence.skew(served('2026-03-29T02:30:00')),
      (error) => error instanceof WhenceError && error.code === 'invalid',
    )
    // The hour that a change of clocks leaves out, and the one that it gives twice: with a zone both are single instants.
    const { compared } = await whence.skew(served('2026-03-29T02:30:00+01:00'))
    assert.equal(compared, 1)
  })

  test('a file that is no log of a store is refused with its line', async () => {
    const refused = async (name: string, text: string, pattern: RegExp): Promise<void> => {
      const file = join(site.folder, name)
      await writeFile(file, text)
      const { code, stderr } = await run(['skew', file, '--view', 'reader@v1'], whence)
      assert.notEqual(code, 0)
      assert.match(stderr, pattern)
    }
    await refused('short.csv', 'entity,at,spent\na,2026-03-01T00:00:00Z\n', /short\.csv line 2 has 2 fields/)
    await refused('twice.csv', 'entity,at,at\n', /two columns called "at"/)
    await refused('headless.csv', 'who,at,spent\na,2026-03-01T00:00:00Z,1\n', /which column says whom/)
    await refused('empty.csv', 'entity,at,spent\n', /has no rows/)
    await refused('time.csv', `entity,at,spent\n${anna},yesterday,1\n`, /RFC 3339|no time/)
    await refused('deep.ndjson', '{"entity":"a","at":"2026-03-01T00:00:00Z","spent":{}}\n', /spent is neither/)
    await refused('no.parquet', 'PAR1 and nothing else', /cannot be read as Parquet/)
  })

  test('drift against the training set: by feature, for the score and by group; few rows are called few', async () => {
    const cautious = await whence.drift({ model: modelName })
    assert.equal(cautious.verdict, 'too few')
    assert.equal(cautious.reference.rows, 2 * customers.length)
    const bold = await whence.drift({ model: modelName, least: 5, by: ['campaign'] })
    assert.deepEqual(
      bold.features.map(({ name }) => name),
      ['letters_90d', 'opens_30d', 'opens_90d', 'spent'],
    )
    assert.ok(bold.score !== undefined, bold.noScore ?? '')
    for (const feature of [...bold.features, bold.score]) {
      assert.equal(
        feature.bins.reduce((sum, bin) => sum + bin.reference, 0),
        2 * customers.length,
      )
      assert.equal(
        feature.bins.reduce((sum, bin) => sum + bin.serving, 0),
        bold.serving.rows,
      )
      assert.ok(feature.psi! >= 0 && feature.js! >= 0 && feature.js! <= 1)
    }
    // In March everybody has had three letters, in training one or two: there is no value in common.
    const letters90 = bold.features.find(({ name }) => name === 'letters_90d')!
    assert.equal(letters90.verdict, 'drifted')
    assert.ok(letters90.js! > 0.5)
    assert.ok(bold.groups!.find(({ key }) => key.campaign === 'winter sale')!.rows === customers.length)

    const same = await whence.drift({
      model: modelName,
      reference: { from: '2026-01-01T00:00:00Z', to: '2027-01-01T00:00:00Z' },
      least: 1,
    })
    assert.equal(same.verdict, 'stable')
    for (const feature of same.features) assert.equal(feature.psi, 0)
    const snapshots = await whence.drift({
      model: modelName,
      reference: { snapshot: snapshot.id },
      snapshot: snapshot.id,
      least: 1,
    })
    assert.equal(snapshots.score!.psi, 0)
    await assert.rejects(whence.drift({}), (error) => error instanceof WhenceError && error.code === 'invalid')
    await assert.rejects(
      whence.drift({ model: modelName, watch: 1, drifted: 0.5 }),
      (error) => error instanceof WhenceError,
    )
    const nobody = await whence.drift({ model: modelName, from: '2030-01-01T00:00:00Z' })
    assert.equal(nobody.verdict, 'too few')
    assert.equal(nobody.serving.rows, 0)
    assert.ok(nobody.features.every(({ psi }) => psi === null))
  })

  test('the commands give the exit codes that a job in CI goes by', async () => {
    const ran = (...args: string[]) => run(args, whence)
    const strict = await ran('replay', '--segment', 'campaign=without', '--min-exact', '0.99')
    assert.equal(strict.code, 1)
    assert.match(strict.stdout, /0 of 1 recomputed exactly/)
    assert.match(strict.stdout, /late data/)
    assert.equal((await ran('replay', '--segment', 'campaign=winter sale', '--min-exact', '99%')).code, 0)
    // Ten of ten may still be 72 %: whoever wants to be sure asks for the interval.
    assert.equal((await ran('replay', '--segment', 'campaign=winter sale', '--min-exact', '0.9', '--surely')).code, 1)
    assert.equal((await ran('replay', '--from', '2030-01-01', '--min-exact', '0.5')).code, 1)
    assert.equal((await ran('replay', '--from', '2030-01-01')).code, 0)
    assert.equal((await ran('replay', '--min-exact', '1.5')).code, 2)
    assert.equal((await ran('skew', '--segment', 'campaign=winter sale')).code, 0)
    assert.equal((await ran('skew', '--segment', 'campaign=without')).code, 1)
    assert.equal((await ran('drift', '--model', modelName)).code, 0)
    assert.equal((await ran('drift', '--model', modelName, '--least', '5')).code, 1)
    assert.equal((await ran('drift', '--model', modelName, '--least', '5', '--fail-on', 'never')).code, 0)
  })

  test('where the snapshot has expired by a record, that is the cause, and what the events give is said', async () => {
    const old = await whence.materialize({ view: 'reader@v2', at: '2026-03-02T00:00:00Z' })
    await whence.materialize({ view: 'reader@v2', at: '2026-03-03T00:00:00Z' })
    const { expired } = await whence.expireTables({ before: '2100-01-01T00:00:00Z' })
    assert.ok(
      expired.some(({ snapshot: id }) => Number(id) === old.id),
      JSON.stringify(expired),
    )
    const { score } = scored({ ...reader(anna, '2026-03-02T00:00:00Z', known) })
    const given = { entity: anna, score, inputs: { letters_90d: 3 } }
    await whence.predict({
      model: modelName,
      snapshot: old.id,
      predictions: [
        { ...given, id: 'expired', about: { campaign: 'expired' } },
        { ...given, id: 'expired-odd', inputs: { letters_90d: 9 }, about: { campaign: 'expired' } },
      ],
    })
    const { misses, causes } = await replayed('expired')
    assert.deepEqual(causes, { 'snapshot expired': 2 })
    assert.match(misses[0]!.detail, /let go by record \d+.*stated inputs are what the events give/)
    assert.match(misses[1]!.detail, /letters_90d was 9, and recomputes to 3/)
    // Offline needs no file: it is computed from the events.
    assert.equal((await whence.skew({ segment: { campaign: 'expired' } })).compared, 2)
  })

  test('whoever was erased is counted as erased, never as a miss; gone and cut files are named', async () => {
    const before_ = await whence.replay({})
    const trained = await whence.drift({ model: modelName })
    await whence.erase({ identifier: iris, basis: 'they asked' })
    const since = await whence.replay({})
    assert.equal(since.population, before_.population)
    assert.equal(since.compared, before_.compared - 1)
    assert.equal(since.causes['erased on request'], 1)
    assert.equal(since.exact, before_.exact - 1)
    const drifted = await whence.drift({ model: modelName })
    assert.equal(drifted.reference.rows, trained.reference.rows - 2)
    assert.equal(drifted.reference.erased, 2)
    const log = await whence.skew({ view: 'reader@v1', served: [{ entity: iris, at, values: { spent: 1 } }] })
    assert.deepEqual({ erased: log.erased, compared: log.compared }, { erased: 1, compared: 0 })
    assert.deepEqual(
      log.views.flatMap(({ features }) => features),
      [],
    )

    const path = join(site.data, snapshot.files[0]!.path)
    await truncate(path, 100)
    const cut = await replayed('without')
    assert.equal(only(cut).cause, 'file altered')
    await rm(path)
    const gone = await replayed('without')
    assert.equal(only(gone).cause, 'file altered')
    assert.match(only(gone).detail, /gone/)
  })
})

const value = (values: object, name: string): unknown => (values as Record<string, unknown>)[name]
