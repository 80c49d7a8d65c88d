// Findings, bounded: a copy that holds a thousand of the same is refused as surely for the first hundred.
import type { Finding } from '@whence/sdk'
import type { Seen } from '../gate.ts'

const most = 100

/** What a gate saw that counts whatever it finds. */
export function seen(
  findings: readonly Finding[],
  inputs: Record<string, unknown> = {},
  counts = findings.length > 0,
): Seen {
  return {
    counts,
    findings: findings.slice(0, most),
    inputs: findings.length > most ? { ...inputs, findings: findings.length } : inputs,
  }
}
