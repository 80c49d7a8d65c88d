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
  readonly seq: number
  readonly purpose: Purpose
  readonly withdrawn: boolean
  readonly time: number
  /** Absent: on every channel. */
  readonly channel?: string | undefined
}

/**
 * The objections that stand to a purpose. One stands until it is taken back, later by its own time and later on the log:
 * it counts from its own time and from its record, whichever comes last, so that no reader of the log alone sees less.
 *
 * One to marketing on some channel ends marketing there and nothing else: marketing goes on elsewhere, and profiling for
 * it too. With `channel` only what concerns that channel stands; without it everything does.
 */
export function standing(history: readonly Said[], purpose: Purpose, channel?: string): Said[] {
  /** Of what was taken back further on in the log, by purpose and channel, the last time. */
  const takenBack = new Map<string, number>()
  const key = ({ purpose: of, channel: where }: Said): string => `${of} ${where ?? ''}`
  return history
    .filter(({ purpose: said }) => covers[purpose].includes(said))
    .toSorted((a, b) => b.seq - a.seq)
    .filter((said) => {
      const time = (of: string): number => takenBack.get(of) ?? -Infinity
      if (said.withdrawn) {
        takenBack.set(key(said), Math.max(time(key(said)), said.time))
        return false
      }
      // Without a channel an objection is taken back on all of them.
      const last = Math.max(time(key(said)), time(`${said.purpose} `))
      return last < said.time && concerns(said, purpose, channel)
    })
}

function concerns(said: Said, purpose: Purpose, channel: string | undefined): boolean {
  if (said.channel === undefined) return true
  return said.purpose === purpose && (channel === undefined || said.channel === channel)
}
