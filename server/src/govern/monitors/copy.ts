// What monitors of drift read: actions as they were proposed, opened from the log, one after another.
import { kindOf } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { openAction, STREAM } from '../../path/actions/recorded.ts'
import { parseTime } from '../../rules/contracts/time.ts'
import { copyBins } from '../../rules/monitors/copy-bins.ts'
import { groupsOf } from '../../rules/monitors/groups.ts'
import type { Drift } from '../../rules/monitors/monitor.ts'
import type { Written } from './drift-watch.ts'

/** One action for several kinds of drift, each worked out once. */
export interface WrittenAction {
  readonly at: number
  for(drift: Drift): Promise<Written>
}

/** The actions of a stretch of the log, in its order; those in shadow are left out. */
export async function* writtenActions(
  ledger: Ledger,
  { from, to }: { from: number; to: number },
): AsyncGenerator<WrittenAction> {
  for (let next = from; next < to;) {
    const page = ledger.ofStream(STREAM, next, 65_536)
    for (const seq of page.seqs) {
      if (seq >= to) return
      const entry = ledger.entry(seq)
      if (kindOf(entry) !== 'action' || entry.refs.shadow !== undefined) continue
      yield actionAt(ledger, seq)
    }
    next = page.next
  }
}

function actionAt(ledger: Ledger, seq: number): WrittenAction {
  const { refs, recorded } = ledger.entry(seq)
  const base = {
    at: seq,
    recorded: parseTime(recorded)!,
    environment: refs.environment ?? '',
    groups: groupsOf(refs),
  }
  let opened: ReturnType<typeof openAction>
  let isOpen = false
  const known = new Map<Drift, Promise<Written>>()
  const read = async (drift: Drift): Promise<Written> => {
    if (!isOpen) {
      opened = openAction(ledger, seq)
      isOpen = true
    }
    const proposal = opened?.proposal
    const bins = proposal && (await copyBins(drift, proposal.output?.copy ?? [], proposal.inputs))
    return { ...base, bins }
  }
  return {
    at: seq,
    for(drift) {
      let found = known.get(drift)
      if (found === undefined) known.set(drift, (found = read(drift)))
      return found
    },
  }
}
