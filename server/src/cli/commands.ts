import type { Command } from './command.ts'

/** Commands by the first word of their names. Each is loaded when it is asked for: most of a short command is loading. */
export type Families = Readonly<Record<string, () => Promise<readonly Command[]>>>

const consents = async () => (await import('./consent/commands.ts')).consentCommands
const outcomes = async () => (await import('./outcomes/commands.ts')).outcomeCommands
const rollbacks = async () => (await import('./rollback/commands.ts')).rollbackCommands
const models = async () => (await import('./models/commands.ts')).modelCommands

/** The commands that need no more than a client. */
export const families: Families = {
  plan: async () => [(await import('./plan.ts')).plan],
  apply: async () => [(await import('./apply.ts')).apply],
  ingest: async () => [(await import('./ingest.ts')).ingest],
  quarantine: async () => [(await import('./quarantine.ts')).quarantine],
  release: async () => [(await import('./release.ts')).release],
  materialize: async () => [(await import('./materialize.ts')).materialize],
  features: async () => [(await import('./features-online.ts')).featuresOnline],
  predict: async () => [(await import('./predict.ts')).predict],
  'training-set': async () => (await import('./training/commands.ts')).trainingCommands,
  object: async () => [(await import('./object.ts')).object],
  consents,
  'opt-out': consents,
  connectors: async () => (await import('./connectors/commands.ts')).connectorCommands,
  tables: async () => [(await import('./tables.ts')).tables],
  traces: async () => [(await import('./traces-show.ts')).tracesShow],
  expire: async () => [(await import('./expire.ts')).expire],
  models,
  model: models,
  actions: async () => (await import('./actions/commands.ts')).actionCommands,
  gates: async () => [(await import('./gates/test.ts')).gatesTest],
  reviews: async () => (await import('./actions/commands.ts')).reviewCommands,
  outbox: async () => (await import('./actions/commands.ts')).outboxCommands,
  outcomes,
  tickets: outcomes,
  webhooks: outcomes,
  send: async () => [(await import('./sending/send.ts')).sendCommand],
  pause: rollbacks,
  resume: rollbacks,
  pauses: rollbacks,
  rollback: rollbacks,
  rollbacks,
  provenance: async () => [(await import('./provenance.ts')).provenance],
  explain: async () => [(await import('./explain.ts')).explain],
  promote: async () => [(await import('./promote.ts')).promote],
  find: async () => [(await import('./find.ts')).find],
  replay: async () => [(await import('./replay.ts')).replay],
  skew: async () => [(await import('./skew.ts')).skew],
  drift: async () => [(await import('./drift.ts')).drift],
  lineage: async () => (await import('./lineage/commands.ts')).lineageCommands,
  import: async () => (await import('./imports/commands.ts')).importCommands,
  terms: async () => [(await import('./terms-import.ts')).termsImport],
  erase: async () => [(await import('./erase.ts')).erase],
  anchor: async () => [(await import('./anchor.ts')).anchor],
  emitters: async () => [(await import('./emitters.ts')).emitters],
  agents: async () => (await import('./agents/commands.ts')).agentCommands,
  monitors: async () => (await import('./monitors/commands.ts')).monitorCommands,
  status: async () => [(await import('./status.ts')).status],
  keys: async () => [(await import('./keys.ts')).keys],
}

/** All of them, each once. */
export async function allOf(families: Families): Promise<readonly Command[]> {
  const loaded = await Promise.all([...new Set(Object.values(families))].map((load) => load()))
  return loaded.flat()
}
