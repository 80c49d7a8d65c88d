// Long questions: asked under a name, with a line on the terminal that says how far the answer is.
import { randomBytes } from 'node:crypto'
import type { Client, JobProgress } from '@whence/sdk'
import { cut, number } from '../govern/reports/text.ts'
import type { Context } from './context.ts'

const EVERY = 500

/** Asks, and shows meanwhile how far it is; nothing is shown where there is no terminal. */
export async function following<T>(
  context: Context,
  client: Client,
  what: string,
  ask: (job: string) => Promise<T>,
): Promise<T> {
  const job = randomBytes(12).toString('base64url')
  if (!context.isTTY.stderr) return ask(job)
  let over = false
  let asking = false
  const show = async (): Promise<void> => {
    if (asking) return
    asking = true
    // The question may be over by now, or not have begun: then there is nothing to show.
    const far = await client.progress(job).catch(() => undefined)
    asking = false
    if (far && !over) context.stderr(`\r\x1b[2K${cut(line(what, far), context.columns - 1)}`)
  }
  const timer = setInterval(() => void show(), EVERY)
  try {
    return await ask(job)
  } finally {
    over = true
    clearInterval(timer)
    context.stderr('\r\x1b[2K')
  }
}

function line(what: string, { done, total }: JobProgress): string {
  if (total === undefined) return `  … ${what}   ${number(done)} looked at`
  const share = total === 0 ? 100 : Math.floor((100 * done) / total)
  return `  … ${what}   ${number(done)} of ${number(total)}   ${share} %`
}
