import { Fault } from '../fault.ts'
import { traceText } from '../govern/reports/trace-text.ts'
import { flag, positionals, printJson, text, withClient, type Command } from './command.ts'

export const tracesShow: Command = {
  name: 'traces show',
  summary: 'show the spans of a trace as a tree, and what they say of actions',
  usage: 'traces show [TRACE_ID]',
  options: {
    action: { type: 'string', value: 'ID', help: 'the traces that name this action, instead of one by its id' },
  },
  details: `
Spans come by OTLP over HTTP: set OTEL_EXPORTER_OTLP_ENDPOINT to the address of a running server, and
OTEL_EXPORTER_OTLP_HEADERS to "Authorization=Bearer KEY". Of what was said there are digests; names, numbers and
structure are kept. The exit code is 1 where nothing is on record.`,
  async run(context, args) {
    const [id] = positionals(args, '[TRACE_ID]')
    const action = text(args, 'action')
    if ((id === undefined) === (action === undefined))
      throw new Fault('usage', 'Say which: the id of a trace (32 hex digits), or --action with the id of an action.')
    const traces = await withClient(context, args, async (client) =>
      id === undefined ? client.traces({ action: action! }) : [await client.trace(id)],
    )
    if (flag(args, 'json')) printJson(context, id === undefined ? traces : traces[0])
    else if (traces.length === 0) context.stdout('No span names this action.\n')
    else context.stdout(traces.map((trace) => `${traceText(trace, context.color)}\n`).join(''))
    return traces.length === 0 ? 1 : 0
  },
}
