import { createHash } from 'node:crypto'
import { Explanation } from '@whence/sdk'

// Made-up explanations of an e-mail programme, for tests and for looking at the reports.

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const events = (
  [
    [61_204, '2026-02-24T09:12:44', 'Newsletter 11', undefined, ['sends_30d', 'opens_30d', 'open_rate_30d']],
    [61_377, '2026-03-02T08:00:00', 'Spring Sale', 'A', ['sends_30d', 'open_rate_30d', 'open_rate_7d']],
    [61_401, '2026-03-02T18:41:09', 'Spring Sale', 'A', ['opens_30d', 'open_rate_30d']],
    [61_588, '2026-03-14T08:00:00', 'Spring Sale', 'B', ['sends_30d', 'open_rate_7d', 'open_rate_30d']],
    [61_602, '2026-03-14T12:05:31', 'Spring Sale', 'B', ['opens_30d', 'open_rate_7d', 'open_rate_30d']],
    [61_603, '2026-03-14T12:06:02', 'Spring Sale', 'B', ['clicks_7d', 'clicks_30d']],
    [61_610, '2026-03-14T12:09:47', 'Spring Sale', 'B', ['clicks_7d', 'clicks_30d', 'conversions_90d']],
    [61_733, '2026-03-18T07:30:00', 'Newsletter 12', undefined, ['sends_30d', 'open_rate_7d', 'open_rate_30d']],
    [61_790, '2026-03-19T20:15:26', 'Newsletter 12', undefined, ['clicks_7d', 'clicks_30d', 'days_since_last_click']],
  ] as const
).map(([seq, time, campaign, creative, features], i) => ({
  seq,
  stream: 'email_events',
  id: `e-${seq}`,
  time: `${time}.000000Z`,
  known: `${time}.000000Z`,
  knownAsserted: true,
  campaign,
  ...(creative ? { creative } : {}),
  audience: 'subscribers-de',
  platform: 'esp-simulator',
  ...(i === 0 ? {} : { consent: true }),
  contract: 'email_events@1.0.0',
  outcome: i === 4 ? ('flagged' as const) : ('passed' as const),
  failed: i === 4 ? ['user_agent.format'] : [],
  rules: 9,
  integrity: 'intact' as const,
  features: [...features],
}))

const behind = (feature: string) =>
  events.filter(({ features }) => features.includes(feature as never)).map(({ seq }) => seq)

const input = (
  name: string,
  value: number | null,
  contribution: number,
  expression: string,
  window: string,
  sentence?: string,
) => ({
  name,
  served: value,
  stored: value,
  recomputed: value,
  truth: 'recomputed' as const,
  contribution,
  events: behind(name),
  expression,
  window,
  ...(sentence ? { sentence } : {}),
})

const inputs = [
  input('clicks_30d', 3, 0.4131, "count(*) filter (where type = 'click')", '30d', 'clicked 3 times in 30 days'),
  input('open_rate_7d', 0.6667, 0.2218, 'opens / nullif(sends, 0)', '7d', 'opened 2 of the last 3 e-mails'),
  input('clicks_7d', 3, 0.1874, "count(*) filter (where type = 'click')", '7d'),
  input('opens_30d', 3, 0.1022, "count(*) filter (where type = 'open')", '30d'),
  input('days_since_last_click', 0.1563, -0.0511, "date_diff('second', max(time), as_of) / 86400.0", '90d'),
  input('open_rate_30d', 0.75, 0.0402, 'opens / nullif(sends, 0)', '30d'),
  input('conversions_90d', 1, 0.0316, "count(*) filter (where type = 'conversion')", '90d'),
  input('sends_30d', 4, -0.0097, "count(*) filter (where type = 'send')", '30d'),
]

const records = [
  ['contract/1', 3],
  ['view/1', 4],
  ...events.map(({ seq }) => ['event/1', seq] as const),
  ['snapshot/1', 61_902],
  ['training-set/1', 61_905],
  ['model/1', 61_906],
  ['prediction/1', 62_148],
].map(([kind, seq]) => ({
  seq: seq as number,
  kind: kind as string,
  leaf: sha256(`leaf ${seq}`),
  recorded: '2026-03-20T10:00:04.118204Z',
  actor: kind === 'event/1' ? 'k-7' : 'k-12',
  integrity: 'intact' as const,
}))

/** Everything that can be recomputed is, and agrees; no consent receipt is known. */
export const explained: Explanation = Explanation.parse({
  id: 'pred-000042',
  seq: 62_148,
  sentence:
    'Customer 42 scored 0.83 for “opens subject line A” because they clicked 3 times in 30 days and opened 2 of the last 3 e-mails. Score and inputs were recomputed from 9 events and agree.',
  alerts: [{ truth: 'missing', text: 'No consent receipt for profiling is known for this customer.' }],
  score: { stored: 0.8312, recomputed: 0.8312, truth: 'recomputed' },
  predicts: 'opens subject line A',
  entity: '42',
  entityType: 'customer',
  time: '2026-03-20T10:00:00.000000Z',
  about: { campaign: 'Spring Sale', creative: 'A' },
  model: {
    name: 'opens_subject_a@1',
    seq: 61_906,
    by: 'trainer@example (key k-12)',
    run: '0197c1e2-7f4a-7b10-9c55-2f6e01a4d3b8',
    code: '4b1c9e2',
    trainingSet: 'ts-20260320',
    trainingRows: 4214,
    metrics: { AUC: 0.7132 },
    approvals: [
      { of: 'model', decision: 'approved', as: 'model review board', truth: 'asserted' },
      {
        of: 'training set',
        decision: 'rejected',
        as: 'data protection officer',
        purpose: 'marketing',
        time: '2026-03-19T08:00:00.000000Z',
        seq: 61_907,
        note: 'ask again',
        truth: 'asserted',
      },
    ],
  },
  snapshot: { id: 61_902, view: 'customer_engagement@v1', at: '2026-03-20T00:00:00.000000Z', asOf: 61_880 },
  reasons: inputs.map(({ name, contribution }) => ({ feature: name, contribution, truth: 'recomputed' })),
  counterfactual: {
    threshold: 0.7,
    score: 0.8312,
    yes: true,
    changes: [{ feature: 'clicks_30d', from: 3, to: 0, score: 0.6412, steps: 4 }],
    steady: inputs.map(({ name }) => name).filter((name) => name !== 'clicks_30d'),
    untried: [],
    sampled: ['days_since_last_click'],
    tried: 612,
  },
  inputs,
  events,
  claims: [
    {
      subject: 'decision',
      name: 'score',
      value: '0.8312',
      truth: 'recomputed',
      integrity: 'intact',
      records: [62_148],
    },
    {
      subject: 'reason',
      name: 'contributions',
      value: '8 of 8 agree',
      truth: 'recomputed',
      integrity: 'intact',
      records: [62_148, 61_906],
    },
    ...inputs.map(({ name, stored, events }) => ({
      subject: 'input',
      name,
      value: String(stored),
      truth: 'recomputed',
      integrity: 'intact',
      records: [61_902, ...events],
    })),
    {
      subject: 'snapshot',
      name: 'customer_engagement@v1',
      value: 'snapshot 61,902: file digest as recorded',
      truth: 'recomputed',
      integrity: 'intact',
      records: [61_902, 4],
    },
    ...events.map(({ seq, outcome }) => ({
      subject: 'event',
      name: `record ${seq}`,
      value: `${outcome} under email_events@1.0.0`,
      truth: 'recomputed',
      integrity: 'intact',
      note: 'judged again with the same outcome',
      records: [seq, 3],
    })),
    {
      subject: 'training',
      name: 'ts-20260320',
      value: '4,214 rows, digest as recorded',
      truth: 'recomputed',
      integrity: 'intact',
      records: [61_905],
    },
    {
      subject: 'model',
      name: 'opens_subject_a@1',
      value: 'run 0197c1e2-7f4a-7b10-9c55-2f6e01a4d3b8',
      truth: 'asserted',
      integrity: 'intact',
      by: 'trainer@example (key k-12)',
      records: [61_906],
    },
    {
      subject: 'code',
      name: 'training code',
      value: '4b1c9e2',
      truth: 'asserted',
      integrity: 'intact',
      by: 'trainer@example (key k-12)',
      records: [61_906],
    },
    {
      subject: 'consent',
      name: 'consent',
      value: 'no receipt for purpose “profiling”',
      truth: 'missing',
      records: [],
    },
  ],
  counts: { recomputed: 21, asserted: 2, contradicted: 0, missing: 1, erased: 0 },
  records,
  checkpoint: { origin: 'whence.local/7f3a', size: 66_012, root: sha256('root') },
  asOf: 66_012,
})

/** An input was served otherwise than its events say, and the file that held it is altered. */
export const contradicted: Explanation = Explanation.parse({
  ...explained,
  sentence:
    'Customer 42 was scored 0.83 for “opens subject line A”, but one of the inputs does not agree with the events behind it: with the recomputed inputs the score is 0.79.',
  alerts: [
    ...explained.alerts,
    { truth: 'contradicted', text: 'clicks_30d was served as 5; 3 events recompute to 3.' },
    {
      truth: 'contradicted',
      text: 'File features/customer_engagement/61902-0.parquet is altered: its digest is not the one on record 61,902.',
    },
  ],
  score: { stored: 0.8312, recomputed: 0.7911, truth: 'contradicted' },
  inputs: explained.inputs.map((item) =>
    item.name === 'clicks_30d' ? { ...item, served: 5, stored: 5, recomputed: 3, truth: 'contradicted' } : item,
  ),
  claims: explained.claims.map((claim) => {
    if (claim.name === 'score') return { ...claim, truth: 'contradicted', note: 'recomputed: 0.7911' }
    if (claim.name === 'clicks_30d')
      return { ...claim, value: '5', truth: 'contradicted', note: '3 events recompute to 3' }
    if (claim.subject === 'snapshot') return { ...claim, truth: 'contradicted', note: 'the file is altered' }
    return claim
  }),
  records: explained.records.map((record) =>
    record.seq === 61_603
      ? { ...record, integrity: 'altered', problem: 'the stored payload does not match its commitment' }
      : record,
  ),
  events: explained.events.map((event) => (event.seq === 61_603 ? { ...event, integrity: 'altered' } : event)),
  counts: { recomputed: 18, asserted: 2, contradicted: 3, missing: 1, erased: 0 },
})

/** The person asked to be erased: the record stands, what it said is gone. */
export const erased: Explanation = Explanation.parse({
  ...explained,
  counterfactual: undefined,
  sentence: 'This prediction was made about a person whose data was erased on 2026-03-22. What it said is unreadable.',
  alerts: [
    {
      truth: 'erased',
      text: 'The keys of this person were destroyed on record 66,020: request of the person, ticket 4711.',
    },
  ],
  score: { truth: 'erased' },
  entity: undefined,
  about: undefined,
  reasons: [],
  inputs: explained.inputs.map(({ name, expression, window }) => ({
    name,
    expression,
    window,
    truth: 'erased',
    events: [],
  })),
  events: [],
  claims: [
    {
      subject: 'decision',
      name: 'score',
      value: 'unreadable',
      truth: 'erased',
      integrity: 'intact',
      records: [62_148],
    },
    ...explained.claims.filter(({ subject }) => ['model', 'training', 'code'].includes(subject)),
    ...explained.inputs.map(({ name }) => ({
      subject: 'input',
      name,
      value: 'unreadable',
      truth: 'erased',
      integrity: 'intact',
      records: [61_902],
    })),
  ],
  counts: { recomputed: 1, asserted: 2, contradicted: 0, missing: 0, erased: 9 },
  records: [
    ...explained.records.filter(({ kind }) => kind !== 'event/1'),
    {
      seq: 66_020,
      kind: 'erasure/1',
      leaf: sha256('leaf 66020'),
      recorded: '2026-03-22T09:00:00.000000Z',
      actor: 'k-1',
      integrity: 'intact',
    },
  ],
  checkpoint: { origin: 'whence.local/7f3a', size: 66_021, root: sha256('root 2') },
  anchored: { time: '2026-03-23T00:00:00.000000Z', where: 'https://witness.example', size: 66_021 },
  asOf: 66_021,
})

/** What someone would send who wants to reach past the report. */
export const hostile: Explanation = Explanation.parse({
  ...explained,
  id: `pred-<script>alert(1)</script>"'&`,
  sentence: 'Customer <img src=x onerror=alert(1)> scored \u001b[31m0.83\u001b[0m.',
  about: { campaign: '</title><script>alert(2)</script>', creative: '" onmouseover="alert(3)' },
  events: explained.events.map((event) => ({ ...event, campaign: '<b>Bold</b> & "Sale"\n\u202egnp.exe' })),
  model: { ...explained.model, name: 'm@1</style><style>*{display:none}' },
})
