// A span by the GenAI conventions, with their older names, and by our own attributes where there is no convention
// (docs/spec/traces.md lists all). Whatever is not asked for here stays behind.
import { canonicalize } from '@whence/ledger'
import { hash } from 'node:crypto'
import type { Micros } from '../../record/time.ts'
import { readIndexed } from './indexed.ts'
import { readMessages, structured } from './messages.ts'
import type { Messages } from './messages.ts'
import type { OtlpSpan, SpanKind, Value } from './span.ts'
import { Said } from './said.ts'

/** Something that was said, in memory: for as long as its span is being read. */
export interface Content {
  /** Of the canonical JSON, where it is JSON; else of the text. */
  readonly sha256: string
  readonly bytes: number
  /** The texts in it, joined by line feeds; undefined where there are none. */
  readonly text: string | undefined
  /** What the digest is of. */
  readonly whole: string
}

export interface Evaluation {
  readonly name: string | undefined
  readonly score: number | undefined
  readonly label: string | undefined
  readonly explanation: Content | undefined
}

/** What a span says. All texts are as they came: nothing of it may be kept but through `keep.ts`. */
export interface SpanFacts {
  readonly trace: string
  readonly span: string
  readonly parent: string | undefined
  readonly kind: SpanKind
  readonly start: Micros
  readonly end: Micros
  readonly status: 'unset' | 'ok' | 'error'
  readonly lost: number
  /** Its attributes, those of events that describe it joined to them. */
  readonly said: Said
  readonly service: string | undefined
  readonly environment: string | undefined
  readonly provider: string | undefined
  readonly configuration: Readonly<Record<string, string | number | boolean>>
  readonly usage: Readonly<Record<string, number>>
  readonly finish: readonly string[]
  readonly contents: ReadonlyMap<string, Content>
  readonly calls: readonly { id: string | undefined; name: string | undefined; arguments: Content | undefined }[]
  readonly evaluations: readonly Evaluation[]
}

const CONFIGURATION = [
  'temperature',
  'top_p',
  'top_k',
  'max_tokens',
  'seed',
  'frequency_penalty',
  'presence_penalty',
  'stop_sequences',
  'choice.count',
]

/** By our name: those of the conventions, the newest first. */
const USAGE: Readonly<Record<string, readonly string[]>> = {
  input: ['gen_ai.usage.input_tokens', 'gen_ai.usage.prompt_tokens'],
  output: ['gen_ai.usage.output_tokens', 'gen_ai.usage.completion_tokens'],
  cacheRead: ['gen_ai.usage.cache_read.input_tokens'],
  cacheCreation: ['gen_ai.usage.cache_creation.input_tokens'],
}
const MOST_TOKENS = 1_000_000_000

/** Events that hold what else is an attribute of the span. */
const DESCRIBING = new Set([
  'gen_ai.client.inference.operation.details',
  'gen_ai.content.prompt',
  'gen_ai.content.completion',
])

export function factsOf(span: OtlpSpan): SpanFacts {
  const said = new Said(
    span.attributes,
    ...span.events.flatMap(({ name, attributes }) => (DESCRIBING.has(name) ? [attributes] : [])),
  )
  const resource = new Said(span.resource)
  const { kind, start, end, status, lost } = span
  const output = spoken(said, 'gen_ai.output.messages', 'gen_ai.completion', ofEvents(span, 'out'))
  return {
    trace: span.traceId,
    span: span.spanId,
    parent: span.parentId,
    kind,
    start,
    end,
    status,
    lost,
    said,
    service: resource.text('service.name'),
    environment:
      said.text('whence.environment') ?? resource.text('deployment.environment.name', 'deployment.environment'),
    provider: said.text('gen_ai.provider.name', 'gen_ai.system'),
    configuration: configurationOf(said),
    usage: usageOf(said),
    finish: said.texts('gen_ai.response.finish_reasons'),
    contents: contentsOf(span, said, output),
    calls: (output?.messages.calls ?? []).map(({ id, name, arguments: given }) => ({
      id,
      name,
      arguments: given === null ? undefined : contentOf(given, []),
    })),
    evaluations: evaluationsOf(span, said),
  }
}

interface Spoken {
  readonly value: Value
  readonly messages: Messages
}

/** Messages under their name of now, an older one, older ones by number, or as events. */
function spoken(said: Said, name: string, older: string, events: readonly Value[]): Spoken | undefined {
  const value =
    said.get(name) ?? said.get(older) ?? readIndexed(said, older) ?? (events.length > 0 ? events : undefined)
  return value === undefined ? undefined : { value, messages: readMessages(value) }
}

/** What conventions before 1.37 wrote as an event for each message. */
const MESSAGES: Readonly<Record<string, { way: 'in' | 'out'; role: string }>> = {
  'gen_ai.system.message': { way: 'in', role: 'system' },
  'gen_ai.user.message': { way: 'in', role: 'user' },
  'gen_ai.assistant.message': { way: 'in', role: 'assistant' },
  'gen_ai.tool.message': { way: 'in', role: 'tool' },
  'gen_ai.choice': { way: 'out', role: 'assistant' },
}

function ofEvents(span: OtlpSpan, way: 'in' | 'out'): Value[] {
  return span.events.flatMap(({ name, attributes }) => {
    const known = MESSAGES[name]
    if (known?.way !== way) return []
    const message: Record<string, Value> = { role: known.role }
    for (const part of ['content', 'message', 'tool_calls', 'gen_ai.event.content']) {
      const value = attributes.get(part)
      if (value !== undefined) message[part === 'gen_ai.event.content' ? 'content' : part] = structured(value)
    }
    return [message]
  })
}

function contentsOf(span: OtlpSpan, said: Said, output: Spoken | undefined): Map<string, Content> {
  const contents = new Map<string, Content>()
  const add = (name: string, value: Value | undefined, texts?: readonly string[]): void => {
    if (value !== undefined && value !== null) contents.set(name, contentOf(value, texts))
  }
  const input = spoken(said, 'gen_ai.input.messages', 'gen_ai.prompt', ofEvents(span, 'in'))
  if (input) add('input', input.value, input.messages.texts)
  const instructions = said.get('gen_ai.system_instructions')
  if (instructions !== undefined) {
    const { system, texts } = readMessages(instructions)
    add('system', instructions, [...system, ...texts])
  } else if (input && input.messages.system.length > 0) add('system', input.messages.system.join('\n'))
  if (output) add('output', output.value, output.messages.texts)
  const thought = said.text('whence.thought') ?? (output?.messages.thoughts.join('\n') || undefined)
  add('thought', thought)
  add('arguments', said.get('gen_ai.tool.call.arguments'), [])
  add('result', said.get('gen_ai.tool.call.result'), [])
  for (const [part, text] of said.below('whence.copy.')) {
    if (typeof text === 'string' && /^[a-z][a-z0-9_]{0,31}$/.test(part)) add(`copy.${part}`, text)
  }
  return contents
}

/** The digest is the same for JSON in text and for the structure that it stands for. */
export function contentOf(given: Value, texts?: readonly string[]): Content {
  const value = structured(given)
  const whole = typeof value === 'string' ? value : canonical(value)
  const text = texts === undefined ? (typeof given === 'string' ? given : undefined) : texts.join('\n') || undefined
  return { sha256: hash('sha256', whole), bytes: Buffer.byteLength(whole), text, whole }
}

function canonical(value: Value): string {
  try {
    return canonicalize(value)
  } catch {
    return JSON.stringify(value)
  }
}

function configurationOf(said: Said): Record<string, string | number | boolean> {
  const configuration: Record<string, string | number | boolean> = {}
  for (const name of CONFIGURATION) {
    const value =
      said.get(`gen_ai.request.${name}`) ?? (name === 'seed' ? said.get('gen_ai.openai.request.seed') : undefined)
    if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string')
      configuration[name] = value
    else if (Array.isArray(value)) configuration[name] = JSON.stringify(value)
  }
  return configuration
}

function usageOf(said: Said): Record<string, number> {
  const usage: Record<string, number> = {}
  for (const [name, from] of Object.entries(USAGE)) {
    const tokens = said.number(...from)
    if (tokens !== undefined && Number.isInteger(tokens) && tokens >= 0 && tokens <= MOST_TOKENS) usage[name] = tokens
  }
  return usage
}

/** On the span that was evaluated they are events; a span of its own may stand for one too. */
function evaluationsOf(span: OtlpSpan, own: Said): Evaluation[] {
  const all = span.events.flatMap(({ name, attributes }) =>
    name === 'gen_ai.evaluation.result' ? [new Said(attributes)] : [],
  )
  if (own.get('gen_ai.evaluation.name') !== undefined) all.push(own)
  return all.map((said) => {
    const explanation = said.text('gen_ai.evaluation.explanation')
    return {
      name: said.text('gen_ai.evaluation.name'),
      score: said.number('gen_ai.evaluation.score.value'),
      label: said.text('gen_ai.evaluation.score.label'),
      explanation: explanation === undefined ? undefined : contentOf(explanation),
    }
  })
}
