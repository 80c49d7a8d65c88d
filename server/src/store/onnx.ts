// The ONNX runtime, seen from the server: models run one after the other in a worker, each within its time, and a worker
// that failed or ran out of time is ended and replaced.
import { Worker } from 'node:worker_threads'
import { Fault } from '../fault.ts'
import type { OnnxAnswer, OnnxJob, OnnxLimits, OnnxTensor, OnnxValue } from './onnx-worker.ts'

export type { OnnxTensor, OnnxValue } from './onnx-worker.ts'

export interface OnnxShape {
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
}

export interface OnnxOptions {
  /** Milliseconds that reading a model, and one run of it, may take. */
  loadWithin?: number
  runWithin?: number
  /** Bytes that a model may have, and that all open models and their tensors may take. */
  modelBytes?: number
  memoryBytes?: number
}

const MIB = 1024 * 1024
const PAGE = 64 * 1024
const SESSIONS = 8
/** Characters of the runtime's own words that are passed on. */
const WORDS = 400

const MEMORY =
  /bad_alloc|out of memory|Failed to allocate|memory access out of bounds|Aborted|maximum memory|Array buffer allocation/i

/** What kept a model from being run, and whether it is the model (`invalid`) or this machine just now (`unavailable`). */
export class Onnx {
  readonly #loadWithin: number
  readonly #runWithin: number
  readonly #modelBytes: number
  readonly #limits: OnnxLimits
  #worker: Worker | undefined
  /** What the present worker has loaded. */
  readonly #loaded = new Map<string, OnnxShape>()
  #tail: Promise<unknown> = Promise.resolve()
  #job = 0
  #closed = false

  constructor(options: OnnxOptions = {}) {
    this.#loadWithin = options.loadWithin ?? 60_000
    this.#runWithin = options.runWithin ?? 20_000
    this.#modelBytes = options.modelBytes ?? 256 * MIB
    this.#limits = { pages: Math.floor((options.memoryBytes ?? 1024 * MIB) / PAGE), sessions: SESSIONS }
  }

  /**
   * Reads a model's inputs and outputs. `read` is called where the model is not loaded. Throws `invalid` for what cannot be
   * read as a model that this runtime runs.
   */
  describe(key: string, read: () => Promise<Uint8Array>): Promise<OnnxShape> {
    return this.#turn(() => this.#load(key, read))
  }

  /** Runs a model once. Throws `invalid` where it fails, `unavailable` where it ran out of time. */
  run(
    key: string,
    read: () => Promise<Uint8Array>,
    feeds: Record<string, OnnxTensor>,
    output: string,
  ): Promise<OnnxTensor> {
    return this.#turn(async () => {
      await this.#load(key, read)
      const answer = await this.#ask({ job: ++this.#job, run: key, feeds, output }, this.#runWithin, 'ran')
      return (answer as Extract<OnnxAnswer, { output: OnnxTensor }>).output
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  /** One after the other: a session is not to be used twice at once. */
  #turn<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#tail.then(work)
    this.#tail = turn.catch(() => {})
    return turn
  }

  async #load(key: string, read: () => Promise<Uint8Array>): Promise<OnnxShape> {
    const known = this.#loaded.get(key)
    if (known) return known
    const bytes = await read()
    if (bytes.length > this.#modelBytes)
      throw new Fault(
        'too_large',
        `the model has ${bytes.length} bytes, more than the ${this.#modelBytes / MIB} MiB that are scored`,
      )
    const answer = await this.#ask({ job: ++this.#job, load: key, bytes }, this.#loadWithin, 'was read')
    const { dropped, ...shape } = (answer as Extract<OnnxAnswer, { loaded: unknown }>).loaded
    this.#loaded.set(key, shape)
    for (const gone of dropped) this.#loaded.delete(gone)
    return shape
  }

  async #ask(asked: OnnxJob, within: number, what: string): Promise<OnnxAnswer> {
    if (this.#closed) throw new Fault('unavailable', 'the server is stopping')
    const worker = (this.#worker ??= this.#start())
    // Only while it works does it keep the process alive.
    worker.ref()
    const { promise, resolve, reject } = Promise.withResolvers<OnnxAnswer>()
    const broken = (cause?: Error): void =>
      reject(
        new Fault('invalid', `the model brought its runtime down: ${worded(cause?.message ?? 'it ended')}`, { cause }),
      )
    const ended = (): void => broken()
    worker.on('message', resolve).on('error', broken).on('exit', ended)
    const timer = setTimeout(
      () => reject(new Fault('unavailable', `the model ${what} for more than ${within / 1000} s and was stopped`)),
      within,
    )
    worker.postMessage(asked, [])
    const answer = await promise
      .catch(async (error: unknown) => {
        await this.#end()
        throw error
      })
      .finally(() => {
        clearTimeout(timer)
        worker.off('message', resolve).off('error', broken).off('exit', ended).unref()
      })
    if (!('failed' in answer)) return answer
    // That a run was refused is an answer like another; after anything else nothing of its memory is to be trusted.
    const refused = 'run' in asked && /ERROR_CODE/.test(answer.failed) && !MEMORY.test(answer.failed)
    if (!refused) await this.#end()
    throw new Fault('invalid', saidOf(answer.failed))
  }

  #start(): Worker {
    const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
    // What the runtime prints is for its makers, and a model may put words into it.
    const worker = new Worker(new URL(`./onnx-worker${extension}`, import.meta.url), {
      workerData: this.#limits,
      execArgv: [],
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 1024 },
    })
    worker.stdout.resume()
    worker.stderr.resume()
    // One that ends while it is idle is replaced when there is something to do.
    worker.on('error', () => {})
    worker.on('exit', () => {
      if (this.#worker !== worker) return
      this.#worker = undefined
      this.#loaded.clear()
    })
    return worker
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#loaded.clear()
    await worker?.terminate()
  }
}

/** The runtime's words, after ours for what is met most. */
function saidOf(words: string): string {
  const known: [RegExp, string][] = [
    [/protobuf parsing failed|failed to parse|No graph was found/i, 'it is no ONNX model, or it is cut off'],
    [/external data|ExternalData/i, 'its weights lie in another file: save it whole, in one file'],
    [
      /not a registered function\/op|No Op registered|not find an implementation|No opset import for domain/i,
      'it has an operator that the runtime does not have',
    ],
    [/opset|ir_version|IR version/i, 'it is of a version of ONNX that the runtime does not know'],
    [MEMORY, 'it wants more memory than a model may have'],
  ]
  const [, sentence] = known.find(([pattern]) => pattern.test(words)) ?? []
  return sentence === undefined ? `the runtime says: ${worded(words)}` : `${sentence} (${worded(words)})`
}

const worded = (words: string): string => words.replace(/\s+/g, ' ').trim().slice(0, WORDS)
