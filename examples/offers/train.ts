// Learns who completes an offer within the next six hours.
//
//   WHENCE_KEY=wk_… node train.ts transcript.json
import { createClient, type Client, type ModelVersion } from '@whence/sdk'
import { learn } from '../training.ts'
import { hour, readTranscript, start } from './files.ts'

const features = [
  'rewarding_received',
  'offers_viewed',
  'offers_viewed_6h',
  'offers_completed',
  'purchases',
  'purchases_12h',
  'spent',
  'hours_since_view',
  'age',
  'income',
  'member_days',
]
const parameters = { l2: 10, missing: { hours_since_view: 48 }, features }

// The file knows the hours 0, 6, 12, 18, 24 and 30. Features are taken half-way between two of them, the label from the
// six hours after. The last time tests what the others taught; hour 27 is left for the predictions.
const atHour = (hours: number): string => new Date(start + hours * hour).toISOString()
const teachAt = [3, 9, 15].map(atHour)
const testAt = atHour(21)

/** For everybody seen by then, at each of the times: whether they completed an offer in the six hours after. */
export function labelled(file: string): { entity: string; at: string; label: boolean }[] {
  const members = Map.groupBy(readTranscript(file), (event) => event.person)
  return [...teachAt, testAt].flatMap((at) => {
    const now = Date.parse(at)
    return [...members]
      .filter(([, own]) => own.some((event) => event.at <= now))
      .map(([person, own]) => ({
        entity: person,
        at,
        label: own.some(({ event, at: then }) => event === 'offer completed' && then > now && then <= now + 6 * hour),
      }))
  })
}

export function train(whence: Client, file: string): Promise<ModelVersion> {
  return learn(whence, {
    id: 'completes-offer',
    view: 'offer_response',
    label: 'completes an offer within 6 hours',
    spine: labelled(file),
    parameters: { ...parameters, teachAt, testAt },
    isTest: (row) => Date.parse(row.at) === Date.parse(testAt),
    model: {
      name: 'completes_offer',
      description: 'Whether a member completes an offer within six hours',
      predicts: 'completes an offer within 6 hours',
    },
    script: import.meta.url,
  })
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const { name, version, metrics } = await train(createClient({ url, key }), process.argv[2] ?? 'transcript.json')
  console.log(`${name}@${version}`, metrics)
}
