import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../../fault.ts'
import { number } from '../../govern/reports/text.ts'
import { flag, positionals, printJson, required, withClient, type Command } from '../command.ts'
import { complain } from '../complain.ts'

export const trainingExport: Command = {
  name: 'training-set export',
  summary: 'write a training set to a Parquet file',
  usage: 'training-set export ID --out FILE.parquet',
  options: { out: { type: 'string', short: 'o', value: 'FILE', help: 'where to; it is replaced when it is there' } },
  details: `
The file holds the rows as they are now, without those of people who were erased since. What arrives is held against the
digest on record. Subjects are random ids: the file names nobody, but it is about people, and no erasure reaches a copy.`,
  async run(context, args) {
    const [id] = positionals(args, 'ID')
    const output = required(args, 'out', 'the file to write')
    const path = resolve(context.cwd, output)
    const hash = createHash('sha256')
    let bytes = 0
    const set = await withClient(context, args, async (client) => {
      async function* counted(): AsyncGenerator<Uint8Array> {
        for await (const piece of client.exportTrainingSet(id!)) {
          bytes += piece.length
          hash.update(piece)
          yield piece
        }
      }
      // A half of an export never stands under its name.
      try {
        await pipeline(Readable.from(counted()), createWriteStream(`${path}.part`))
        const found = await client.trainingSet(id!)
        const digest = hash.digest('hex')
        if (!found.now.files.some(({ sha256 }) => sha256 === digest))
          throw new Fault('altered', 'what arrived is not the file on record: export it again')
        await rename(`${path}.part`, path)
        return found
      } catch (error) {
        await rm(`${path}.part`, { force: true })
        throw error
      }
    })
    const [file] = set.now.files
    if (flag(args, 'json')) printJson(context, { file: path, bytes, rows: set.now.rows, sha256: file!.sha256 })
    else complain(context, `${number(set.now.rows)} rows, ${number(bytes)} bytes written to ${output}`)
    return 0
  },
}
