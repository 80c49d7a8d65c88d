// A small shop with ten customers and three campaigns: what its contract and feature view say, what its customers did,
// and what that makes of them, reckoned here in plain loops.
import type {
  Client,
  FeatureValue,
  LogisticModel,
  ModelVersion,
  PredictionResults,
  Snapshot,
  TrainingSet,
} from '@whence/sdk'

export const stream = 'letters'

export interface Letter {
  id: string
  n: number
  event: 'sent' | 'opened' | 'clicked' | 'bought'
  time: string
  received: string
  customer: string
  email: string
  campaign: string
  creative: string
  consent: boolean
  amount?: number
}

export const customers = ['anna', 'bela', 'cleo', 'dora', 'emil', 'finn', 'gita', 'hugo', 'iris', 'jona'].map(
  (name) => `cust-${name}-7719`,
)
export const campaigns = ['spring sale', 'summer sale', 'autumn sale']

export const contract = (version = '1.0.0', { creatives = ['A', 'B'], whence = '' } = {}): string => `
apiVersion: v3.1.0
kind: DataContract
id: letters
version: ${version}
status: active
schema:
  - name: ${stream}
    logicalType: object
    properties:
      - { name: id, logicalType: string, required: true }
      - { name: n, logicalType: integer, required: true }
      - name: event
        logicalType: string
        required: true
        logicalTypeOptions: { enum: [sent, opened, clicked, bought] }
      - { name: time, logicalType: timestamp, required: true }
      - { name: received, logicalType: timestamp, required: true }
      - { name: customer, logicalType: string, required: true, classification: personal }
      - { name: email, logicalType: string, classification: personal, logicalTypeOptions: { format: email } }
      - { name: campaign, logicalType: string, required: true }
      - { name: creative, logicalType: string, required: true, logicalTypeOptions: { enum: [${creatives.join(', ')}] } }
      - { name: consent, logicalType: boolean }
      - { name: amount, logicalType: number, physicalType: 'decimal(18,2)', logicalTypeOptions: { minimum: 0 } }
customProperties:
  - property: whence
    value:
      eventId: id
      sequence: n
      eventTime: time
      knownAt: received
      subject: customer
      campaign: campaign
      creative: creative
      consent: consent
${whence}`

export const view = `
kind: FeatureView
name: reader
entity: customer
source: ${stream}
features:
  - { name: letters_90d, type: int64, window: 90d, filter: event = 'sent', expr: count(*), sentence: 'got {value} letters in 90 days' }
  - { name: opens_90d, type: int64, window: 90d, filter: event = 'opened', expr: count(*), sentence: 'opened {value} letters in 90 days' }
  - { name: opens_30d, type: int64, window: 30d, filter: event = 'opened', expr: count(*), sentence: 'opened {value} letters in 30 days' }
  - { name: spent, type: decimal, filter: event = 'bought', expr: 'coalesce(sum(amount), 0)', sentence: 'spent {value} euros' }
`

export const files = [
  { path: 'contracts/letters.yaml', text: contract() },
  { path: 'features/reader.yaml', text: view },
]

const day = 86_400_000
const start = Date.parse('2026-01-10T08:00:00Z')

function letter(n: number, event: Letter['event'], customer: string, campaign: number, minutes: number): Letter {
  const at = start + campaign * 20 * day + minutes * 60_000
  return {
    id: `l-${n}`,
    n,
    event,
    time: new Date(at).toISOString(),
    received: new Date(at + 30_000).toISOString(),
    customer,
    email: `${customer.split('-')[1]}.quince@orchard.example`,
    campaign: campaigns[campaign]!,
    creative: (campaign + customer.length) % 2 === 0 ? 'A' : 'B',
    consent: true,
    ...(event === 'bought' ? { amount: 19.99 } : {}),
  }
}

/** Everything that the customers did, in the order in which the shop heard of it. */
export const letters: readonly Letter[] = (() => {
  const all: Letter[] = []
  for (const campaign of campaigns.keys()) {
    for (const [i, customer] of customers.entries()) {
      const add = (event: Letter['event'], minutes: number): void =>
        void all.push(letter(all.length + 1, event, customer, campaign, minutes))
      add('sent', i)
      if ((i + campaign) % 3 !== 0) add('opened', 60 + i)
      if ((i + campaign) % 4 === 1) add('clicked', 61 + i)
      if ((i + campaign) % 5 === 1) add('bought', 90 + i)
    }
  }
  return all
})()

/** When the snapshot is taken: after everything. */
export const at = '2026-03-01T00:00:00Z'

export interface Reader {
  letters_90d: number
  opens_90d: number
  opens_30d: number
  spent: number
}

/** The features of a customer, reckoned from the letters. */
export function reader(customer: string, when = at, known: readonly Letter[] = letters): Reader {
  const now = Date.parse(when)
  const past = known.filter(
    (each) => each.customer === customer && Date.parse(each.time) <= now && Date.parse(each.received) <= now,
  )
  const within = (days: number): Letter[] => past.filter((each) => Date.parse(each.time) > now - days * day)
  return {
    letters_90d: within(90).filter(({ event }) => event === 'sent').length,
    opens_90d: within(90).filter(({ event }) => event === 'opened').length,
    opens_30d: within(30).filter(({ event }) => event === 'opened').length,
    spent:
      past.filter(({ event }) => event === 'bought').reduce((sum, { amount }) => sum + Math.round(100 * amount!), 0) /
      100,
  }
}

export const logistic: LogisticModel = {
  form: 'logistic/1',
  intercept: -0.5,
  features: [
    { name: 'opens_90d', weight: 0.8, mean: 1.5, scale: 0.5, missing: 0 },
    { name: 'opens_30d', weight: 0.3, mean: 0.7, scale: 1, missing: 0 },
    { name: 'spent', weight: 0.05, mean: 10, scale: 20, missing: 0 },
  ],
}

/** What the model makes of a customer. */
export function scored(values: Readonly<Record<string, FeatureValue>>): {
  score: number
  reasons: { feature: string; contribution: number }[]
} {
  const reasons = logistic.features.map(({ name, weight, mean, scale }) => ({
    feature: name,
    contribution: (weight * (Number(values[name] ?? 0) - mean)) / scale,
  }))
  const logit = reasons.reduce((sum, { contribution }) => sum + contribution, logistic.intercept)
  return { score: 1 / (1 + Math.exp(-logit)), reasons }
}

export interface Thread {
  snapshot: Snapshot
  training: TrainingSet
  model: ModelVersion
  predictions: PredictionResults
  /** Subject ids, in the order of the customers. */
  subjects: string[]
}

export const modelName = 'opens@1'

/** The whole way: contract, events, snapshot, training set, model, and one prediction for each customer: `p-anna` … */
export async function follow(client: Client): Promise<Thread> {
  await client.apply({ files })
  await client.ingest(stream, letters)
  const snapshot = await client.materialize({ view: 'reader', at })
  const training = await client.createTrainingSet({
    id: 'readers of winter',
    view: 'reader',
    label: 'opened the next one',
    spine: customers.flatMap((entity, i) => [
      { entity, at: '2026-01-31T00:00:00Z', label: i % 2 === 0 },
      { entity, at: '2026-02-15T00:00:00Z', label: i % 3 === 0 },
    ]),
  })
  const model = await client.registerModel(modelOf(training.id))
  const { subjects } = await client.subjects({ identifiers: customers })
  const predictions = await client.predict({
    model: modelName,
    snapshot: snapshot.id,
    predictions: customers.map((customer) => prediction(customer)),
  })
  return { snapshot, training, model, predictions, subjects: subjects as string[] }
}

export const modelOf = (trainingSet: string) => ({
  name: 'opens',
  predicts: 'opens the next letter',
  view: 'reader@v1',
  trainingSet,
  run: { id: 'run-1', code: { commit: 'c0ffee' } },
  metrics: { auc: 0.71 },
  model: logistic,
})

/** An honest prediction about a customer. */
export function prediction(customer: string, id = `p-${customer.split('-')[1]}`) {
  const values = reader(customer)
  return {
    id,
    entity: customer,
    time: '2026-03-01T06:00:00Z',
    ...scored({ ...values }),
    inputs: { ...values },
    about: { campaign: 'winter sale', creative: 'A' },
  }
}
