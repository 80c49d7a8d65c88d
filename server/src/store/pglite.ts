// PGlite in a worker thread. Its session is a stream of PostgreSQL's protocol, so that the driver of PostgreSQL serves
// both; only COPY takes another way, because PGlite cannot wait for its data inside a statement.
import { Duplex } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { Fault } from '../fault.ts'
import type { Database } from './database.ts'
import { openPool, PooledDatabase } from './pooled.ts'

/** To the worker: protocol bytes, rows to copy, or the end. */
export type Request = { wire: Uint8Array<ArrayBuffer> } | { copy: string; bytes: Uint8Array<ArrayBuffer> } | 'close'

/** From the worker: it is open, protocol bytes, or what became of the copy (`refused` has PostgreSQL's error fields). */
export type Reply = 'open' | { wire: Uint8Array<ArrayBuffer> } | 'copied' | { refused: Record<string, unknown> }

export interface Start {
  folder: string
  /** A tar file of an initialised folder, which saves the two seconds of initdb. */
  template?: Uint8Array | undefined
  /** Milliseconds of use after which it does its housekeeping. */
  housekeeping?: number | undefined
}

/**
 * Opens the folder, making it when absent. The caller holds the lock of the data folder: two that open it at once
 * destroy it. It is not durable against a power loss (PGlite runs without fsync).
 */
export async function openPglite(folder: string, options: Omit<Start, 'folder'> = {}): Promise<Database> {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  const start: Start = { folder, ...options }
  const worker = new Worker(new URL(`./pglite-worker${extension}`, import.meta.url), {
    workerData: start,
    execArgv: [],
  })
  const wire = new Wire(worker)
  await wire.opened.promise.catch((cause) => {
    throw new Fault(
      'refused_start',
      `The database in ${folder} cannot be opened. It is derived: move that folder away and it is built again.`,
      { cause },
    )
  })
  // One connection: transactions are thereby serialised, and whoever comes meanwhile waits in order.
  const pool = openPool({ stream: () => wire, user: 'postgres', max: 1, idleTimeoutMillis: 0 })
  return new PooledDatabase({
    name: 'pglite',
    pool,
    source: "'/dev/blob'",
    copy: (_, statement, bytes) => wire.copy(statement, bytes),
    stop: () => wire.stop(),
  })
}

/** What the driver takes for a socket. */
class Wire extends Duplex {
  readonly opened = Promise.withResolvers<void>()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #worker: Worker
  #copied: PromiseWithResolvers<void> | undefined
  #ended: Fault | undefined

  constructor(worker: Worker) {
    super()
    this.#worker = worker
    // The driver listens once it is connected; before and after, `opened` and `copy` tell.
    this.on('error', () => {})
    worker.on('message', (reply: Reply) => this.#receive(reply))
    worker.on('error', (cause) => this.#end(cause))
    worker.on('exit', () => {
      this.#end()
      this.#stopped.resolve()
    })
  }

  connect() {
    process.nextTick(() => (this.#ended ? this.emit('error', this.#ended) : this.emit('connect')))
  }

  setNoDelay() {}
  setKeepAlive() {}
  ref() {}
  unref() {}

  copy(statement: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    if (this.#ended) return Promise.reject(this.#ended)
    this.#copied = Promise.withResolvers()
    this.#send({ copy: statement, bytes }, bytes)
    return this.#copied.promise
  }

  /** Ends the thread, unless the driver did; resolved when it is gone. */
  stop(): Promise<void> {
    if (!this.writableEnded && !this.#ended) this.end()
    return this.#stopped.promise
  }

  #send(request: Request, bytes?: Uint8Array<ArrayBuffer>) {
    this.#worker.postMessage(request, bytes ? [bytes.buffer] : [])
  }

  #receive(reply: Reply) {
    if (reply === 'open') this.opened.resolve()
    else if (reply === 'copied') this.#copied?.resolve()
    else if ('wire' in reply) this.push(reply.wire)
    else this.#copied?.reject(Object.assign(new Error(), reply.refused))
  }

  #end(cause?: unknown) {
    if (this.#ended) return
    this.#ended = new Fault('unavailable', 'The embedded database has stopped; start again.', { cause })
    this.opened.reject(cause ?? this.#ended)
    this.opened.promise.catch(() => {})
    this.#copied?.reject(this.#ended)
    if (this.writableEnded) this.push(null)
    else this.destroy(this.#ended)
  }

  override _read() {}

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void) {
    const wire = new Uint8Array(chunk)
    this.#send({ wire }, wire)
    done()
  }

  /** One message for everything that the driver wrote at once: PGlite runs a statement within one call. */
  override _writev(chunks: { chunk: Buffer }[], done: () => void) {
    this._write(Buffer.concat(chunks.map(({ chunk }) => chunk)), 'utf8', done)
  }

  override _final(done: () => void) {
    if (this.#ended) return done()
    this.#worker.once('exit', done)
    this.#send('close')
  }
}
