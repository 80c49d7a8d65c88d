// Messages to and from a model, in the forms in which instrumentations write them: text, JSON in text, or structured;
// the GenAI conventions' parts, and what was usual before them.
import { readContent } from '../contracts/content.ts'
import type { Value } from './span.ts'

type Structured = { readonly [name: string]: Value }

export interface ToolCall {
  readonly id: string | undefined
  readonly name: string | undefined
  readonly arguments: Value
}

/** What messages hold, taken apart. */
export interface Messages {
  /** Of system and developer messages. */
  readonly system: string[]
  readonly texts: string[]
  /** Reasoning that a model lets see. */
  readonly thoughts: string[]
  readonly calls: ToolCall[]
}

/** JSON in text as its value; any other value as it is. */
export function structured(value: Value): Value {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value
  const read = readContent(Buffer.from(value))
  // What is nested too deep, or has half characters, stays the text that it is.
  const sound = read.value !== undefined && read.problems.every(({ rule }) => rule !== 'json.text')
  return sound ? (read.value as Value) : value
}

/** `given` is one message, a list of them, or text. */
export function readMessages(given: Value): Messages {
  const messages: Messages = { system: [], texts: [], thoughts: [], calls: [] }
  const value = structured(given)
  for (const message of Array.isArray(value) ? (value as readonly Value[]) : [value]) readMessage(message, messages)
  return messages
}

function readMessage(message: Value, into: Messages): void {
  if (typeof message === 'string') into.texts.push(message)
  if (!isStructured(message)) return
  // A choice has its message inside.
  const inner = member(message, 'message')
  const { role, parts, content, type, tool_calls: calls } = isStructured(inner) ? inner : message
  const texts = role === 'system' || role === 'developer' ? into.system : into.texts
  if (parts === undefined && content !== undefined && typeof type === 'string') readPart(message, texts, into)
  else
    for (const part of listed(parts ?? content)) {
      if (typeof part === 'string') texts.push(part)
      else if (isStructured(part)) readPart(part, texts, into)
    }
  for (const call of listed(calls)) if (isStructured(call)) readCall(call, into)
  if (parts === undefined && content === undefined && typeof inner === 'string') texts.push(inner)
}

function readPart(part: Structured, texts: string[], into: Messages): void {
  const type = typeof part.type === 'string' ? part.type : 'text'
  if (type === 'text') pushText(texts, part.content ?? part.text)
  else if (type === 'reasoning' || type === 'thinking')
    pushText(into.thoughts, part.content ?? part.thinking ?? part.text)
  else if (type === 'tool_call' || type === 'tool_use' || type === 'function') readCall(part, into)
}

function readCall(call: Structured, into: Messages): void {
  const inner = member(call, 'function')
  const { name, arguments: given, input } = isStructured(inner) ? { ...call, ...inner } : call
  into.calls.push({
    id: typeof call.id === 'string' ? call.id : undefined,
    name: typeof name === 'string' ? name : undefined,
    arguments: given ?? input ?? null,
  })
}

function pushText(texts: string[], text: Value | undefined): void {
  if (typeof text === 'string') texts.push(text)
}

function listed(value: Value | undefined): readonly Value[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? (value as readonly Value[]) : [value]
}

function member(value: Structured, name: string): Value | undefined {
  return Object.hasOwn(value, name) ? value[name] : undefined
}

function isStructured(value: Value | undefined): value is Structured {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
