// Learns who buys within the next seven days from what they were shown before.
//
//   WHENCE_KEY=wk_… node train.ts attribution_data.csv
import { createClient, type Client, type ModelVersion } from '@whence/sdk'
import { learn } from '../training.ts'
import { readTouchpoints } from './touchpoints.ts'

const features = [
  'impressions_7d',
  'impressions_30d',
  'facebook_30d',
  'online_video_30d',
  'paid_search_30d',
  'channels_30d',
  'days_since_impression',
  'conversions_30d',
  'conversion_value_30d',
  'days_since_conversion',
]
const parameters = { l2: 10, missing: { days_since_impression: 30, days_since_conversion: 30 }, features }

/** Features are taken at these times, the label from the seven days after. The last one tests what the others taught. */
const teachAt = ['2018-07-08T00:00:00Z', '2018-07-11T00:00:00Z', '2018-07-15T00:00:00Z', '2018-07-18T00:00:00Z']
const testAt = '2018-07-25T00:00:00Z'
const sevenDays = 7 * 24 * 3600 * 1000

/** For everybody seen by then, at each of the times: whether they bought in the seven days after. */
export function labelled(file: string): { entity: string; at: string; label: boolean }[] {
  const customers = Map.groupBy(readTouchpoints(file), (touchpoint) => touchpoint.customer)
  return [...teachAt, testAt].flatMap((at) => {
    const now = Date.parse(at)
    return [...customers]
      .filter(([, own]) => own.some((touchpoint) => touchpoint.at <= now))
      .map(([customer, own]) => ({
        entity: customer,
        at,
        label: own.some(({ kind, at: then }) => kind === 'conversion' && then > now && then <= now + sevenDays),
      }))
  })
}

export function train(whence: Client, file: string): Promise<ModelVersion> {
  return learn(whence, {
    id: 'converts-in-7-days',
    view: 'customer_touchpoints',
    label: 'converts within 7 days',
    spine: labelled(file),
    parameters: { ...parameters, teachAt, testAt },
    isTest: (row) => Date.parse(row.at) === Date.parse(testAt),
    model: {
      name: 'converts_in_7_days',
      description: 'Whether a customer buys within seven days, from ads shown and purchases so far',
      predicts: 'buys within 7 days',
    },
    script: import.meta.url,
  })
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const { name, version, metrics } = await train(createClient({ url, key }), process.argv[2] ?? 'attribution_data.csv')
  console.log(`${name}@${version}`, metrics)
}
