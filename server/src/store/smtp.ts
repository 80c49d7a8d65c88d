// One connection to an SMTP server. What matters of a failure is whether the message may have been taken all the same.
import { readFileSync } from 'node:fs'
import { Readable } from 'node:stream'
import SMTPConnection from 'nodemailer/lib/smtp-connection'

export interface SmtpServer {
  readonly host: string
  readonly port: number
  /** TLS from the first byte; else STARTTLS. */
  readonly secure: boolean
  /** Without it nothing is sent: no credentials, no message. */
  readonly tls: 'required' | 'offered' | 'none'
  readonly user: string | undefined
  readonly password: string | undefined
  /** A file of certificates to trust instead of the usual ones. */
  readonly ca: string | undefined
  /** Milliseconds without a word from the server. */
  readonly timeoutMs: number
}

export interface Envelope {
  readonly from: string
  readonly to: string
}

/**
 * What became of one message. Reasons hold codes and never the server's words, in which an address may stand.
 * - `accepted`: it is the server's now.
 * - `refused`: it will not take this message, or for this recipient, ever (5xx).
 * - `later`: it did not take it now, and may when asked again (4xx; greylisting).
 * - `unknown`: the connection was lost when the message was on its way: it may have been taken.
 * - `down`: nothing of the message was sent, and no other would be either.
 */
export type SmtpAnswer =
  | { readonly state: 'accepted'; readonly serverId: string | undefined }
  | { readonly state: 'refused' | 'later' | 'unknown' | 'down'; readonly reason: string }

interface SmtpError extends Error {
  readonly code?: string
  /** What the socket said of itself. */
  readonly originalCode?: string
  readonly command?: string
  readonly response?: string
  readonly responseCode?: number
}

export class SmtpLine {
  readonly #server: SmtpServer
  #connection: SMTPConnection | undefined

  constructor(server: SmtpServer) {
    this.#server = server
  }

  /** Connects, with TLS and credentials. Why it cannot, or nothing. Never throws. */
  async open(): Promise<string | undefined> {
    if (this.#connection !== undefined) return undefined
    const { host, port, secure, tls, user, password, ca, timeoutMs } = this.#server
    let connection: SMTPConnection | undefined
    try {
      const made = new SMTPConnection({
        host,
        port,
        secure,
        requireTLS: tls === 'required' && !secure,
        ignoreTLS: tls === 'none',
        connectionTimeout: timeoutMs,
        greetingTimeout: timeoutMs,
        socketTimeout: timeoutMs,
        dnsTimeout: timeoutMs,
        ...(ca === undefined ? {} : { tls: { ca: readFileSync(ca) } }),
      })
      connection = made
      // Errors come to whoever waits; when nobody does, the line is simply gone.
      const gone = (): void => {
        if (this.#connection === made) this.#connection = undefined
      }
      made.on('error', gone)
      made.on('end', gone)
      await settled(made, (done) => made.connect((error) => done(error ?? null)))
      if (user !== undefined)
        await settled(made, (done) => made.login({ credentials: { user, pass: password ?? '' } }, done))
      this.#connection = made
      return undefined
    } catch (error) {
      // Left open, it would keep the process waiting.
      connection?.close()
      return downReason(error as SmtpError)
    }
  }

  /** Sends one message, opening the line where it is not open. Never throws. */
  async send(envelope: Envelope, message: Uint8Array): Promise<SmtpAnswer> {
    const closed = await this.open()
    const connection = this.#connection
    if (closed !== undefined || connection === undefined)
      return { state: 'down', reason: closed ?? 'the connection was lost' }
    // Read from only once the server has said that it may come.
    let begun = false
    const body = Readable.from(
      (function* () {
        begun = true
        yield message
      })(),
      { objectMode: false },
    )
    const size = message.length
    const answer = await new Promise<SmtpAnswer>((resolve) => {
      connection.send({ from: envelope.from, to: [envelope.to], size, use8BitMime: false }, body, (error, info) => {
        if (error) resolve(failure(error as SmtpError, begun))
        else resolve({ state: 'accepted', serverId: info?.serverMessageId })
      })
      connection.once('end', () => resolve(failure(new Error('the connection was lost'), begun)))
    })
    connection.removeAllListeners('end')
    connection.on('end', () => this.#forget(connection))
    body.destroy()
    if (answer.state === 'down' || answer.state === 'unknown') this.close()
    else if (answer.state !== 'accepted')
      await settled(connection, (done) => connection.reset(done)).catch(() => this.close())
    return answer
  }

  /** Takes leave of the server. */
  quit(): void {
    this.#connection?.quit()
    this.#connection = undefined
  }

  close(): void {
    this.#connection?.close()
    this.#connection = undefined
  }

  #forget(connection: SMTPConnection): void {
    if (this.#connection === connection) this.#connection = undefined
  }
}

/** What a step of the connection comes to; errors that it tells to nobody in particular are this step's. */
function settled(connection: SMTPConnection, step: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const ended = (): void => over(new Error('the connection was lost'))
    const over = (error: Error | null | undefined): void => {
      connection.removeListener('error', over)
      connection.removeListener('end', ended)
      if (error) reject(error)
      else resolve()
    }
    connection.on('error', over)
    connection.on('end', ended)
    step(over)
  })
}

function failure(error: SmtpError, begun: boolean): SmtpAnswer {
  const { responseCode, command, code } = error
  const reason = reasonOf(error)
  const final = responseCode !== undefined && responseCode >= 500
  if (begun) {
    if (responseCode === undefined || command !== 'DATA')
      return { state: 'unknown', reason: 'the connection was lost when the message was on its way' }
    return { state: final ? 'refused' : 'later', reason }
  }
  if (responseCode === undefined) {
    // Found wrong before anything was said: an address that the server cannot take, a message beyond its size.
    const ours = code === 'EENVELOPE' || code === 'EMESSAGE'
    return ours ? { state: 'refused', reason: 'the server cannot take such an address or size' } : down(error)
  }
  if (responseCode === 421) return down(error)
  // Whoever may not send at all is told so at MAIL FROM; only the size there is the message's own.
  if (command === 'MAIL FROM' && final && responseCode !== 552) return down(error)
  return { state: final ? 'refused' : 'later', reason }
}

function down(error: SmtpError): SmtpAnswer {
  return { state: 'down', reason: downReason(error) }
}

function downReason(error: SmtpError): string {
  const certificate = /CERT|SIGNATURE|SSL|TLS/.test(error.originalCode ?? '')
  if (error.code === 'ETLS' || error.command === 'STARTTLS' || certificate)
    return 'no TLS connection that can be trusted'
  if (error.code === 'EAUTH')
    return `it does not take the credentials${error.responseCode ? ` (${error.responseCode})` : ''}`
  if (error.responseCode !== undefined) return reasonOf(error)
  if (error.code === 'ETIMEDOUT') return 'no answer in time'
  if (error.code === 'EDNS') return 'no server of this name'
  return 'it cannot be reached, or broke off'
}

/** `550 5.1.1 at RCPT TO` */
function reasonOf({ response, responseCode, command }: SmtpError): string {
  const [, enhanced] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? []
  return [responseCode, enhanced, command === undefined ? undefined : `at ${command}`].filter(Boolean).join(' ')
}
