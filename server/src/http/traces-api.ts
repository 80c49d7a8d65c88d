// What was received as spans, for readers. Where spans come in is otlp.ts.
import { TraceId } from '@whence/sdk'
import { Fault } from '../fault.ts'
import type { Traces } from '../path/actions/traces.ts'
import type { Handlers } from './handlers.ts'

export function traceHandlers(traces: Traces): Pick<Handlers, 'trace' | 'traces'> {
  return {
    async trace({ path }) {
      const id = path.trace!.toLowerCase()
      if (!TraceId.safeParse(id).success) throw new Fault('invalid', 'a trace id has 32 hex digits')
      const [trace] = await traces.of({ trace: id })
      if (!trace)
        throw new Fault('not_found', `nothing of the trace ${id} is on record: is it sent here, and to this log?`)
      return trace
    },
    traces: ({ query }) => traces.of({ action: query.action }),
  }
}
