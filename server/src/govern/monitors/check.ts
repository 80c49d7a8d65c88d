// For `verify`: every alarm on record is worked out again from what the log holds, and none that follows from it is missing.
import type { AlarmBody } from '@whence/sdk'
import { alarmId } from './alarms.ts'
import { MonitorFold } from './fold.ts'
import type { MonitorParts, Monitors } from './monitors.ts'

interface Problem {
  path: string
  code: string
  message: string
}

/** Of a logarithm: what another machine's arithmetic may differ by. */
const TOLERANCE = 1e-9

export async function checkAlarms(
  parts: MonitorParts,
  monitors: Pick<Monitors, 'catchUp'>,
): Promise<{ problems: Problem[]; checked: Record<string, number> }> {
  await monitors.catchUp()
  const { ledger, follower, alarms } = parts
  const to = ledger.size
  await follower.reachSeq(to - 1)
  const again = new Map<string, AlarmBody>()
  const fold = new MonitorFold(parts)
  await fold.advance(to, (body) => void again.set(alarmId(body), body))
  const problems: Problem[] = []
  const checked = { alarms: 0, 'alarms worked out again': 0 }
  for (const seq of alarms.positions(to)) {
    const body = alarms.read(seq)
    if (body === undefined) continue
    checked.alarms++
    const id = alarmId(body)
    const found = again.get(id)
    again.delete(id)
    const why = differs(body, found)
    if (why === undefined) checked['alarms worked out again']++
    // Copy of people who were erased since cannot be compared again.
    else if (body.drift === undefined)
      problems.push({ path: ledger.payloadPath(seq), code: 'alarm_differs', message: `alarm ${seq} ${why}` })
  }
  for (const { monitor, group, at, drift } of again.values())
    if (drift === undefined)
      problems.push({
        path: 'log',
        code: 'alarm_missing',
        message: `monitor ${monitor} must have raised an alarm of ${group} at record ${at}, and none is on record`,
      })
  return { problems, checked }
}

function differs(body: AlarmBody, again: AlarmBody | undefined): string | undefined {
  if (again === undefined) return 'does not follow from the log: worked out again, nothing is raised'
  if (body.at !== again.at) return `was raised at record ${body.at}; worked out again, at ${again.at}`
  const [a, b] = [body.evidence.log, again.evidence.log]
  if (Math.abs(a - b) > TOLERANCE * Math.max(1, Math.abs(a))) return `states ln E ${a}; worked out again it is ${b}`
  return body.counted.digest === again.counted.digest
    ? undefined
    : 'states a digest of what was counted that is another'
}
