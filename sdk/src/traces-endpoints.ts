// What was received as spans. Where they are sent to, POST /v1/traces, is laid down by OTLP: see docs/spec/traces.md.
import { z } from 'zod'
import type { Endpoint } from './endpoints.ts'
import { Trace, TracesQuery } from './traces.ts'

export const tracesEndpoints = {
  trace: {
    method: 'GET',
    path: '/v1/traces/{trace}',
    scope: 'read',
    summary: 'The spans of a trace, and what they say of actions',
    answer: { json: Trace },
  },
  traces: {
    method: 'GET',
    path: '/v1/traces',
    scope: 'read',
    summary: 'The traces that name an action',
    query: TracesQuery,
    answer: { json: z.array(Trace) },
  },
} as const satisfies Record<string, Endpoint>
