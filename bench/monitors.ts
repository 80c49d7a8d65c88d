// The monitors' tests, simulated in full: `npm run bench -- monitors` prints what a line of bench/RESULTS.md says, and
// `node bench/monitors.ts` writes docs/monitors-measured.md.
import { writeFileSync } from 'node:fs'
import { ALPHA, baselineRun, blocksRun, ceilingRun, LOOK, naive, restartedRun, simulate } from './monitors-simulated.ts'
import type { Run, Simulated } from './monitors-simulated.ts'
import type { Measured } from './world.ts'
import { wilson } from '../server/src/path/predictions/wilson.ts'

/** What was known before: shares of false alarms, and sends until the alarm. */
interface Line {
  readonly what: string
  readonly run: Run
  readonly expected: { readonly alarms: number } | { readonly sends: number }
}

/** Sends of which a run with nothing wrong has the chance to alarm falsely. */
const QUIET = 60_000
const LONG = 300_000

/** Each line of the table. */
export const lines: readonly Line[] = [
  { what: 'a z test at every look, 0.1 % against 0.1 %', run: naive(0.001, 0.001, QUIET), expected: { alarms: 0.141 } },
  {
    what: 'A, ceiling 0.1 %, nothing wrong',
    run: ceilingRun(0.001, { ceiling: 0.001, horizon: QUIET }),
    expected: { alarms: 0.003 },
  },
  {
    what: 'B, 0.1 % in both',
    run: baselineRun(0.001, { baseline: 0.001, horizon: QUIET }),
    expected: { alarms: 0.005 },
  },
  {
    what: 'A, ceiling 0.1 %, 0.3 %',
    run: ceilingRun(0.003, { ceiling: 0.001, horizon: LONG }),
    expected: { sends: 4500 },
  },
  {
    what: 'A, ceiling 0.1 %, 0.2 %',
    run: ceilingRun(0.002, { ceiling: 0.001, horizon: LONG }),
    expected: { sends: 13_500 },
  },
  {
    what: 'B, 0.3 % against 0.1 %',
    run: baselineRun(0.003, { baseline: 0.001, horizon: LONG }),
    expected: { sends: 19_000 },
  },
  {
    what: 'C, opens of 17 % against 20 %',
    run: blocksRun(0.17, { baseline: 0.2, horizon: LONG }),
    expected: { sends: 9000 },
  },
  {
    what: 'C, opens of 10 % against 20 %',
    run: blocksRun(0.1, { baseline: 0.2, horizon: LONG }),
    expected: { sends: 1500 },
  },
  {
    what: 'D, run length 10,000, 300,000 clean sends, then 0.3 %',
    run: restartedRun(0.003, { ceiling: 0.001, horizon: LONG, quiet: LONG, length: 10_000 }),
    expected: { sends: 6500 },
  },
]

/** Whether a simulation agrees with what was known before, as far as chance lets it say. */
export function agrees({ runs, alarms, median }: Simulated, expected: Line['expected']): boolean {
  if ('alarms' in expected) {
    // Both were simulated with 4,000 runs at most: three standard errors of their difference.
    const error = Math.sqrt((expected.alarms * (1 - expected.alarms) * 2) / runs)
    return Math.abs(alarms / runs - expected.alarms) <= 3 * error
  }
  // Times come in looks: the median of either may lie on the look beside.
  return median !== undefined && Math.abs(median - expected.sends) <= LOOK
}

const percent = (share: number): string => `${(100 * share).toFixed(2)} %`
const count = (n: number): string => n.toLocaleString('en')

function shown({ runs, alarms, median }: Simulated, expected: Line['expected']): [string, string] {
  if ('alarms' in expected) {
    const { low, high } = wilson(alarms, runs)
    return [`${percent(alarms / runs)} (${percent(low)} to ${percent(high)})`, percent(expected.alarms)]
  }
  return [median === undefined ? 'never' : `${count(median)} sends`, `${count(expected.sends)} sends`]
}

/** For bench/RESULTS.md: how many lines agree, and what evidence costs. */
export async function monitorsSimulated(): Promise<Measured[]> {
  const begun = performance.now()
  const results = lines.map(({ run, expected }, i) => agrees(simulate(run, 4000, i + 1), expected))
  const seconds = (performance.now() - begun) / 1000
  return [
    {
      what: 'false alarms and detection of the monitors, 4,000 runs a line',
      measured: `${results.filter(Boolean).length} of ${results.length} lines as known before, in ${seconds.toFixed(0)} s`,
      limit: 'three standard errors; one look',
      goal: 'all',
    },
  ]
}

function document(runs: number): string {
  const rows = lines.map(({ what, run, expected }, i) => {
    const found = simulate(run, runs, i + 1)
    const [measured, known] = shown(found, expected)
    return `| ${what} | ${measured} | ${known} | ${agrees(found, expected) ? 'yes' : 'no'} |`
  })
  const extra: [string, Simulated][] = [
    ['C, 20 % in both', simulate(blocksRun(0.2, { baseline: 0.2, horizon: QUIET }), runs, 21)],
    [
      'D, run length 10,000, 300,000 clean sends: alarms in them',
      simulate(restartedRun(0.001, { ceiling: 0.001, horizon: LONG, quiet: 0, length: 10_000 }), runs, 22),
    ],
    [
      'A, 300,000 clean sends, then 0.3 %',
      simulate(ceilingRun(0.003, { ceiling: 0.001, horizon: LONG, quiet: LONG }), runs, 23),
    ],
  ]
  return `# The monitors, measured

Made by \`node bench/monitors.ts\`: ${count(runs)} runs a line, alpha ${ALPHA}, a look every ${LOOK} sends (over both arms where there
are two, half each), false alarms within ${count(QUIET)} sends. Seeded: the same code gives the same numbers.

| test | simulated (95 %) | known before | agrees |
|---|---|---|---|
${rows.join('\n')}

"Known before" is an earlier simulation, by other code, of the same tests. Agrees: within three standard errors of the
difference, or one look. It does not say within how many sends it counted false alarms; ${count(QUIET)} fits its z test, and what
does best without evidence (the z test) depends on it most.

What was not known before:

| test | alarms | median sends to the alarm |
|---|---|---|
${extra
  .map(([what, found]) => {
    const { low, high } = wilson(found.alarms, found.runs)
    return `| ${what} | ${percent(found.alarms / found.runs)} (${percent(low)} to ${percent(high)}) | ${found.median === undefined ? '' : count(found.median)} |`
  })
  .join('\n')}

The run length of D is counted in looks: 10,000 looks of 500 sends are 5,000,000 sends between two false alarms, on
average and at least. A is a mixture over rates; an e-process with one fixed rate needs longer after a clean past.
Detection is measured on sends whose outcomes are known at once; real complaints come hours later, and add the sends of
those hours.
`
}

if (import.meta.main) {
  const text = document(4000)
  writeFileSync(new URL('../docs/monitors-measured.md', import.meta.url), text)
  console.log(text)
}
