// Scores every customer at the end of July for the first week of August.
//
//   WHENCE_KEY=wk_… node score.ts attribution_data.csv converts_in_7_days@1
import { createClient, type Client, type ModelVersion, type Prediction, type Snapshot } from '@whence/sdk'
import { score } from '../logistic.ts'
import { identifiersBySubject, predictionId, record } from '../recording.ts'
import { readTouchpoints } from './touchpoints.ts'

export const at = '2018-08-01T00:00:00Z'

/** Resolves to the number of predictions recorded. */
export async function scoreCustomers(
  whence: Client,
  { model, snapshot, customers }: { model: ModelVersion; snapshot: Snapshot; customers: readonly string[] },
): Promise<number> {
  const customerOf = await identifiersBySubject(whence, customers)
  const predictions: Prediction[] = []
  for await (const { subject, values } of whence.snapshotRows(snapshot.id)) {
    const customer = customerOf.get(subject)
    if (customer === undefined) continue
    predictions.push({
      id: predictionId(customer.slice('A'.length), model),
      subject,
      ...score(model.model!, values),
      inputs: Object.fromEntries(model.model!.features.map(({ name }) => [name, values[name]!])),
      time: at,
    })
  }
  return record(whence, model, snapshot, predictions)
}

export function customersIn(file: string): string[] {
  return [...new Set(readTouchpoints(file).map((touchpoint) => touchpoint.customer))].toSorted()
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const [file = 'attribution_data.csv', version = 'converts_in_7_days@1'] = process.argv.slice(2)
  const whence = createClient({ url, key })
  const model = await whence.model(version)
  const snapshot = await whence.materialize({ view: model.view!, at })
  console.log(await scoreCustomers(whence, { model, snapshot, customers: customersIn(file) }), 'predictions recorded')
}
