// An agent that is traced by OpenTelemetry's own SDK, exporting over HTTP as in production.
import { context, SpanKind, trace } from '@opentelemetry/api'
import type { Attributes, Span } from '@opentelemetry/api'
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

export type Encoding = 'json' | 'protobuf'
export const encodings: readonly Encoding[] = ['json', 'protobuf']

export interface Traced {
  provider: TracerProvider
  /** Everything that ended is sent, or an error says why not. */
  flush(): Promise<void>
}

/** OpenTelemetry with an exporter to this server. */
export function traced(
  { url, token }: { url: string; token: string },
  encoding: Encoding,
  options: { gzip?: boolean; resource?: Attributes } = {},
): Traced {
  const config = {
    url: `${url}/v1/traces`,
    headers: { authorization: `Bearer ${token}` },
    ...(options.gzip ? { compression: 'gzip' as never } : {}),
  }
  const exporter = encoding === 'json' ? new JsonExporter(config) : new ProtobufExporter(config)
  const failures: unknown[] = []
  const telling: SpanExporter = {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error) failures.push(result.error)
        done(result)
      }),
    shutdown: () => exporter.shutdown(),
  }
  const provider = new TracerProvider({
    resource: resourceFromAttributes(options.resource ?? { 'service.name': 'offers-agent' }),
    spanProcessors: [new BatchSpanProcessor({ exporter: telling })],
  })
  return {
    provider,
    async flush() {
      await provider.forceFlush()
      if (failures.length > 0) throw failures[0]
    },
  }
}

/** Spans as the SDK hands them to an exporter. */
export async function spansOf(work: (provider: TracerProvider) => void | Promise<void>): Promise<ReadableSpan[]> {
  const exporter = new InMemorySpanExporter()
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'offers-agent' }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  await work(provider)
  const spans = [...exporter.getFinishedSpans()]
  await provider.shutdown()
  return spans
}

/** The subject-line agent: it looks a customer up, asks a model, and decides. Gives the id of its trace. */
export function decide(
  provider: TracerProvider,
  over: { action?: string; agent?: Attributes; chat?: Attributes } = {},
): string {
  const tracer = provider.getTracer('offers')
  const within = (parent: Span) => trace.setSpan(context.active(), parent)
  const agent = tracer.startSpan('invoke_agent subject-line', {
    kind: SpanKind.INTERNAL,
    attributes: {
      'gen_ai.operation.name': 'invoke_agent',
      'gen_ai.agent.name': 'subject-line',
      'gen_ai.agent.version': '3',
      'gen_ai.conversation.id': 'conversation-17',
      'whence.action.id': over.action ?? 'send-42',
      'whence.action.type': 'send',
      'whence.campaign': 'spring-sale',
      'whence.channel': 'email',
      'whence.entity': 'user-42',
      'whence.prompt.template': 'subject-line',
      'whence.prompt.version': '7',
      'whence.copy.subject': 'Your spring offer, Anna',
      'whence.copy.text': 'Dear Anna, ten per cent on boots.',
      ...over.agent,
    },
  })
  const tool = tracer.startSpan(
    'execute_tool look_up',
    {
      attributes: {
        'gen_ai.operation.name': 'execute_tool',
        'gen_ai.tool.name': 'look_up',
        'gen_ai.tool.type': 'function',
        'gen_ai.tool.call.id': 'call-1',
        'gen_ai.tool.call.arguments': '{"customer":"user-42"}',
        'gen_ai.tool.call.result': '{"name":"Anna","boots":3}',
      },
    },
    within(agent),
  )
  tool.end()
  const chat = tracer.startSpan(
    'chat gpt-4o',
    {
      kind: SpanKind.CLIENT,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai',
        'gen_ai.request.model': 'gpt-4o',
        'gen_ai.response.model': 'gpt-4o-2024-08-06',
        'gen_ai.response.id': 'chatcmpl-1',
        'gen_ai.response.finish_reasons': ['stop'],
        'gen_ai.request.temperature': 0.2,
        'gen_ai.request.max_tokens': 200,
        'gen_ai.usage.input_tokens': 120,
        'gen_ai.usage.output_tokens': 16,
        'gen_ai.system_instructions': JSON.stringify([{ type: 'text', content: 'You write subject lines.' }]),
        'gen_ai.input.messages': JSON.stringify([
          { role: 'user', parts: [{ type: 'text', content: 'Write to Anna about boots.' }] },
        ]),
        'gen_ai.output.messages': JSON.stringify([
          {
            role: 'assistant',
            parts: [
              { type: 'reasoning', content: 'She bought three pairs.' },
              { type: 'text', content: 'Your spring offer, Anna' },
            ],
            finish_reason: 'stop',
          },
        ]),
        ...over.chat,
      },
    },
    within(agent),
  )
  chat.addEvent('gen_ai.evaluation.result', {
    'gen_ai.evaluation.name': 'relevance',
    'gen_ai.evaluation.score.value': 0.9,
    'gen_ai.evaluation.score.label': 'relevant',
    'gen_ai.evaluation.explanation': 'It names what she buys.',
  })
  chat.end()
  agent.end()
  return agent.spanContext().traceId
}
