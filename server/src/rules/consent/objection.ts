// Who objects, judged from what they said. What a purpose covers stands here and nowhere else.

export const purposes = ['profiling', 'marketing'] as const
export type Purpose = (typeof purposes)[number]

/** Objecting to one of these is objecting to the purpose: whoever wants no marketing is not profiled for it. */
export const covers: Readonly<Record<Purpose, readonly Purpose[]>> = {
  profiling: ['profiling', 'marketing'],
  marketing: ['marketing'],
}

/** What a person said: `time` is when, in microseconds; `seq` is where it stands on the log. */
export interface Said {
  seq: number
  purpose: Purpose
  withdrawn: boolean
  time: number
}

/** Of each purpose that covers the one asked for, the objection that stands: what was said last counts. */
export function standing(history: readonly Said[], purpose: Purpose): Said[] {
  return covers[purpose].flatMap((each) => {
    const last = history
      .filter((said) => said.purpose === each)
      .reduce<Said | undefined>((a, b) => (a === undefined || later(b, a) ? b : a), undefined)
    return last === undefined || last.withdrawn ? [] : [last]
  })
}

/** Of two sayings of one moment the one that was recorded later counts. */
function later(a: Said, b: Said): boolean {
  return a.time > b.time || (a.time === b.time && a.seq > b.seq)
}
