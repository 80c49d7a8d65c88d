// Reading the file: customer_id,time,interaction,conversion,conversion_value,channel, without quotes, in no order.
import { readFileSync } from 'node:fs'

export interface Touchpoint {
  readonly customer: string
  readonly time: string
  readonly at: number
  readonly kind: 'impression' | 'conversion'
  /** The value of a conversion in ten-thousandths, so that sums are exact. */
  readonly value: number
  readonly channel: string
}

export function readTouchpoints(file: string): Touchpoint[] {
  const [, ...lines] = readFileSync(file, 'utf8').trimEnd().split(/\r?\n/)
  return lines.map((line) => {
    const [customer, time, interaction, , value, channel] = line.split(',') as [
      string,
      string,
      string,
      string,
      string,
      string,
    ]
    return {
      customer,
      time,
      at: Date.parse(time),
      kind: interaction as Touchpoint['kind'],
      value: Math.round(Number(value) * 10_000),
      channel,
    }
  })
}
