// Learns who buys within the next seven days from what they were shown before.
//
//   WHENCE_KEY=wk_… node train.ts attribution_data.csv
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createClient, type Client, type ModelVersion, type TrainingRow } from '@whence/sdk'
import { auc, fit, score, type Row } from '../logistic.ts'
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

export async function train(whence: Client, file: string): Promise<ModelVersion> {
  const started = new Date().toISOString()
  const run = randomUUID()
  const trainingSet = await whence.createTrainingSet({
    id: `converts-in-7-days-${run.slice(0, 8)}`,
    view: 'customer_touchpoints',
    label: 'converts within 7 days',
    spine: labelled(file),
  })
  const rows: TrainingRow[] = []
  for await (const row of whence.trainingRows(trainingSet.id)) rows.push(row)
  const isTest = (row: TrainingRow) => Date.parse(row.at) === Date.parse(testAt)
  const { teach = [], test = [] } = Object.groupBy(rows, (row) => (isTest(row) ? 'test' : 'teach'))
  const model = fit(teach, parameters)

  return whence.registerModel({
    name: 'converts_in_7_days',
    description: 'Whether a customer buys within seven days, from ads shown and purchases so far',
    predicts: 'buys within 7 days',
    view: trainingSet.view,
    trainingSet: trainingSet.id,
    run: {
      id: run,
      started,
      ended: new Date().toISOString(),
      parameters: { ...parameters, teachAt, testAt },
      code: { sha256: codeDigest() },
    },
    metrics: {
      auc: auc(test.map((row) => ({ ...row, score: score(model, row.values).score }))),
      rows_train: teach.length,
      rows_test: test.length,
      rate_train: rate(teach),
      rate_test: rate(test),
    },
    model,
  })
}

const rate = (rows: readonly Row[]): number => rows.filter((row) => row.label).length / rows.length

/** What `cat train.ts ../logistic.ts | sha256sum` prints. */
function codeDigest(): string {
  const hash = createHash('sha256')
  for (const file of ['./train.ts', '../logistic.ts']) hash.update(readFileSync(new URL(file, import.meta.url)))
  return hash.digest('hex')
}

if (import.meta.main) {
  const { WHENCE_URL: url = 'http://127.0.0.1:4600', WHENCE_KEY: key = '' } = process.env
  const { name, version, metrics } = await train(createClient({ url, key }), process.argv[2] ?? 'attribution_data.csv')
  console.log(`${name}@${version}`, metrics)
}
