// What a system outside Whence that owns some state (a mailing system, a shop) is asked to do, and what it answered when it
// was asked again. Its word alone counts for nothing: only a second read confirms. Nothing here throws; a far end that
// fails, hangs or lies is a result.

/** Something that a connected system owns. */
export interface ConnectedObject {
  readonly kind: 'campaign' | 'price' | 'flag' | 'segment'
  readonly id: string
}

/** A JSON value, as the far end shows it. `undefined`: it shows nothing under this id. */
export type Shown = unknown

/** How a question went that could not be answered. Times are RFC 3339, by our clock. */
export interface Unanswered {
  readonly state: 'failed' | 'timed-out'
  /** One sentence; no content of the far end's answer, no secret. */
  readonly detail: string
  readonly asked: string
}

/** What the far end showed when it was asked. */
export type Reading<T> = { readonly state: 'answered'; readonly value: T; readonly asked: string } | Unanswered

/** How a campaign stands in the system that sends it. */
export interface CampaignCounts {
  readonly status: 'draft' | 'scheduled' | 'running' | 'paused' | 'finished' | 'cancelled' | 'unknown'
  /** The system's own word for it. */
  readonly said: string
  /** Messages that it says it has handed over. */
  readonly sent?: number
  /** Messages that it means to send altogether. */
  readonly toSend?: number
}

/**
 * What became of a wish.
 * - `confirmed`: asked again afterwards, the system shows what was wished. Also when it did already.
 * - `unconfirmed`: it said yes, or nothing intelligible, and when asked again shows something else, or does not answer.
 * - `moved`: before anything was done it showed neither what was expected nor what was wished. Nothing was written.
 * - `failed`: it said no, and shows what it showed before.
 * - `timed-out`: nothing came in time, and it does not show what was wished. It may still come to pass: ask again.
 */
export interface Confirmation {
  readonly state: 'confirmed' | 'unconfirmed' | 'moved' | 'failed' | 'timed-out'
  readonly detail: string
  /** What it showed before, and when asked again; absent where it did not say. */
  readonly before?: Shown
  readonly after?: Shown
  /** Whether anything was asked of it: false where it already stood so, or had moved. */
  readonly acted: boolean
  /** When it was last asked how things stand. */
  readonly asked: string
  /** Of campaigns: its counts when it was last asked. */
  readonly counts?: CampaignCounts
  /** Of a pause: whether two readings in a row showed the same number sent, so that nothing is under way any more. */
  readonly settled?: boolean
}

/** A connected system, by its file in force. Every call ends within the file's time-out, times its tries. */
export interface Connector {
  readonly name: string
  readonly kind: ConnectorKind
  /** `name@vN` of the file. */
  readonly policy: string
  /** Nothing more goes out of this campaign. */
  pause(campaign: string): Promise<Confirmation>
  resume(campaign: string): Promise<Confirmation>
  counts(campaign: string): Promise<Reading<CampaignCounts>>
  /** What it shows now: of a campaign its status, of the others a JSON value. */
  read(object: ConnectedObject): Promise<Reading<Shown>>
  /**
   * Sets it, if it shows `expected` (or `value` already). Idempotent: the same again is confirmed and nothing is done.
   * Of a campaign the value is `running` or `paused`.
   */
  write(object: ConnectedObject, value: Shown, expected: Shown): Promise<Confirmation>
}

export const connectorKinds = ['http', 'listmonk'] as const
export type ConnectorKind = (typeof connectorKinds)[number]
