// ONNX Runtime in a thread of its own, as WebAssembly: it reaches no file, no network and no memory but its own, and the
// thread can be ended in the middle of a loop.
import { parentPort, workerData } from 'node:worker_threads'
import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm'

/** What a worker is started with. */
export interface OnnxLimits {
  /** Pages of 64 KiB that all models of the worker may take together. */
  pages: number
  /** Sessions kept open; the one that was used longest ago is closed. */
  sessions: number
}

/** A tensor as it goes to and fro. */
export interface OnnxTensor {
  type: string
  data: Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | string[]
  dims: readonly number[]
}

/** An input or output. A free dimension is null; `type` is undefined for what is no tensor. */
export interface OnnxValue {
  name: string
  type?: string
  shape?: (number | null)[]
}

export type OnnxJob =
  | { job: number; load: string; bytes: Uint8Array }
  | { job: number; run: string; feeds: Record<string, OnnxTensor>; output: string }

export type OnnxAnswer =
  | { job: number; loaded: { inputs: OnnxValue[]; outputs: OnnxValue[]; dropped: string[] } }
  | { job: number; output: OnnxTensor }
  | { job: number; failed: string }

const { pages, sessions: most } = workerData as OnnxLimits

// The runtime asks for a memory that may grow to 4 GiB. The limit of a memory may be lower than its module declares.
const Memory = WebAssembly.Memory
WebAssembly.Memory = class extends Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super({ ...descriptor, maximum: Math.max(descriptor.initial, Math.min(descriptor.maximum ?? pages, pages)) })
  }
}

const ort = await import('onnxruntime-web/wasm')
ort.env.wasm.numThreads = 1
ort.env.logLevel = 'fatal'

const open = new Map<string, InferenceSession>()

async function load(key: string, bytes: Uint8Array) {
  const session = await ort.InferenceSession.create(bytes, {
    executionProviders: ['wasm'],
    enableCpuMemArena: false,
    // What it would print goes to the server's log: only what ends it.
    logSeverityLevel: 4,
  })
  open.set(key, session)
  const dropped: string[] = []
  for (const [oldest, closing] of open) {
    if (open.size <= most) break
    open.delete(oldest)
    await closing.release()
    dropped.push(oldest)
  }
  return { inputs: session.inputMetadata.map(described), outputs: session.outputMetadata.map(described), dropped }
}

function described(value: InferenceSession.ValueMetadata): OnnxValue {
  if (!value.isTensor) return { name: value.name }
  // A dimension without a number is a name, or all bits set.
  const shape = value.shape.map((dim) => (typeof dim === 'number' && dim >= 0 && dim < 2 ** 31 ? dim : null))
  return { name: value.name, type: value.type, shape }
}

async function run(key: string, feeds: Record<string, OnnxTensor>, output: string): Promise<OnnxTensor> {
  const session = open.get(key)
  if (!session) throw new Error(`the model ${key} is not loaded`)
  open.delete(key)
  open.set(key, session)
  const tensors: Record<string, Tensor> = {}
  for (const [name, { type, data, dims }] of Object.entries(feeds))
    tensors[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims)
  const result = (await session.run(tensors, [output], { logSeverityLevel: 4 }))[output]!
  const data = (await result.getData()) as OnnxTensor['data']
  return { type: result.type, data, dims: result.dims }
}

parentPort!.on('message', (asked: OnnxJob) => {
  const { job } = asked
  const done =
    'load' in asked
      ? load(asked.load, asked.bytes).then((loaded): OnnxAnswer => ({ job, loaded }))
      : run(asked.run, asked.feeds, asked.output).then((output): OnnxAnswer => ({ job, output }))
  done
    .catch((error: unknown): OnnxAnswer => ({ job, failed: error instanceof Error ? error.message : String(error) }))
    .then((answer) => parentPort!.postMessage(answer, []))
    .catch(() => process.exit(1))
})
