// Numbers that were seen, as closed ranges: what lies between two of them is a gap.
export interface Range {
  first: number
  last: number
}

/** The same numbers in as few ranges as possible, in order. */
export function joinRanges(parts: readonly Range[]): Range[] {
  const joined: Range[] = []
  for (const part of parts.toSorted((a, b) => a.first - b.first)) {
    const before = joined.at(-1)
    if (before && part.first <= before.last + 1) before.last = Math.max(before.last, part.last)
    else joined.push({ ...part })
  }
  return joined
}
