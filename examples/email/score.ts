// Scores every customer for the next campaign, and records each score with the values and reasons behind it.
//
//   WHENCE_KEY=wk_… node score.ts email_events.ndjson opens_subject_a@1
import { createClient, type Client, type ModelVersion, type Prediction, type Snapshot } from '@whence/sdk'
import { score } from '../logistic.ts'
import { identifiersBySubject, predictionId, record } from '../recording.ts'
import { readEvents } from './events.ts'
import { next } from './programme.ts'

export const at = '2026-03-20T00:00:00Z'

/** Resolves to the number of predictions recorded. */
export async function scoreCustomers(
  whence: Client,
  { model, snapshot, customers }: { model: ModelVersion; snapshot: Snapshot; customers: readonly string[] },
): Promise<number> {
  const customerOf = await identifiersBySubject(whence, customers)
  const predictions: Prediction[] = []
  for await (const { subject, values } of whence.snapshotRows(snapshot.id)) {
    const customer = customerOf.get(subject)
    // Who has objected to marketing is not profiled for it either.
    if (customer === undefined || Number(values['optouts_90d']) > 0) continue
    predictions.push({
      id: predictionId(customer.slice('C-'.length), model),
      subject,
      ...score(model.model!, values),
      inputs: Object.fromEntries(model.model!.features.map(({ name }) => [name, values[name]!])),
      time: at,
      about: { campaign: next.name, creative: 'A' },
    })
  }
  return record(whence, model, snapshot, predictions)
}

export function customersIn(file: string): string[] {
  return [...new Set(readEvents(file).map((event) => event.customer_id))].toSorted()
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const [file = 'email_events.ndjson', version = 'opens_subject_a@1'] = process.argv.slice(2)
  const whence = createClient({ url, key })
  const model = await whence.model(version)
  const snapshot = await whence.materialize({ view: model.view!, at })
  console.log(await scoreCustomers(whence, { model, snapshot, customers: customersIn(file) }), 'predictions recorded')
}
