// Holds what `whence demo EXAMPLE --json` says against what is known of the data: node demo-figures.mjs EXAMPLE < JSON
import { readFileSync } from 'node:fs'

const known = {
  attribution: { received: 62_483, passed: 62_483, subjects: 7_896, counts: { impression: 60_645, conversion: 1_838 } },
  offers: { stream: 'offer_events', passed: 25_694, quarantined: 1, blank: 5 },
}

const example = process.argv[2]
const said = JSON.parse(readFileSync(0, 'utf8'))
const wrong = []
const expect = (what, found, wanted) => {
  if (found !== wanted) wrong.push(`${what}: ${found}, not ${wanted}`)
}

expect('ok', said.ok, true)
expect('accounted for', said.accounting.complete, true)
expect('counts equal', said.counts.equal, true)
expect('independent values that differ', said.independent.differing, 0)
expect('replayed exactly', said.replay.exact, said.replay.compared)
expect('claims contradicted', said.explained.claims.contradicted, 0)
expect('verified', said.verify.ok, true)
if (said.predictions < 1000) wrong.push(`predictions: only ${said.predictions}`)

const figures = known[example]
if (figures?.counts) {
  expect('received', said.accounting.received, figures.received)
  expect('passed', said.accounting.passed, figures.passed)
  expect('subjects', said.counts.subjects.found, figures.subjects)
  for (const [kind, count] of Object.entries(figures.counts)) {
    expect(kind, said.counts.kinds.find((each) => each.kind === kind)?.found, count)
  }
}
if (figures?.stream) {
  const sent = said.ingested.find(({ stream }) => stream === figures.stream)
  expect('passed', sent.accounting.passed, figures.passed)
  expect('quarantined', sent.accounting.quarantined, figures.quarantined)
  expect('blank lines named', sent.blank.lines.length, figures.blank)
}

for (const line of wrong) console.log(line)
console.log(wrong.length === 0 ? `${example}: as known` : `${example}: ${wrong.length} figures are wrong`)
process.exit(wrong.length === 0 ? 0 : 1)
