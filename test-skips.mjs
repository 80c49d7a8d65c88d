// A reporter of the test runner: how many tests skipped themselves, for each reason they gave.
export default async function* skips(events) {
  const reasons = new Map()
  for await (const { type, data } of events) {
    if (type !== 'test:pass' || data.skip === undefined) continue
    const reason = typeof data.skip === 'string' && data.skip !== '' ? data.skip : 'no reason given'
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }
  for (const [reason, count] of reasons) yield `skipped: ${count} ${count === 1 ? 'test' : 'tests'} (${reason})\n`
}
