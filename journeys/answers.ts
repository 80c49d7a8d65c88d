// What stories do with answers.
import assert from 'node:assert/strict'
import { WhenceError } from '@whence/sdk'

/** All items of a stream. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** The call is refused with this code; gives the sentence. */
export async function refused(call: Promise<unknown>, code: string): Promise<string> {
  const error: unknown = await call.then(
    () => assert.fail(`it was not refused with ${code}`),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof WhenceError, String(error))
  assert.equal(error.code, code, error.message)
  return error.message
}

/** The event counts of an answer add up. */
export function addsUp({ received, ...parts }: Readonly<Record<string, number>> & { received: number }): void {
  assert.equal(
    Object.values(parts).reduce((sum, n) => sum + n, 0),
    received,
  )
}
