// What a consent check answers. Unknown denies: only a verdict that says so allows.
import type { ConsentVerdict } from '@whence/sdk'

export type { ConsentVerdict } from '@whence/sdk'

/** Whom and what a check is about. */
export interface ConsentQuestion {
  readonly subject: string
  readonly purpose: string
  readonly channel?: string | undefined
  readonly jurisdiction?: string | undefined
  /** Microseconds: what holds at this time. */
  readonly at: number
}

/** Who may be asked, in memory, for whatever depends on consent. Its state is that of the log up to its size. */
export interface Standing {
  check(question: ConsentQuestion): ConsentVerdict
}
