// The one error type that crosses a door. A refusal that is expected (a closed gate, missing consent) is a result, not
// a fault. What a code means to a caller over HTTP and to a shell is decided here and nowhere else.

const meanings = {
  /** The command or request was called wrongly. */
  usage: { status: 400, exit: 2 },
  /** Content that does not pass its schema or contract. */
  invalid: { status: 400, exit: 1 },
  unauthorized: { status: 401, exit: 1 },
  forbidden: { status: 403, exit: 1 },
  not_found: { status: 404, exit: 1 },
  /** It contradicts what is recorded, or a state it depended on has moved. */
  conflict: { status: 409, exit: 1 },
  too_large: { status: 413, exit: 1 },
  /** It would take longer than the time limit; asked for less, it may be done. */
  too_slow: { status: 422, exit: 1 },
  /** Stored bytes are not the ones that were recorded. */
  altered: { status: 500, exit: 1 },
  internal: { status: 500, exit: 1 },
  /** Starting would mean guessing; the sentence says what to settle first. */
  refused_start: { status: 500, exit: 1 },
  /** Nothing was accepted; the same call may succeed later. */
  overloaded: { status: 503, exit: 1 },
  /** A part we depend on (database, key store) does not answer. */
  unavailable: { status: 503, exit: 1 },
  disk_full: { status: 507, exit: 1 },
} as const

export type FaultCode = keyof typeof meanings

/**
 * A failure with a code for programs, a sentence for people that says what to do next, and its cause.
 *
 * `throw new Fault('not_found', 'No stream is called "clicks"; GET /streams lists them.')`
 */
export class Fault extends Error {
  override readonly name = 'Fault'
  readonly code: FaultCode

  constructor(code: FaultCode, sentence: string, options?: { cause?: unknown }) {
    super(sentence, options)
    this.code = code
  }

  /** The HTTP status of the reply. */
  get status(): number {
    return meanings[this.code].status
  }

  /** The exit code of the command. */
  get exit(): 1 | 2 {
    return meanings[this.code].exit
  }

  /** Any thrown value as a fault: itself, `disk_full`, or `internal` with the value as its cause. */
  static from(thrown: unknown): Fault {
    if (thrown instanceof Fault) return thrown
    if (['ENOSPC', 'EDQUOT'].includes((thrown as NodeJS.ErrnoException | undefined)?.code ?? ''))
      return new Fault('disk_full', 'the disk is full: make room, then ask again', { cause: thrown })
    return new Fault('internal', thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown })
  }
}

export function isFault(thrown: unknown, code?: FaultCode): thrown is Fault {
  return thrown instanceof Fault && (code === undefined || thrown.code === code)
}
