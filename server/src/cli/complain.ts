import { printable, wrap } from '../govern/reports/text.ts'
import type { Context } from './context.ts'

/** Says what went wrong as `whence: …`, further lines under the first. */
export function complain(context: Context, ...lines: string[]): void {
  const room = Math.max(40, Math.min(context.columns, 120))
  const text = lines.flatMap((line) => line.split('\n')).map((line) => wrap(printable(line), room - 8, '        '))
  context.stderr(`whence: ${text.join('\n        ')}\n`)
}
