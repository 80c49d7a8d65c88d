// Emits events, predictions and runs without holding up whoever emits them. For Node; the rest of the SDK runs in
// browsers too.
import { Emitter } from './emitter.ts'
import type { EmitterOptions } from './options.ts'
import { watchOver } from './process-end.ts'

export type { Target } from './destination.ts'
export type { EmitterOptions, EmitterStats } from './options.ts'
export type { Emitter } from './emitter.ts'

/**
 * An emitter. Throws a `TypeError` for options that cannot work, and nothing after that.
 *
 * @example
 * const emitter = createEmitter({ url, key, spool: '/var/spool/shop' })
 * emitter.emit('clicks', { event_id: 'e-1', customer_id: 'c-42', time: new Date().toISOString() })
 * emitter.emit({ model: 'buys@3', snapshot: 12 }, { entity: 'c-42', score: 0.83 })
 */
export function createEmitter(options: EmitterOptions): Emitter {
  const emitter = new Emitter(options)
  watchOver(emitter)
  return emitter
}
