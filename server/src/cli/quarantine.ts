import type { Quarantined } from '@whence/sdk'
import { cut, number, paint, plural, printable, table } from '../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, withClient, type Command } from './command.ts'
import type { Context } from './context.ts'
import { before } from './options.ts'

export const quarantine: Command = {
  name: 'quarantine',
  summary: 'what was kept back, why, and as it came',
  usage: 'quarantine [STREAM]',
  options: {
    line: { type: 'string', value: 'N', help: 'only what came from line N of a file, with its content' },
    limit: { type: 'string', value: 'N', help: 'at most N, newest first (default 100)' },
    before,
  },
  async run(context, args) {
    const [stream] = positionals(args, '[STREAM]')
    const line = integer(args, 'line', 1)
    const limit = integer(args, 'limit', 1) ?? 100
    const query = given({ stream, line, limit, before: integer(args, 'before') })
    const kept = await withClient(context, args, (client) => client.quarantined(query))
    if (flag(args, 'json')) printJson(context, kept)
    else if (kept.length === 0) context.stdout('Nothing is in quarantine here.\n')
    else context.stdout((line === undefined ? list : each)(printable(kept), context) + more(kept, limit, stream))
    return 0
  },
}

function list(kept: Quarantined[], { color, columns }: Context): string {
  const { dim } = paint(color)
  const rows = kept.map((item) => [number(item.seq), item.stream, place(item), state(item), cut(why(item), 100)])
  const head = ['record', 'stream', 'from', 'state', 'why'].map(dim)
  return `${table([head, ...rows], { right: [0], indent: '  ', columns })}\n`
}

function each(kept: Quarantined[], { color, columns }: Context): string {
  const { bold, dim } = paint(color)
  return kept
    .map((item) => {
      const rows = [
        ['from', place(item) || item.source],
        ['recorded', item.recorded],
        ['state', state(item)],
        ...item.violations.map(({ rule, path, message }) => [
          'broke',
          `${message} (rule ${rule}, at ${path || 'the event'})`,
        ]),
        ['content', item.content ?? dim(item.erased ? 'erased: its key is destroyed' : 'not readable')],
      ]
      return `${bold(`record ${number(item.seq)}, stream ${item.stream}`)}\n${table(rows, { indent: '  ', columns })}\n`
    })
    .join('\n')
}

function place({ file, line, source }: Quarantined): string {
  if (line === undefined) return file ?? source
  return `${file ? `${file} ` : ''}line ${number(line)}`
}

function state({ reason, released, erased }: Quarantined): string {
  if (erased) return 'erased'
  if (released !== undefined) return `released as ${number(released)}`
  return reason === 'conflict' ? 'conflict' : 'kept'
}

function why({ reason, violations, id }: Quarantined): string {
  const [first, ...others] = violations
  if (!first) return reason === 'conflict' ? `other content under the id ${id ?? 'of a recorded event'}` : ''
  return others.length === 0 ? first.message : `${first.message} (and ${plural(others.length, 'more', 'more')})`
}

function more(kept: Quarantined[], limit: number, stream: string | undefined): string {
  if (kept.length < limit) return ''
  return `  for the next page: whence quarantine ${stream ? `${stream} ` : ''}--before ${kept.at(-1)!.seq}\n`
}
