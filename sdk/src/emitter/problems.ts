// What goes wrong while nobody waits for it: each kind is told once, until it is over.
export class Problems {
  readonly #told = new Set<string>()
  readonly #tell: (code: string, message: string) => void

  constructor(tell: (code: string, message: string) => void) {
    this.#tell = tell
  }

  /** Never throws, whatever the listener does. */
  tell(code: string, message: string): void {
    if (this.#told.has(code)) return
    this.#told.add(code)
    try {
      this.#tell(code, message)
    } catch {}
  }

  over(...codes: string[]): void {
    for (const code of codes) this.#told.delete(code)
  }
}

export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
