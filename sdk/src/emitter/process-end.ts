// The end of the process finds no record outside of the spool.

export interface Ending {
  /** Keeps what is unsent, blocking. */
  leave(): void
  close(): Promise<unknown>
}

const open = new Set<Ending>()
let watching = false

export function watchOver(emitter: Ending): void {
  if (!watching) watch()
  open.add(emitter)
}

/** It is closed: nothing of it is left to see to. */
export function letGo(emitter: Ending): void {
  open.delete(emitter)
}

function watch(): void {
  watching = true
  process.on('exit', () => {
    for (const emitter of open) emitter.leave()
  })
  // Nothing else is left to do: there is time to send.
  process.on('beforeExit', () => {
    for (const emitter of open) void emitter.close()
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    const leave = (): void => {
      // Whoever else listens decides about the end of the process, and 'exit' comes then.
      if (process.listenerCount(signal) > 1) return
      for (const emitter of open) emitter.leave()
      process.removeListener(signal, leave)
      process.kill(process.pid, signal)
    }
    process.on(signal, leave)
  }
}
