// What one request of spans may hold. Beyond the first group it is refused as a whole; beyond the second the surplus of a
// span is left out and counted.
import { Fault } from '../../fault.ts'

/** Bytes after decompression: the default of the OpenTelemetry Collector. */
export const MOST_BYTES = 20 * 1024 * 1024
export const MOST_SPANS = 10_000
/** Objects and lists of a body in JSON. */
export const MOST_CONTAINERS = 2_000_000

export const MOST_ATTRIBUTES = 1000
export const MOST_EVENTS = 1000
/** Values in the attributes of a span, those within lists and maps counted. */
const MOST_VALUES = 20_000
/** Lists and maps within each other. */
const DEEPEST = 32

export function broken(why: string): Fault {
  return new Fault('invalid', `the body is no export request of OTLP: ${why}`)
}

export function tooMany(what: string): Fault {
  return new Fault('too_large', `${what}: export smaller batches (OTEL_BSP_MAX_EXPORT_BATCH_SIZE)`)
}

/** Counts what a span brings along. */
export class Allowance {
  #values = MOST_VALUES
  lost = 0

  /** Whether a value at this depth may be read. */
  admits(depth: number): boolean {
    return this.#values-- > 0 && depth <= DEEPEST
  }
}
