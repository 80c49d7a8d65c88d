// The time that a signature carries, against ours: what was caught on its way cannot be sent again later.
import type { Micros } from '../contracts/time.ts'
import type { Window } from './provider.ts'

/** Clocks of others run ahead by so much, at most. */
const AHEAD: Micros = 300_000_000

export function isFresh(signed: Micros | undefined, { now, within }: Window): boolean {
  return signed !== undefined && signed <= now + AHEAD && signed >= now - within
}
