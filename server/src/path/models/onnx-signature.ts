// How features become the tensors of an ONNX model, and which number of its output is the score.
import type { ModelSignature, TensorType } from '@whence/sdk'
import type { FeatureValue } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { OnnxShape, OnnxTensor, OnnxValue } from '../../store/onnx.ts'
import type { Inputs } from './scoring.ts'

/** Names of tensor types as the runtime has them. */
const runtimeType: Record<TensorType, string> = {
  float: 'float32',
  double: 'float64',
  int64: 'int64',
  int32: 'int32',
  bool: 'bool',
  string: 'string',
}
const ourType = new Map(Object.entries(runtimeType).map(([ours, theirs]) => [theirs, ours as TensorType]))

type Signature = ModelSignature
type SignedInput = Signature['inputs'][number]

/** A signature that a model was found to have: every type and shape is the model's own. */
export interface CheckedSignature {
  readonly inputs: readonly (SignedInput & { type: TensorType })[]
  readonly output: { readonly name: string; readonly column: number }
  /** Whether the model takes one row at a time. */
  readonly single: boolean
}

/**
 * Holds a signature against the model. Throws `invalid` with what the model has, so that it can be written down.
 */
export function checkSignature(signature: Signature | undefined, shape: OnnxShape): CheckedSignature {
  const has = `The model has the inputs ${shape.inputs.map(written).join(', ')} and the outputs ${shape.outputs.map(written).join(', ')}.`
  const refuse = (what: string): never => {
    throw new Fault('invalid', `the signature does not fit the model: ${what}. ${has}`)
  }
  if (!signature)
    return refuse('there is none; say for each input which features are its columns, and which output is the score')
  const wanted = new Map(signature.inputs.map((input) => [input.name, input]))
  if (wanted.size < signature.inputs.length) refuse('an input stands in it twice')
  for (const { name } of shape.inputs) if (!wanted.has(name)) refuse(`it lacks the input ${name}`)
  let single = false
  const inputs = signature.inputs.map((input) => {
    const found = shape.inputs.find(({ name }) => name === input.name) ?? refuse(`the model has no input ${input.name}`)
    const type = ourType.get(found.type ?? '') ?? refuse(`the input ${input.name} takes what features cannot be`)
    if (input.type !== undefined && input.type !== type) refuse(`the input ${input.name} is ${type}, not ${input.type}`)
    const dims = found.shape ?? []
    if (input.shape && !sameShape(input.shape, dims)) refuse(`the input ${input.name} has another shape`)
    const [rows, columns] = dims
    if (dims.length === 0 || dims.length > 2) refuse(`the input ${input.name} is no table of rows and columns`)
    if (dims.length === 1 && input.features.length !== 1) refuse(`the input ${input.name} is one column`)
    if (typeof columns === 'number' && columns !== input.features.length)
      refuse(`the input ${input.name} has ${columns} columns, and ${input.features.length} features are named`)
    if (typeof rows === 'number') {
      if (rows !== 1) refuse(`the input ${input.name} takes exactly ${rows} rows`)
      single = true
    }
    checkMissing(input, type, refuse)
    return { ...input, type, shape: dims }
  })
  const { output } = signature
  const found =
    shape.outputs.find(({ name }) => name === output.name) ?? refuse(`the model has no output ${output.name}`)
  if (found.type === undefined)
    refuse(
      `the output ${output.name} is a sequence or a map; convert the model so that it is a tensor (skl2onnx: options={'zipmap': False})`,
    )
  const outputType = ourType.get(found.type!)
  if (outputType === undefined || outputType === 'string' || outputType === 'bool')
    refuse(`the output ${output.name} holds no numbers`)
  if (output.type !== undefined && output.type !== outputType)
    refuse(`the output ${output.name} is ${outputType}, not ${output.type}`)
  const dims = found.shape ?? []
  if (output.shape && !sameShape(output.shape, dims)) refuse(`the output ${output.name} has another shape`)
  const column = output.column ?? 0
  const width = dims.length < 2 ? 1 : dims[1]
  if (dims.length > 2 || (typeof width === 'number' && column >= width))
    refuse(`the output ${output.name} has no column ${column}; columns are counted from 0`)
  if (output.column === undefined && typeof width === 'number' && width > 1)
    refuse(`the output ${output.name} has ${width} columns; say which is the score`)
  return { inputs, output: { name: output.name, column }, single }
}

function checkMissing({ name, missing }: SignedInput, type: TensorType, refuse: (what: string) => never): void {
  if (missing === undefined) return
  const fits = type === 'string' ? 'string' : type === 'bool' ? 'boolean' : 'number'
  if (typeof missing !== fits) refuse(`what stands for null in the input ${name} must be a ${fits}`)
}

/** The signature's shape may leave a dimension free that the model fixes, and the other way round. */
function sameShape(said: readonly (number | null)[], has: readonly (number | null)[]): boolean {
  return said.length === has.length && said.every((dim, i) => dim === null || has[i] === null || dim === has[i])
}

function written({ name, type, shape }: OnnxValue): string {
  if (type === undefined) return `${name} (no tensor)`
  return `${name} (${ourType.get(type) ?? type}, ${shape?.map((dim) => dim ?? '?').join(' x ') || 'one value'})`
}

/** Why rows cannot be made into tensors: the first fault of each row that has one. */
export function feedsOf(
  signature: CheckedSignature,
  rows: readonly Inputs[],
): { feeds: Record<string, OnnxTensor>; problems: ReadonlyMap<number, string> } {
  const problems = new Map<number, string>()
  const feeds: Record<string, OnnxTensor> = {}
  for (const { name, type, features, missing, shape } of signature.inputs) {
    const data = emptyOf(type, rows.length * features.length)
    for (const [r, row] of rows.entries()) {
      for (const [c, feature] of features.entries()) {
        const placed = cell(type, row[feature] ?? null, missing)
        if (placed === undefined) {
          const what =
            row[feature] === undefined || row[feature] === null ? 'is missing' : `is ${JSON.stringify(row[feature])}`
          if (!problems.has(r))
            problems.set(r, `${feature} ${what}, which the model's input ${name} (${type}) cannot take`)
        } else {
          data[r * features.length + c] = placed as never
        }
      }
    }
    const dims = shape?.length === 1 ? [rows.length] : [rows.length, features.length]
    feeds[name] = { type: runtimeType[type], data, dims }
  }
  return { feeds, problems }
}

function emptyOf(type: TensorType, length: number): OnnxTensor['data'] {
  if (type === 'float') return new Float32Array(length)
  if (type === 'double') return new Float64Array(length)
  if (type === 'int64') return new BigInt64Array(length)
  if (type === 'int32') return new Int32Array(length)
  if (type === 'bool') return new Uint8Array(length)
  return Array.from({ length }, () => '')
}

/** One value as its tensor holds it; undefined for what it cannot hold. */
function cell(
  type: TensorType,
  value: FeatureValue,
  missing: SignedInput['missing'],
): number | bigint | string | undefined {
  if (type === 'string') {
    if (value === null) return (missing as string | undefined) ?? ''
    return typeof value === 'string' ? value : undefined
  }
  if (type === 'bool') {
    const told = value ?? missing
    return typeof told === 'boolean' ? (told ? 1 : 0) : undefined
  }
  const number = value === null ? (missing as number | undefined) : numberOf(value)
  if (type === 'float' || type === 'double') return value === null ? (number ?? Number.NaN) : number
  if (number === undefined || !Number.isSafeInteger(number)) return undefined
  if (type === 'int64') return BigInt(number)
  return Math.abs(number) < 2 ** 31 ? number : undefined
}

/** As in the logistic form: true is 1, a long decimal the nearest double. */
function numberOf(value: Exclude<FeatureValue, null>): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'number') return value
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

/** The score of each row; undefined where the output is not one number a row. */
export function scoresOf({ output }: CheckedSignature, { data, dims }: OnnxTensor, rows: number): number[] | undefined {
  const width = dims.length === 2 ? dims[1]! : dims.length === 1 ? 1 : 0
  if (dims[0] !== rows || output.column >= width || data.length !== rows * width) return undefined
  return Array.from({ length: rows }, (_, r) => Number(data[r * width + output.column]))
}
