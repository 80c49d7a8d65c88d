import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Client } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { number } from '../../govern/reports/text.ts'
import { flag, given, integer, positionals, printJson, text, withClient, type Command } from '../command.ts'
import { complain } from '../complain.ts'

const formats = ['openlineage', 'prov'] as const
const directions = ['backward', 'forward', 'both'] as const

export const lineageExport: Command = {
  name: 'lineage export',
  summary: 'write out the events as they came, or the runs as W3C PROV',
  usage: 'lineage export',
  options: {
    format: { type: 'string', value: formats.join('|'), help: 'OpenLineage NDJSON (default), or PROV-JSON' },
    node: { type: 'string', value: 'NODE', help: 'only runs that are reached from here; default: all' },
    direction: { type: 'string', value: directions.join('|'), help: 'from the node (default backward)' },
    'as-of': { type: 'string', value: 'SEQ', help: 'as of this ledger position' },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'write to a file; default: standard output' },
  },
  details: `
The OpenLineage events are those that were recorded, in the order of the log, so that another back end, or a log of its
own, can take them in with "whence lineage import".`,
  async run(context, args) {
    positionals(args)
    const query = given({
      format: oneOf('format', text(args, 'format'), formats),
      node: text(args, 'node'),
      direction: oneOf('direction', text(args, 'direction'), directions),
      asOf: integer(args, 'as-of'),
    })
    const output = text(args, 'output')
    const read = (client: Client) => client.lineageExport(query)
    if (output === undefined) {
      await withClient(context, args, async (client) => {
        const decoder = new TextDecoder()
        for await (const piece of read(client)) context.stdout(decoder.decode(piece, { stream: true }))
        context.stdout(decoder.decode())
      })
      return 0
    }
    const path = resolve(context.cwd, output)
    let bytes = 0
    await withClient(context, args, async (client) => {
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const piece of read(client)) {
          bytes += piece.length
          yield piece
        }
      }
      // A half of an export never stands under its name.
      try {
        await pipeline(Readable.from(counted()), createWriteStream(`${path}.part`))
        await rename(`${path}.part`, path)
      } catch (error) {
        await rm(`${path}.part`, { force: true })
        throw error
      }
    })
    if (flag(args, 'json')) printJson(context, { file: path, bytes })
    else complain(context, `${number(bytes)} bytes written to ${output}`)
    return 0
  },
}

function oneOf<T extends string>(name: string, value: string | undefined, known: readonly T[]): T | undefined {
  if (value === undefined) return undefined
  const found = known.find((each) => each === value)
  if (found === undefined) throw new Fault('usage', `--${name} takes ${known.join(', ')}, not "${value}".`)
  return found
}
