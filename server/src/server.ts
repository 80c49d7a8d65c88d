// The only file that knows everyone: config -> log -> engines -> record -> path -> govern -> door.
import { configWarnings } from './config.ts'
import type { Config } from './config.ts'
import { Anchors } from './govern/anchors/anchors.ts'
import { Planner } from './govern/changes/plan.ts'
import { Erasures } from './govern/erasures/erasures.ts'
import { Keys } from './govern/keys/keys.ts'
import { TableCheck } from './govern/verify/tables.ts'
import { Collector } from './path/lineage/collector.ts'
import type { Fetch } from './path/outcomes/certificates.ts'
import { OutcomeOwners } from './path/outcomes/owners.ts'
import type { LedgerOptions } from './record/ledger/ledger.ts'
import { Live } from './record/projection/live.ts'
import { systemClock } from './record/time.ts'
import type { Clock } from './record/time.ts'
import type { Outside } from './store/connectors/rehearsal.ts'
import { localFiles } from './store/files.ts'
import type { Files } from './store/files.ts'
import { takeLock } from './store/lock.ts'
import { askScorer, withSecrets } from './store/scorer-http.ts'
import { wireActions } from './wiring/actions.ts'
import { Closing } from './wiring/closing.ts'
import { wireConsent } from './wiring/consent.ts'
import { firstAdminKey, openDoor } from './wiring/door.ts'
import { openEngines } from './wiring/engines.ts'
import { expireQuarantine, wireEvents } from './wiring/events.ts'
import { wireFeatures } from './wiring/features.ts'
import { openLog } from './wiring/log.ts'
import { wireModels } from './wiring/models.ts'
import { wireMonitors } from './wiring/monitors.ts'
import { wireOutcomes } from './wiring/outcomes.ts'
import { policyBooks } from './wiring/policies.ts'
import { wirePredictions } from './wiring/predictions.ts'
import { checkedProjections } from './wiring/projections.ts'
import { followLog, openTables } from './wiring/record.ts'
import { wireRollback } from './wiring/rollback.ts'

export interface StartOptions {
  /** Listen on any free port of 127.0.0.1: for a command that starts a server for itself. */
  private?: boolean
  /** Follow the ledger from its first record. Hears how far it is. */
  rebuild?: (next: number, size: number) => void
  /** Carry out again what the log says was erased: after a restore. */
  reapplyErasures?: boolean
  ledger?: Partial<Pick<LedgerOptions, 'limits' | 'publishEvery' | 'ignorePin'>>
  /** Events of a stream after which its column files are brought up. */
  columnsAfter?: number
  /** Instead of the systems, scorers and people that a server reaches: for a drill. */
  outside?: Outside
  files?: Files
  clock?: Clock
  /** Where secrets of webhooks are looked for. */
  environment?: Readonly<Record<string, string | undefined>>
  /** How certificates of signatures are fetched. */
  fetch?: Fetch
  onFatal?: (error: unknown) => void
}

export interface Server {
  url: string
  /** The key with which this user's own commands reach it; gone when it stops. */
  token: string
  /** The first admin key, at the first start only: it is shown once. */
  adminKey: string | undefined
  origin: string
  vkey: string
  warnings: string[]
  erasuresReapplied: number
  stop(): Promise<void>
}

/** Starts a server on a data folder. Throws `refused_start` with one clear line when starting would mean guessing. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<Server> {
  const lock = takeLock(config.data)
  const closing = new Closing()
  closing.add(() => lock.release())
  try {
    const clock = options.clock ?? systemClock
    const files = options.files ?? localFiles()
    // A drill asks nobody, and needs no secret.
    const outside = options.outside ?? { ask: withSecrets(askScorer, config.scorerSecrets), post: askScorer }

    const { keys, ledger } = await openLog(config, { ...options, files, clock }, closing)
    const engines = await openEngines(config, closing)
    const { columns, database } = engines
    const { recorded, graph, recentStatements } = await followLog(
      { ...engines, ledger, clock, rebuild: options.rebuild },
      closing,
    )
    const { follower } = recorded
    const tables = await openTables(config, { ...recorded, files, columns })
    const policies = policyBooks(recorded)

    const events = await wireEvents(recorded)
    const { contracts, recentEvents, quarantine } = events
    const collector = new Collector(ledger, clock, recentStatements)
    const consent = wireConsent(recorded, policies.purposes, closing)
    const { standing, objections, optOuts } = consent
    const features = await wireFeatures(
      config,
      {
        ...recorded,
        keys,
        columns,
        tables,
        contracts,
        recentEvents,
        objections,
        columnsAfter: options.columnsAfter,
      },
      closing,
    )
    const { views, derived, snapshots, trainingSets } = features
    const modelling = await wireModels(config, { ...recorded, files }, closing)
    const predicting = await wirePredictions(
      config,
      {
        ...recorded,
        files,
        columns,
        tables,
        derived,
        snapshots,
        models: modelling.models,
        capture: policies.capture,
        standing,
      },
      closing,
    )
    const acting = wireActions({
      ...recorded,
      policies,
      standing,
      links: consent.optOutLinks,
      outside,
      capture: config.captureContent,
      predictions: predicting.predictions,
    })
    const telling = wireOutcomes(
      {
        ...recorded,
        contracts,
        actions: acting.actions,
        optOuts,
        undeliverable: acting.undeliverable,
        book: policies.webhooks,
        secrets: {
          environment: (name) => (options.environment ?? process.env)[name],
          file: (name) => files.read(`${config.keys}/webhooks/${name}`),
        },
        fetch: options.fetch ?? fetch,
      },
      closing,
    )
    const live = new Live(ledger, [
      standing,
      acting.outbox,
      acting.pauses,
      acting.raised,
      acting.undeliverable,
      telling.acting,
    ])

    const planner = new Planner({
      ...recorded,
      graph,
      batches: predicting.batches,
      contracts,
      views,
      policies: Object.values(policies),
      snapshots,
      columns,
      limit: config.planLimit,
    })
    const watching = wireMonitors(recorded, policies.monitors)
    const rolling = wireRollback({
      ...recorded,
      policies,
      standing,
      graph,
      batches: predicting.batches,
      actions: acting.actions,
      pauses: acting.pauses,
      aliases: modelling.aliases,
      planner,
      secrets: config.connectorSecrets,
      outside,
    })
    const apiKeys = new Keys(ledger, follower, database, clock)
    const anchors = new Anchors({ ...recorded, files, data: config.data })
    const erasures = new Erasures({
      ...recorded,
      files,
      keys,
      snapshots,
      batches: predicting.batches,
      derived,
      live,
      outcomes: new OutcomeOwners(recorded),
      keyFolder: config.keys,
    })
    const recordedTables = new TableCheck({
      ...recorded,
      projections: checkedProjections(ledger),
      undisturbed: (run) => erasures.between(run),
    })

    await erasures.resume()
    const erasuresReapplied = await erasures.reapply(options.reapplyErasures ?? false)
    await snapshots.catchUp()
    await trainingSets.catchUp()
    await expireQuarantine(quarantine, keys, closing)
    const adminKey = await firstAdminKey(apiKeys)
    closing.add(await live.start(() => follower.reach()))
    closing.add(watching.monitors.start())
    await telling.acting.catchUp()
    closing.add(rolling.automatic.start())

    const warnings = configWarnings(config)
    const { url, token } = await openDoor(
      options.private ? { host: '127.0.0.1', port: 0 } : config,
      {
        ...recorded,
        ...events,
        ...consent,
        ...features,
        ...modelling,
        ...predicting,
        ...acting,
        ...telling,
        ...watching,
        ...rolling,
        config,
        files,
        keys,
        tables,
        graph,
        collector,
        policies: policies.lineage,
        planner,
        apiKeys,
        anchors,
        erasures,
        recordedTables,
        warnings,
      },
      closing,
    )
    lock.announce(url, token)
    return {
      url,
      token,
      adminKey,
      origin: ledger.origin,
      vkey: ledger.vkey,
      warnings,
      erasuresReapplied,
      stop: () => closing.close(),
    }
  } catch (error) {
    await closing.close().catch(() => {})
    throw error
  }
}
