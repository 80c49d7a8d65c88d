// The licence of the second engine: random features over random events, each computed by both.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFault } from '../../../fault.ts'
import { compileView } from '../compile.ts'
import type { CompiledView } from '../compile.ts'
import { eventFields, subjectLiteral } from '../events.ts'
import { recompute } from '../recompute.ts'
import { subject, testFolder } from '../testing.ts'
import { parseView } from '../view.ts'
import { NotEvaluable } from './computed.ts'
import { Unsure } from './datum.ts'
import { evaluatorOf, knownOf, typedEvent } from './evaluator.ts'
import type { TypedEvent } from './evaluator.ts'
import { Dice, events, feature, hour, shape, start } from './testing.ts'

const { columns } = await testFolder()

async function compiledFeature(text: string): Promise<CompiledView | undefined> {
  const yaml = `kind: FeatureView\nname: things\nentity: person\nsource: things\nfeatures:\n  - ${text}`
  try {
    return await compileView(columns, parseView(yaml, 'things.yaml'), [shape])
  } catch (error) {
    if (isFault(error)) return undefined
    throw error
  }
}

/** The value that both engines give a feature, or what keeps this one from giving any. */
const FEATURES = Number(process.env.EVALUATE_FEATURES ?? 400)
const SEED = Number(process.env.EVALUATE_SEED ?? 1)

test('what this engine computes is what DuckDB computes', async () => {
  const dice = new Dice(SEED)
  const counts = { refused: 0, notEvaluable: 0, unsure: 0, sure: 0 }
  const why = new Map<string, number>()
  const histories = fc.sample(events, { numRuns: 40, seed: SEED })
  for (let i = 0; i < FEATURES; i++) {
    const text = feature(dice, `f${i}`)
    const compiled = await compiledFeature(text)
    if (!compiled) {
      counts.refused++
      continue
    }
    const evaluator = await evaluatorOf(columns, compiled)
    if (evaluator instanceof NotEvaluable) {
      counts.notEvaluable++
      why.set(evaluator.message, (why.get(evaluator.message) ?? 0) + 1)
      continue
    }
    for (const history of [[], ...Array.from({ length: 3 }, () => dice.of(histories))]) {
      const ask = { subject: subject(1), at: start + dice.of([10, 30, 61]) * (hour / 2), asOf: dice.of([5, 99]) }
      const typed: TypedEvent[] = history.map((event) => typedEvent(event, shape))
      let value: unknown
      try {
        ;[value] = evaluator.values(() => knownOf(typed, ask.at, ask.asOf), ask.at)
      } catch (error) {
        if (!(error instanceof Unsure)) throw error
        counts.unsure++
        continue
      }
      let expected: unknown
      try {
        expected = (await recompute(columns, compiled, ask, { things: history }))[`f${i}`]
      } catch (error) {
        // DuckDB looks at the arguments of an aggregate also where its filter leaves the event out, and fails there.
        if (/"filter"|"window"|FILTER/.test(text)) continue
        expected = error
      }
      counts.sure++
      assert.ok(
        Object.is(value, expected),
        `${text}\nthis engine: ${show(value)}, DuckDB: ${show(expected)}\nat ${ask.at}, before ${ask.asOf}, of ${show(history.map((event) => [event.time, event.known, ...event.values]))}`,
      )
    }
  }
  if (process.env.EVALUATE_SHOW) console.log(counts, [...why].sort((a, b) => b[1] - a[1]).slice(0, 25))
  // A test that compares nothing would hold anything.
  assert.ok(counts.sure > 4 * counts.unsure && counts.sure > FEATURES, JSON.stringify(counts))
})

test('the events that it feeds to a feature are those that DuckDB feeds to it', async () => {
  const dice = new Dice(SEED + 1000)
  const histories = fc.sample(events, { numRuns: 30, seed: SEED })
  let [compared, fewer] = [0, 0]
  for (let i = 0; i < FEATURES / 4; i++) {
    const text = feature(dice, `f${i}`)
    const compiled = await compiledFeature(text)
    const evaluator = compiled && (await evaluatorOf(columns, compiled))
    if (!evaluator || evaluator instanceof NotEvaluable) continue
    const [history, at, asOf] = [dice.of(histories), start + dice.of([30, 61]) * (hour / 2), dice.of([5, 99])]
    const known = knownOf(
      history.map((event) => typedEvent(event, shape)),
      at,
      asOf,
    )
    try {
      const [own] = evaluator.contributors(() => known, at)
      const rows = await columns.session(async (session) => {
        await session.load('opened', eventFields(shape.stream, shape.columns), [history])
        const sql = compiled.contributors(shape.stream, 'opened', subjectLiteral(subject(1)), at, asOf)
        return session.rows<{ seq: bigint; time: number } & Record<string, boolean>>(sql)
      })
      const fed = rows
        .filter((row) => row[`in:f${i}`])
        .toSorted((a, b) => a.time - b.time || Number(a.seq - b.seq))
        .map(({ seq }) => Number(seq))
      assert.deepEqual(own!.seqs, fed, text)
      compared++
      if (fed.length < known.length) fewer++
      // And they are enough: the others change nothing.
      const only = known.filter(({ seq }) => fed.includes(seq))
      assert.deepEqual(
        evaluator.values(() => only, at),
        evaluator.values(() => known, at),
        text,
      )
    } catch (error) {
      if (!(error instanceof Unsure) && !isFault(error)) throw error
    }
  }
  assert.ok(compared > FEATURES / 8 && fewer > FEATURES / 20, `${compared} compared, ${fewer} with fewer`)
})

function show(value: unknown): string {
  if (value instanceof Error) return value.message
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : each)) ?? String(value)
}
