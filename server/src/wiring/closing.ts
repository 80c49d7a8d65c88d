// What a start has opened, to be closed in the opposite order: by a stop, and by a start that fails half way.
export class Closing {
  readonly #steps: (() => unknown)[] = []

  add(step: () => unknown): void {
    this.#steps.push(step)
  }

  /** Each step waits for the one before. A second call finds nothing to do. */
  async close(): Promise<void> {
    for (const step of this.#steps.splice(0).reverse()) await step()
  }
}
