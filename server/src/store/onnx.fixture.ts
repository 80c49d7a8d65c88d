// Small ONNX models for tests, written as protobuf: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto

const encoder = new TextEncoder()

function varint(value: bigint | number): number[] {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

type Field = readonly [number, Uint8Array | string | number | bigint | { float: number }]

/** A protobuf message of fields in the order given. */
function message(...fields: Field[]): Uint8Array {
  const parts = fields.map(([tag, value]) => {
    if (typeof value === 'number' || typeof value === 'bigint') return [...varint(tag * 8), ...varint(value)]
    if (typeof value === 'object' && 'float' in value)
      return [...varint(tag * 8 + 5), ...new Uint8Array(new Float32Array([value.float]).buffer)]
    const bytes = typeof value === 'string' ? encoder.encode(value) : value
    return [...varint(tag * 8 + 2), ...varint(bytes.length), ...bytes]
  })
  return Uint8Array.from(parts.flat())
}

const FLOAT = 1
const INT64 = 7
const BOOL = 9

export type Attribute = readonly [
  string,
  number | bigint | string | readonly number[] | { graph: Uint8Array } | Uint8Array,
]

function attribute([name, value]: Attribute): Uint8Array {
  const head: Field = [1, name]
  if (typeof value === 'bigint') return message(head, [3, value], [20, 2])
  if (typeof value === 'number') return message(head, [2, { float: value }], [20, 1])
  if (typeof value === 'string') return message(head, [4, value], [20, 3])
  if (value instanceof Uint8Array) return message(head, [5, value], [20, 4])
  if ('graph' in value) return message(head, [6, value.graph], [20, 5])
  return message(head, ...value.map((each): Field => [7, { float: each }]), [20, 6])
}

export function node(
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Attribute[] = [],
  domain = '',
): Uint8Array {
  return message(
    ...inputs.map((name): Field => [1, name]),
    ...outputs.map((name): Field => [2, name]),
    [4, type],
    ...attributes.map((each): Field => [5, attribute(each)]),
    [7, domain],
  )
}

export function tensor(name: string, type: number, dims: readonly number[], raw: Uint8Array): Uint8Array {
  return message(...dims.map((dim): Field => [1, dim]), [2, type], [8, name], [9, raw])
}

export const int64 = (name: string, dims: readonly number[], ...values: (number | bigint)[]): Uint8Array =>
  tensor(name, INT64, dims, new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer))
export const float = (name: string, dims: readonly number[], ...values: number[]): Uint8Array =>
  tensor(name, FLOAT, dims, new Uint8Array(Float32Array.from(values).buffer))
export const bool = (name: string, value: boolean): Uint8Array => tensor(name, BOOL, [], Uint8Array.of(value ? 1 : 0))

/** A tensor whose bytes are said to lie in a file. */
export const external = (name: string, dims: readonly number[], location: string): Uint8Array =>
  message(
    ...dims.map((dim): Field => [1, dim]),
    [2, FLOAT],
    [8, name],
    [13, message([1, 'location'], [2, location])],
    [14, 1],
  )

type Dim = number | string

/** The type of an input or output: floats unless told otherwise. */
export function value(name: string, dims: readonly Dim[], type = FLOAT): Uint8Array {
  const shape = message(
    ...dims.map((dim): Field => [1, typeof dim === 'string' ? message([2, dim]) : message([1, dim])]),
  )
  return message([1, name], [2, message([1, message([1, type], [2, shape])])])
}

export interface Graph {
  nodes: readonly Uint8Array[]
  inputs: readonly Uint8Array[]
  outputs: readonly Uint8Array[]
  initializers?: readonly Uint8Array[]
}

export function graph({ nodes, inputs, outputs, initializers = [] }: Graph): Uint8Array {
  return message(
    ...nodes.map((each): Field => [1, each]),
    [2, 'graph'],
    ...initializers.map((each): Field => [5, each]),
    ...inputs.map((each): Field => [11, each]),
    ...outputs.map((each): Field => [12, each]),
  )
}

export function model(of: Graph): Uint8Array {
  return message(
    [1, 8],
    [2, 'whence tests'],
    [7, graph(of)],
    [8, message([1, ''], [2, 17])],
    [8, message([1, 'ai.onnx.ml'], [2, 3])],
  )
}

/** `sigmoid(intercept + weights · X)`, floats in a column. */
export function logistic(weights: readonly number[], intercept: number): Uint8Array {
  return model({
    nodes: [
      node('MatMul', ['X', 'W'], ['dot']),
      node('Add', ['dot', 'b'], ['logit']),
      node('Sigmoid', ['logit'], ['score']),
    ],
    inputs: [value('X', ['N', weights.length])],
    outputs: [value('score', ['N', 1])],
    initializers: [float('W', [weights.length, 1], ...weights), float('b', [1], intercept)],
  })
}

/** A loop whose condition stays true: it never ends. */
export function endless(): Uint8Array {
  const body = graph({
    nodes: [node('Identity', ['go'], ['on']), node('Identity', ['carried'], ['next'])],
    inputs: [value('i', [], INT64), value('go', [], BOOL), value('carried', ['N', 1])],
    outputs: [value('on', [], BOOL), value('next', ['N', 1])],
  })
  return model({
    nodes: [node('Loop', ['', 'true', 'X'], ['score'], [['body', { graph: body }]])],
    inputs: [value('X', ['N', 1])],
    outputs: [value('score', ['N', 1])],
    initializers: [bool('true', true)],
  })
}

/** One that asks for `elements` floats. */
export function greedy(elements: bigint): Uint8Array {
  return model({
    nodes: [
      node('ConstantOfShape', ['shape'], ['big']),
      node('ReduceSum', ['big'], ['sum']),
      node('Add', ['X', 'sum'], ['score']),
    ],
    inputs: [value('X', ['N', 1])],
    outputs: [value('score', ['N', 1])],
    initializers: [int64('shape', [1], elements)],
  })
}

/** One that draws random numbers. */
export function random(): Uint8Array {
  return model({
    nodes: [node('RandomNormalLike', ['X'], ['noise']), node('Add', ['X', 'noise'], ['score'])],
    inputs: [value('X', ['N', 1])],
    outputs: [value('score', ['N', 1])],
  })
}

/** One of an operator that only its maker has. */
export function custom(): Uint8Array {
  return model({
    nodes: [node('Secret', ['X'], ['score'], [], 'example.secret')],
    inputs: [value('X', ['N', 1])],
    outputs: [value('score', ['N', 1])],
  })
}

/** One whose weights are said to lie in a file of this machine. */
export function outside(location: string): Uint8Array {
  return model({
    nodes: [node('MatMul', ['X', 'W'], ['score'])],
    inputs: [value('X', ['N', 1])],
    outputs: [value('score', ['N', 1])],
    initializers: [external('W', [1, 1], location)],
  })
}

/** One whose rows depend on each other. */
export function sociable(): Uint8Array {
  return model({
    nodes: [node('ReduceMean', ['X'], ['mean'], [['keepdims', 1n]]), node('Sub', ['X', 'mean'], ['score'])],
    inputs: [value('X', ['N', 1])],
    outputs: [value('score', ['N', 1])],
  })
}
