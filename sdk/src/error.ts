/**
 * What a call of the API failed with. `code` is for programs: one of the server's own (`not_found`, `invalid`, …), or
 * `unreachable` (no answer came, or it broke off) or `unexpected_answer` (an answer that is not of this API). `status` is
 * the HTTP status, 0 where there was none. `message` says what to do next.
 */
export class WhenceError extends Error {
  override readonly name = 'WhenceError'
  readonly code: string
  readonly status: number
  readonly details: unknown

  constructor(code: string, status: number, message: string, options?: { details?: unknown; cause?: unknown }) {
    super(message, options?.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.status = status
    this.details = options?.details
  }
}
