// Which proposals of a shadow and of its incumbent are about the same: the same person (or nobody), campaign, channel and
// type, and a prediction that both were made from; else the same day, in UTC.

export interface Proposed {
  readonly seq: number
  /** Person, campaign, channel and type. */
  readonly about: string
  /** When it was decided, in microseconds. */
  readonly at: number
  readonly predictions: readonly string[]
}

export interface Paired<P> {
  readonly shadow: P
  readonly incumbent: P
  readonly by: 'prediction' | 'day'
}

const DAY = 86_400_000_000

/**
 * Pairs each proposal at most once: first by a prediction, then by the day, the nearest in time first; of equals the earlier
 * records. The order in which they are given does not matter.
 */
export function paired<P extends Proposed>(shadows: readonly P[], incumbents: readonly P[]): Paired<P>[] {
  const pairs: Paired<P>[] = []
  const taken = new Set<number>()
  const free = (those: readonly P[]): P[] => those.filter(({ seq }) => !taken.has(seq))
  const pair = (by: Paired<P>['by'], candidates: Paired<P>[]): void => {
    for (const one of candidates.sort(nearestFirst)) {
      if (taken.has(one.shadow.seq) || taken.has(one.incumbent.seq)) continue
      taken.add(one.shadow.seq).add(one.incumbent.seq)
      pairs.push({ ...one, by })
    }
  }
  const groups = Map.groupBy(incumbents, ({ about }) => about)
  for (const [about, own] of Map.groupBy(shadows, (one) => one.about)) {
    const others = groups.get(about) ?? []
    pair(
      'prediction',
      candidatesBy('prediction', own, others, ({ predictions }) => predictions),
    )
    pair(
      'day',
      candidatesBy('day', free(own), free(others), ({ at }) => [String(Math.floor(at / DAY))]),
    )
  }
  return pairs
}

/** Of one group beyond which each is held against its neighbours in time only. */
const MOST = 30

function candidatesBy<P extends Proposed>(
  by: Paired<P>['by'],
  shadows: readonly P[],
  incumbents: readonly P[],
  keysOf: (one: P) => readonly string[],
): Paired<P>[] {
  const byKey = new Map<string, P[]>()
  for (const one of incumbents)
    for (const key of keysOf(one)) {
      const known = byKey.get(key)
      if (known) known.push(one)
      else byKey.set(key, [one])
    }
  for (const those of byKey.values()) those.sort(earliestFirst)
  return shadows.flatMap((shadow) =>
    keysOf(shadow).flatMap((key) =>
      around(byKey.get(key) ?? [], shadow).map((incumbent) => ({ shadow, incumbent, by })),
    ),
  )
}

/** Those nearest in time, of a list in order of time: a busy day must not make every pair of it a candidate. */
function around<P extends Proposed>(those: readonly P[], { at }: Proposed): readonly P[] {
  if (those.length <= MOST) return those
  let [low, high] = [0, those.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (those[middle]!.at < at) low = middle + 1
    else high = middle
  }
  const from = Math.max(0, Math.min(low - MOST / 2, those.length - MOST))
  return those.slice(from, from + MOST)
}

function earliestFirst(a: Proposed, b: Proposed): number {
  return a.at - b.at || a.seq - b.seq
}

function nearestFirst(a: Paired<Proposed>, b: Paired<Proposed>): number {
  const apart = ({ shadow, incumbent }: Paired<Proposed>): number => Math.abs(shadow.at - incumbent.at)
  return apart(a) - apart(b) || a.shadow.seq - b.shadow.seq || a.incumbent.seq - b.incumbent.seq
}
