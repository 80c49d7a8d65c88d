// Monitors that might be, held against what has been: which alarms they would have raised, and when.
import type { Alarm, AlarmBody, MonitorTested, MonitorTestRequest, TestedMonitor } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { monitorForm } from '../../rules/monitors/monitor.ts'
import type { Alarms } from './alarms.ts'
import { follow } from './follow.ts'
import type { MonitorParts } from './monitors.ts'
import { Watching } from './watching.ts'

const SHOWN = 200
/** Alarms of one monitor that are told. */
const MOST_ALARMS = 1000

/** Nothing is recorded. Files that declare something else are passed over. */
export async function testMonitors(
  { ledger, follower, database, alarms }: Omit<MonitorParts, 'book'>,
  { files, from, to }: MonitorTestRequest,
): Promise<MonitorTested> {
  const those = files.filter(({ text }) => /^kind:\s*Monitor\s*(?:#.*)?$/m.test(text))
  if (those.length === 0) throw new Fault('invalid', 'none of these files is a monitor (kind: Monitor)')
  await follower.reach()
  const asOf = Math.min(follower.next, ledger.size)
  const [begin, end] = [from === undefined ? 0 : firstAt(from), to === undefined ? asOf : firstAt(to)]
  const tested = those.map(({ path, text }) => {
    const monitor = monitorForm.parse(text, path)
    return {
      path,
      monitor,
      watching: new Watching(monitor, { name: `${monitor.name}@v0`, from: begin }),
      would: [] as AlarmBody[],
    }
  })
  const of = new Map(tested.map((one) => [one.watching, one]))
  await follow(
    { ledger, database },
    tested.map(({ watching }) => watching),
    end,
    (body, watching) => void of.get(watching)!.would.push(body),
  )
  const monitors: TestedMonitor[] = []
  for (const { path, monitor, watching, would } of tested)
    monitors.push({
      monitor: monitor.name,
      path,
      would: would.slice(0, MOST_ALARMS),
      did: await raisedBy(alarms, monitor.name, { begin, end }),
      groups: watching.groups().slice(0, SHOWN),
    })
  return { monitors, asOf: end }

  function firstAt(time: string): number {
    const at = parseTime(time)
    if (at === undefined) throw new Fault('invalid', `"${time}" is no time`)
    let [low, high] = [0, asOf]
    while (low < high) {
      const middle = (low + high) >> 1
      if (parseTime(ledger.entry(middle).recorded)! < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

async function raisedBy(
  alarms: Alarms,
  monitor: string,
  { begin, end }: { begin: number; end: number },
): Promise<Alarm[]> {
  const { alarms: found } = await alarms.list({ monitor, limit: MOST_ALARMS })
  return found.filter(({ at }) => at >= begin && at < end).toReversed()
}
