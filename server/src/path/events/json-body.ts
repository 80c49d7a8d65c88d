// A JSON body of events, split into the bytes of each.
import { Fault } from '../../fault.ts'
import { readContent, splitArray } from '../../rules/contracts/content.ts'

/** A JSON body (one event, or an array of them) is read whole, so it is bounded; NDJSON is not. */
export const MAX_JSON_BODY_BYTES = 64 * 1024 * 1024

/**
 * One event, or the items of an array; what is neither throws `invalid`. `judged`: the caller says by itself what is wrong
 * with the bytes of one event.
 */
export async function readJsonBody(
  body: AsyncIterable<Uint8Array>,
  judged = false,
): Promise<{ items: Uint8Array[]; single: boolean }> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > MAX_JSON_BODY_BYTES)
      throw new Fault('too_large', 'a JSON body may have 64 MiB: send NDJSON, or several requests')
    chunks.push(chunk)
  }
  const bytes = new Uint8Array(Buffer.concat(chunks))
  const first = bytes.find((byte) => byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09)
  if (first === undefined) throw new Fault('invalid', 'the body is empty: send one event, an array of them, or NDJSON')
  if (first === 0x5b) {
    const split = splitArray(bytes)
    if ('problem' in split) throw new Fault('invalid', `the body is not a JSON array: ${split.problem.message}`)
    return { items: split.items, single: false }
  }
  if (judged) return { items: [bytes], single: true }
  const { problems } = readContent(bytes)
  const broken = problems.find((problem) => problem.rule === 'json.syntax' || problem.rule === 'json.utf8')
  if (broken)
    throw new Fault(
      'invalid',
      `the body is not JSON: ${broken.message}. For one event a line send application/x-ndjson.`,
    )
  return { items: [bytes], single: true }
}
