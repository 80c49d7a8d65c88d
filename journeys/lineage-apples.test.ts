// A pie is made twice, of other apples: what changed upstream is told by a diff of its two versions, and by what it was
// known to come from before and after.
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { LineageDiff, LineageEdge } from '@whence/sdk'
import { eventsOf, fed, sameInAnyOrder, skip, violations } from './consumer.ts'
import { stateOf } from './lineage-state.ts'

const job = (name: string): string => `job:grandmas.kitchen:${name}`
const [gather, fill, press, ferment, bake] = [
  job('gather_apples'),
  job('prepare_apple_filling'),
  job('prepare_apple_cider'),
  job('prepare_vinegar'),
  job('prepare_apple_pie'),
]
const kitchen = (name: string): string => `dataset:grandmas.kitchen:${name}`
const [apples, cinnamon, filling, pie, cider] = ['apples', 'cinnamon', 'apple.filling', 'apple.pie', 'apple.cider'].map(
  kitchen,
) as [string, string, string, string, string]
const [sugar, vinegar] = ['dataset:cupboard:sugar', 'dataset:cupboard:apple.vinegar']
const [redDelicious, crabApples] = ['dataset:laurents-orchard:red.delicious', 'dataset:backyard:crab.apples']
const runs = {
  gathered: 'fc57cd10-90ce-49aa-ac91-29d222d66fdf',
  filled: 'ab468fb4-4654-4286-9679-59d13d185b19',
  pressed: '5f974ced-9cb5-49cc-b15d-230d41d31005',
  fermented: 'a1060004-2a7b-4c3f-a8f9-696362c134df',
  baked: '66ad484e-9bba-4eed-a5f5-3a17558e7f6b',
  gatheredAgain: '155dbf08-c4c5-43e6-bb3a-8095c4ba59b8',
  filledAgain: 'e7d71919-25b3-49cc-a0f5-63ecbee72b0f',
  bakedAgain: 'bcef9942-cb5c-476a-995b-3e5ca14aff27',
}
/** The events tell the time of Sydney. */
const times: Record<keyof typeof runs, string> = {
  gathered: '2020-08-29T23:00:00.000000Z',
  filled: '2020-09-02T05:00:00.000000Z',
  pressed: '2020-09-29T02:00:00.000000Z',
  fermented: '2020-10-28T09:52:00.001000Z',
  baked: '2020-09-03T05:00:00.000000Z',
  gatheredAgain: '2020-10-15T03:00:00.000000Z',
  filledAgain: '2020-10-15T05:00:00.000000Z',
  bakedAgain: '2020-10-16T05:00:00.000000Z',
}
const version = (dataset: string, run: keyof typeof runs): string => `${dataset}@${runs[run]}`
const side = (run: keyof typeof runs, by: string) => ({
  id: `run:${runs[run]}`,
  run: runs[run],
  job: by,
  time: times[run],
})
const ways = (edges: readonly LineageEdge[]): string[] =>
  edges.map(({ from, how, to }) => `${from} ${how} ${to}`).toSorted()

suite('a pie of other apples', { skip }, () => {
  test('is told apart from the one before', async (t) => {
    const found = eventsOf('marquez-apples')
    // There is no fourth: the vinegar is told before the pie, and was made long after.
    assert.deepEqual(
      found.map(({ name }) => name.split('_')[0]),
      ['1', '2', '3', '5', '6', '7', '8', '9'],
    )
    const texts = found.map(({ text }) => text)
    const { client } = await fed(t, texts.slice(0, 5))
    const first = (await client.lineageNodes()).asOf
    const before = await client.lineageExplain({ node: pie })
    const beforeEdges = [
      `${redDelicious} read ${gather}`,
      `${gather} write ${apples}`,
      `${apples} read ${fill}`,
      `${cinnamon} read ${fill}`,
      `${fill} write ${filling}`,
      `${filling} read ${bake}`,
      `${bake} write ${pie}`,
    ].toSorted()
    assert.deepEqual(ways(before.edges), beforeEdges)
    assert.deepEqual(before.sources.toSorted(), [cinnamon, redDelicious].toSorted())

    for (const text of texts.slice(5)) await client.collect(text)
    const state = await stateOf(client)
    assert.deepEqual(
      state.edges,
      [
        `${crabApples} read ${gather}`,
        `${gather} write ${apples}`,
        `${apples} read ${fill}`,
        `${cinnamon} read ${fill}`,
        `${sugar} read ${fill}`,
        `${fill} write ${filling}`,
        `${filling} read ${bake}`,
        `${bake} write ${pie}`,
        `${apples} read ${press}`,
        `${sugar} read ${press}`,
        `${press} write ${cider}`,
        `${cider} read ${ferment}`,
        `${ferment} write ${vinegar}`,
      ].toSorted(),
      'nobody gathers red delicious any more',
    )
    const written = (dataset: string, by: string, ...of: (keyof typeof runs)[]): void =>
      assert.deepEqual(
        state.datasets[dataset]!.versions,
        of.map((run) => ({ version: runs[run], run: runs[run], job: by, time: times[run] })),
        dataset,
      )
    written(apples, gather, 'gatheredAgain', 'gathered')
    written(filling, fill, 'filledAgain', 'filled')
    written(pie, bake, 'bakedAgain', 'baked')
    written(cider, press, 'pressed')
    written(vinegar, ferment, 'fermented')
    for (const source of [redDelicious, crabApples, cinnamon, sugar]) written(source, '')
    const reads = Object.fromEntries(
      Object.entries(runs).map(([name, id]) => [
        name,
        state.runs[id]!.inputs.map((input) => [input.dataset, input.version ?? input.resolved]),
      ]),
    )
    assert.deepEqual(reads, {
      gathered: [[redDelicious, 'unknown']],
      filled: [
        [apples, runs.gathered],
        [cinnamon, 'unknown'],
      ],
      // Between the two harvests: the first one.
      pressed: [
        [sugar, 'unknown'],
        [apples, runs.gathered],
      ],
      fermented: [[cider, runs.pressed]],
      baked: [[filling, runs.filled]],
      gatheredAgain: [[crabApples, 'unknown']],
      filledAgain: [
        [sugar, 'unknown'],
        [apples, runs.gatheredAgain],
        [cinnamon, 'unknown'],
      ],
      bakedAgain: [[filling, runs.filledAgain]],
    })
    assert.deepEqual(
      await violations(client),
      texts.map(() => ['schemaURL.required']),
    )

    // As of before, it is what it was; now, the ways end elsewhere.
    for (const moment of [{ asOf: first }, { asOfRun: runs.baked }, { asOfVersion: version(pie, 'baked') }]) {
      const again = await client.lineageExplain({ node: pie, ...moment })
      assert.deepEqual([again.asOf, ways(again.edges)], [first, beforeEdges])
    }
    const after = await client.lineageExplain({ node: pie })
    assert.deepEqual(after.sources.toSorted(), [cinnamon, crabApples, sugar].toSorted())
    // What was baked first keeps its past, asked for now.
    const past = await client.lineageExplain({ node: `version:${version(pie, 'baked')}` })
    assert.deepEqual(
      past.edges.map(({ from, to, resolved }) => `${from} ${resolved ?? 'write'} ${to}`).toSorted(),
      [
        `run:${runs.baked} write version:${version(pie, 'baked')}`,
        `version:${version(filling, 'filled')} by time run:${runs.baked}`,
        `run:${runs.filled} write version:${version(filling, 'filled')}`,
        `version:${version(apples, 'gathered')} by time run:${runs.filled}`,
        `version:${cinnamon}@ unknown run:${runs.filled}`,
        `run:${runs.gathered} write version:${version(apples, 'gathered')}`,
        `version:${redDelicious}@ unknown run:${runs.gathered}`,
      ].toSorted(),
    )
    assert.deepEqual(past.sources.toSorted(), [`version:${cinnamon}@`, `version:${redDelicious}@`].toSorted())

    const expected: Omit<LineageDiff, 'from' | 'to' | 'asOf' | 'sentence' | 'notes'> = {
      differences: [
        {
          what: 'input',
          name: filling,
          change: 'changed',
          before: `apple.filling ${runs.filled}`,
          after: `apple.filling ${runs.filledAgain}`,
        },
      ],
      // Nearest first; that a later run read a later version is no difference of its own.
      upstream: [
        {
          name: 'prepare_apple_filling',
          kind: 'job',
          depth: 2,
          before: side('filled', fill),
          after: side('filledAgain', fill),
          differences: [{ what: 'input', name: sugar, change: 'added', after: 'sugar, version unknown' }],
        },
        {
          name: 'gather_apples',
          kind: 'job',
          depth: 4,
          before: side('gathered', gather),
          after: side('gatheredAgain', gather),
          differences: [
            { what: 'input', name: redDelicious, change: 'removed', before: 'red.delicious, version unknown' },
            { what: 'input', name: crabApples, change: 'added', after: 'crab.apples, version unknown' },
          ],
        },
      ],
      unchanged: 0,
      truncated: false,
    }
    for (const [from, to] of [
      [version(pie, 'baked'), version(pie, 'bakedAgain')],
      [version(pie, 'baked'), pie],
      [`run:${runs.baked}`, `run:${runs.bakedAgain}`],
    ] as const) {
      const { from: one, to: other, asOf: _, sentence, notes, ...diff } = await client.lineageDiff({ from, to })
      assert.deepEqual(diff, expected)
      assert.deepEqual(one, { ...side('baked', bake), id: one.id, version: runs.baked })
      assert.deepEqual(other, { ...side('bakedAgain', bake), id: other.id, version: runs.bakedAgain })
      assert.equal(other.id, from.startsWith('run:') ? to : version(pie, 'bakedAgain'))
      assert.match(sentence, /1 thing differs \(input\); .* in prepare_apple_filling, .*: input sugar added\.$/)
      assert.deepEqual(notes, [])
    }
    // The cider has but one version, and the harvest after it is none of its past.
    const same = await client.lineageDiff({ from: version(cider, 'pressed'), to: cider })
    assert.deepEqual([same.differences, same.upstream, same.unchanged], [[], [], 1])
    await sameInAnyOrder(t, texts, state)
  })
})
