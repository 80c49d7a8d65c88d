#!/usr/bin/env node
// The only file that knows everyone: config -> stores -> record -> path -> govern -> doors.
import { hash, randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createClient } from '@whence/sdk'
import packageJson from '../package.json' with { type: 'json' }
import { backup } from './cli/backup.ts'
import { runCli } from './cli/cli.ts'
import { processContext } from './cli/context.ts'
import { demo } from './cli/demo.ts'
import { drill } from './cli/drill.ts'
import { patientFetch } from './cli/patient-fetch.ts'
import { rebuild } from './cli/rebuild.ts'
import { recover } from './cli/recover.ts'
import { restore } from './cli/restore.ts'
import { up } from './cli/up.ts'
import { verify } from './cli/verify.ts'
import { configWarnings, readConfig } from './config.ts'
import type { Config } from './config.ts'
import { Anchors, anchorProjection } from './govern/anchors/anchors.ts'
import { Planner } from './govern/changes/plan.ts'
import { Erasures, erasureProjection } from './govern/erasures/erasures.ts'
import { keyProjection, Keys } from './govern/keys/keys.ts'
import { createApi } from './http/api.ts'
import { createApp, listen } from './http/server.ts'
import { ContractBook, contractProjection, recordedContract } from './path/events/contract-book.ts'
import { Events } from './path/events/events.ts'
import { RecentEvents } from './path/events/recent.ts'
import { Quarantine } from './path/events/quarantine.ts'
import { contractLineage } from './path/events/lineage.ts'
import { planProjection } from './path/events/plan-records.ts'
import { PolicyBook, policyProjection } from './path/events/policy-book.ts'
import { emissionProjection, Emissions } from './path/events/emissions.ts'
import { eventProjection, recordCountProjection } from './path/events/queries.ts'
import { keepColumns } from './path/features/column-keeping.ts'
import { snapshotLineage, trainingLineage, viewLineage } from './path/features/lineage.ts'
import { Collector } from './path/lineage/collector.ts'
import { lineageReader } from './path/lineage/reader.ts'
import { RecentStatements } from './path/lineage/recent.ts'
import { Consents } from './path/consent/consents.ts'
import { consentProjection } from './path/consent/consents-held.ts'
import { ConsentStrings } from './path/consent/imports/consent-strings.ts'
import { ConsentImports } from './path/consent/imports/imports.ts'
import { OptOutLinks } from './path/consent/opt-out-links.ts'
import { OptOuts } from './path/consent/opt-outs.ts'
import { ConsentStanding } from './path/consent/standing.ts'
import { Objections, objectionProjection } from './path/consent/objections.ts'
import { approvalProjection, Approvals } from './path/features/approvals.ts'
import { DerivedFiles } from './path/features/derived-files.ts'
import { SetCards } from './path/features/set-card.ts'
import { SetMaker } from './path/features/set-maker.ts'
import { SetVerifier } from './path/features/set-verify.ts'
import { SpineUploads } from './path/features/spine-uploads.ts'
import { Online } from './path/features/online.ts'
import { SubjectEvents } from './path/features/subject-events.ts'
import { eventFieldIds, FeatureTables } from './path/features/feature-tables.ts'
import { Provenance } from './path/features/provenance.ts'
import { snapshotProjection } from './path/features/snapshot-book.ts'
import { Snapshots } from './path/features/snapshots.ts'
import { trainingProjection, TrainingSets } from './path/features/training-sets.ts'
import { TrainingTables } from './path/features/training-tables.ts'
import { ViewBook, viewProjection } from './path/features/view-book.ts'
import { optOutEffects } from './path/actions/opt-out-effects.ts'
import { pauseProjection } from './path/actions/pauses.ts'
import { Connectors } from './path/actions/connectors/connectors.ts'
import { actionProjection } from './path/actions/projection.ts'
import { outcomeProjection } from './path/outcomes/projection.ts'
import { aliasLineage, modelLineage, runLineage } from './path/models/lineage.ts'
import { aliasProjection, Aliases } from './path/models/aliases.ts'
import { Artifacts } from './path/models/artifacts.ts'
import { modelProjection, Models } from './path/models/models.ts'
import { OnnxScoring } from './path/models/onnx-scoring.ts'
import { trainingRunProjection, TrainingRuns } from './path/models/training-runs.ts'
import { Agents } from './path/actions/agents.ts'
import { keepArchive, PredictionArchive } from './path/predictions/archive.ts'
import { PredictionBatches } from './path/predictions/batches/batches.ts'
import { batchProjection } from './path/predictions/batches/batch-book.ts'
import { predictionProjection, Predictions } from './path/predictions/predictions.ts'
import { spanProjection } from './path/actions/span-records.ts'
import { Traces } from './path/actions/traces.ts'
import { recordBeginning } from './record/ledger/beginning.ts'
import { Ledger } from './record/ledger/ledger.ts'
import type { LedgerOptions } from './record/ledger/ledger.ts'
import { LineageGraph } from './record/lineage/graph.ts'
import { lineageProjection } from './record/lineage/projection.ts'
import type { StatementReaders } from './record/lineage/projection.ts'
import { Live } from './record/projection/live.ts'
import { Follower } from './record/projection/follower.ts'
import { tableProjection } from './record/tables/projection.ts'
import { Tables } from './record/tables/tables.ts'
import { systemClock } from './record/time.ts'
import type { Clock } from './record/time.ts'
import { agentForm } from './rules/agents/agent.ts'
import { capturePolicyForm } from './rules/capture/policy.ts'
import { connectorForm } from './rules/connectors/connector-file.ts'
import { playbookForm } from './rules/playbooks/playbook.ts'
import { purposesForm } from './rules/consent/purposes.ts'
import { gateChainForm } from './rules/gates/chain.ts'
import { termListForm } from './rules/gates/terms/term-list.ts'
import { mask } from './rules/gates/pii/mask.ts'
import { monitorForm } from './rules/monitors/monitor.ts'
import { lineagePolicyForm } from './rules/lineage/policy.ts'
import { openColumns } from './store/columns.ts'
import type { Outside } from './store/connectors/rehearsal.ts'
import { askScorer } from './store/scorer-http.ts'
import { openDatabase } from './store/database.ts'
import { openProver } from './store/prover.ts'
import { Onnx } from './store/onnx.ts'
import { noteOpen } from './store/boot.ts'
import { wireActions } from './wiring/actions.ts'
import { monitorProjections, wireMonitors } from './wiring/monitors.ts'
import { wireRollback } from './wiring/rollback.ts'
import { rollbackProjection } from './govern/rollback/rollbacks.ts'
import { OutcomeOwners } from './path/outcomes/owners.ts'
import { wireOutcomes } from './wiring/outcomes.ts'
import { webhookForm } from './rules/outcomes/webhook.ts'
import type { Fetch } from './path/outcomes/certificates.ts'
import { dieAtOnce, recoverFolder } from './wiring/recover.ts'
import { localFiles } from './store/files.ts'
import type { Files } from './store/files.ts'
import { loadKek, openKeyStore } from './store/keys.ts'
import { readLock, takeLock } from './store/lock.ts'

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

const projections = [
  recordCountProjection,
  keyProjection,
  contractProjection,
  eventProjection,
  emissionProjection,
  viewProjection,
  snapshotProjection,
  trainingProjection,
  objectionProjection,
  consentProjection,
  approvalProjection,
  modelProjection,
  aliasProjection,
  trainingRunProjection,
  predictionProjection,
  batchProjection,
  spanProjection,
  actionProjection,
  pauseProjection,
  rollbackProjection,
  erasureProjection,
  anchorProjection,
  policyProjection([
    lineagePolicyForm,
    capturePolicyForm,
    purposesForm,
    agentForm,
    gateChainForm,
    termListForm,
    connectorForm,
    monitorForm,
    playbookForm,
    webhookForm,
  ]),
  tableProjection,
  planProjection,
]

/** Starts a server on a data folder. Throws `refused_start` with one clear line when starting would mean guessing. */
export async function startServer(config: Config, options: StartOptions = {}): Promise<Server> {
  const lock = takeLock(config.data)
  const undo: (() => unknown)[] = [() => lock.release()]
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const clock = options.clock ?? systemClock
    const files = options.files ?? localFiles()
    undo.push(() => files.close())
    const keys = await openKeyStore(
      files,
      config.keys,
      await loadKek(files, config.kek, files.read(`${config.keys}/secrets`) !== undefined),
    )
    undo.push(() => keys.close())
    const ledger = await Ledger.open({
      files,
      folder: config.data,
      keys,
      keyFolder: config.keys,
      stateFolder: config.state,
      origin: config.origin ?? `whence.local/${randomBytes(4).toString('hex')}`,
      clock,
      reserve: config.reserve,
      onFatal: options.onFatal ?? dieAtOnce,
      ...options.ledger,
    })
    undo.push(() => ledger.stop())
    ledger.subjects.beginErasing(keys.revived)
    await recordBeginning(ledger, packageJson.version)
    await files.replace(`${config.data}/log/vkey`, Buffer.from(`${ledger.vkey}\n`))

    const embedded = config.databaseUrl === undefined
    const note = embedded ? noteOpen(`${config.data}/database.open`) : undefined
    if (note?.torn) {
      console.error('whence: the machine went down while the tables were open; they are made again from the ledger')
      await rm(`${config.data}/database`, { recursive: true, force: true })
    }
    undo.push(() => note?.done())
    const database = await openDatabase({
      url: config.databaseUrl,
      folder: `${config.data}/database`,
      schema: config.schema,
    })
    undo.push(() => database.close())
    await database.migrate()
    // Before the follower: what a view says of lineage is read with the engine's parser.
    const columns = await openColumns({ folder: config.data, limit: config.queryLimit })
    undo.push(() => columns.close())
    const prover = openProver({ limit: config.planLimit })
    undo.push(() => prover.close())
    const recent = new RecentStatements()
    // What each kind of record says of lineage.
    const readers: StatementReaders = {
      lineage: lineageReader(recent),
      contract: contractLineage,
      view: viewLineage({
        parser: columns,
        prover,
        contract: (stream, version) => recordedContract(ledger, stream, version),
      }),
      snapshot: snapshotLineage,
      training: trainingLineage,
      model: modelLineage,
      run: runLineage,
      alias: aliasLineage,
    }
    const follower = new Follower(ledger, database, [
      ...projections,
      outcomeProjection(ledger.subjects.idKey),
      ...monitorProjections(ledger),
      lineageProjection(readers),
    ])
    if (options.rebuild) await follower.rebuild(options.rebuild)
    await follower.start()
    undo.push(() => follower.stop())
    const graph = new LineageGraph({ ledger, follower, database, readers })

    const tables = new Tables({
      ledger,
      follower,
      database,
      files,
      columns,
      clock,
      folder: config.data,
      location: config.tablesLocation,
    })
    await tables.sweep()
    for (const { table, reason } of await tables.relocate({ id: 'whence' }))
      console.error(`whence: table ${table} still names its files where they were: ${reason}`)

    const contracts = new ContractBook(follower, database, clock)
    await contracts.load()
    const recentEvents = new RecentEvents()
    const events = new Events(ledger, contracts, clock, recentEvents)
    const emissions = new Emissions({ ledger, follower, database, clock })
    const quarantine = new Quarantine({ ledger, follower, database, contracts, events, clock })
    const collector = new Collector(ledger, clock, recent)
    const views = new ViewBook({ follower, database, columns, contracts, clock, limit: config.planLimit })
    const derived = new DerivedFiles({
      ledger,
      follower,
      database,
      columns,
      contracts,
      recent: recentEvents,
      folder: config.data,
      fieldIds: eventFieldIds(tables),
    })
    undo.push(() => derived.place.events.settled())
    await derived.noteErasures()
    const objections = new Objections({ ledger, follower, database, clock })
    const purposes = new PolicyBook(purposesForm, { follower, database, clock })
    const standing = new ConsentStanding({ ledger, database, policies: purposes })
    const consents = new Consents({ ledger, follower, database, policies: purposes, standing, clock })
    const consentStrings = new ConsentStrings()
    undo.push(() => consentStrings.close())
    const consentImports = new ConsentImports({ ledger, consents, strings: consentStrings })
    const optOuts = new OptOuts({ objections })
    optOuts.onOptOut((those) => optOutEffects({ follower, database }, those))
    const optOutLinks = new OptOutLinks({ ledger, standing, optOuts })
    const gateChains = new PolicyBook(gateChainForm, { follower, database, clock })
    const termLists = new PolicyBook(termListForm, { follower, database, clock })
    const connectorFiles = new PolicyBook(connectorForm, { follower, database, clock })
    const playbooks = new PolicyBook(playbookForm, { follower, database, clock })
    const connectors = new Connectors({
      ledger,
      clock,
      book: connectorFiles,
      secrets: config.connectorSecrets,
      system: options.outside?.system?.bind(options.outside),
    })
    const agentFiles = new PolicyBook(agentForm, { follower, database, clock })
    const agents = new Agents({ ledger, book: agentFiles })
    const outside = options.outside ?? { ask: askScorer, post: askScorer }
    const acting = wireActions({
      outside,
      ledger,
      follower,
      database,
      clock,
      standing,
      purposes,
      agents,
      agentFiles,
      chains: gateChains,
      terms: termLists,
      links: optOutLinks,
    })
    const watching = wireMonitors({ ledger, follower, database, clock })
    const webhookFiles = new PolicyBook(webhookForm, { follower, database, clock })
    const telling = wireOutcomes({
      ledger,
      follower,
      database,
      clock,
      contracts,
      ...acting,
      optOuts,
      book: webhookFiles,
      secrets: {
        environment: (name) => (options.environment ?? process.env)[name],
        file: (name) => files.read(`${config.keys}/webhooks/${name}`),
      },
      fetch: options.fetch ?? fetch,
    })
    undo.push(() => telling.intake.settled())
    const live = new Live(ledger, [
      standing,
      acting.outbox,
      acting.pauses,
      acting.raised,
      acting.undeliverable,
      telling.acting,
    ])
    const approvals = new Approvals({ ledger, follower, database, clock })
    const uploads = new SpineUploads({ folder: config.data, key: keys.idKey, reserve: config.reserve })
    await uploads.open()
    undo.push(() => uploads.close())
    const trainingTables = new TrainingTables(tables, derived)
    const maker = new SetMaker({
      ledger,
      contracts,
      views,
      clock,
      derived,
      objections,
      uploads,
      tables: trainingTables,
    })
    const trainingSets = new TrainingSets({
      ledger,
      follower,
      database,
      clock,
      derived,
      approvals,
      maker,
      tables: trainingTables,
    })
    const verifier = new SetVerifier({ derived, objections, maker, sets: trainingSets })
    const cards = new SetCards({ derived, sets: trainingSets, views })
    const subjectEvents = new SubjectEvents({ ledger, contracts, limit: config.onlineMemory })
    const published = new FeatureTables(tables, derived)
    const snapshots = new Snapshots({
      ledger,
      follower,
      database,
      contracts,
      views,
      clock,
      derived,
      trainingSets,
      subjectEvents,
      tables,
      published,
    })
    const online = new Online({ ledger, views, columns, events: subjectEvents, clock })
    await snapshots.sweep()
    undo.push(
      keepColumns({
        ledger,
        contracts,
        columns: snapshots.events,
        recent: recentEvents,
        enough: options.columnsAfter,
      }),
    )
    const aliases = new Aliases(ledger, follower, database, clock)
    const room = async (): Promise<number> => (await files.free(config.data)) - config.reserve
    const artifacts = new Artifacts({ folder: config.data, database, follower, room })
    await artifacts.sweep()
    const onnx = new Onnx()
    undo.push(() => onnx.close())
    const scoring = new OnnxScoring(onnx, artifacts)
    const admit = scoring.admit.bind(scoring)
    const models = new Models({ ledger, follower, database, clock, aliases, artifacts, admit })
    const trainingRuns = new TrainingRuns(ledger, follower, database, clock)
    const capture = new PolicyBook(capturePolicyForm, { follower, database, clock })
    const batches = new PredictionBatches({
      ledger,
      follower,
      database,
      files,
      derived,
      models,
      snapshots,
      capture,
      standing,
      clock,
      reserve: config.reserve,
    })
    await batches.sweep()
    const archive = new PredictionArchive({
      ledger,
      follower,
      database,
      engine: columns,
      batches,
      tables,
      folder: config.data,
    })
    undo.push(keepArchive(archive, (listener) => batches.onRecorded(listener)))
    const predictions = new Predictions({
      ledger,
      follower,
      database,
      models,
      snapshots,
      capture,
      standing,
      batches,
      clock,
    })
    const traces = new Traces({
      ledger,
      follower,
      database,
      mask,
      capture: config.captureContent,
      propose: (proposal, caller) => acting.actions.propose(proposal, caller),
    })
    const policies = new PolicyBook(lineagePolicyForm, { follower, database, clock })
    const provenance = new Provenance({ ledger, contracts, views, snapshots, derived, tables })
    const planner = new Planner({
      ledger,
      follower,
      database,
      graph,
      contracts,
      views,
      policies: [
        policies,
        capture,
        purposes,
        agentFiles,
        gateChains,
        termLists,
        connectorFiles,
        playbooks,
        watching.monitorFiles,
        webhookFiles,
      ],
      snapshots,
      columns,
      clock,
      limit: config.planLimit,
    })
    const rolling = wireRollback({
      outside,
      ledger,
      follower,
      database,
      clock,
      standing,
      graph,
      actions: acting.actions,
      pauses: acting.pauses,
      aliases,
      planner,
      connectors,
      playbooks,
    })
    const apiKeys = new Keys(ledger, follower, database, clock)
    const anchors = new Anchors({ ledger, follower, database, files, clock, data: config.data })
    const erasures = new Erasures({
      ledger,
      follower,
      database,
      files,
      keys,
      snapshots,
      batches,
      derived,
      live,
      outcomes: new OutcomeOwners({ ledger, follower, database }),
      clock,
      keyFolder: config.keys,
    })
    await erasures.resume()
    const erasuresReapplied = await erasures.reapply(options.reapplyErasures ?? false)
    await snapshots.catchUp()
    await trainingSets.catchUp()
    await quarantine.expire(keys)
    const sweep = setInterval(
      () =>
        void quarantine
          .expire(keys)
          .catch((error: unknown) => console.error('whence: expiring quarantine failed:', error)),
      3_600_000,
    )
    undo.push(() => clearInterval(sweep))

    const warnings = configWarnings(config)
    const token = `wl_${randomBytes(32).toString('base64url')}`
    const local = { id: 'local', name: 'local', source: 'local', scopes: ['admin' as const] }
    const firstStart = (await apiKeys.list()).length === 0
    const adminKey = firstStart
      ? (await apiKeys.issue({ name: 'admin', scopes: ['admin'] }, 'local')).secret
      : undefined
    undo.push(await live.start(() => follower.reach()))
    undo.push(watching.monitors.start())
    await telling.acting.catchUp()
    undo.push(rolling.automatic.start())
    const { handlers, pages } = createApi({
      config,
      files,
      ledger,
      follower,
      database,
      keys,
      contracts,
      events,
      emissions,
      quarantine,
      collector,
      graph,
      views,
      derived,
      snapshots,
      online,
      tables,
      trainingSets,
      cards,
      verifier,
      uploads,
      objections,
      consents,
      consentImports,
      optOuts,
      optOutLinks,
      models,
      aliases,
      artifacts,
      trainingRuns,
      scoring,
      predictions,
      agents,
      connectors,
      ...rolling,
      traces,
      policies,
      planner,
      provenance,
      apiKeys,
      anchors,
      erasures,
      ...acting,
      ...watching,
      ...telling,
      standing,
      clock,
      warnings,
    })
    const localDigest = hash('sha256', token)
    const app = createApp(handlers, pages, {
      authenticate: async (secret) => (hash('sha256', secret) === localDigest ? local : apiKeys.authenticate(secret)),
    })
    const door = options.private ? await listen(app, '127.0.0.1', 0) : await listen(app, config.host, config.port)
    undo.push(() => door.close())
    lock.announce(door.url, token)
    return {
      url: door.url,
      token,
      adminKey,
      origin: ledger.origin,
      vkey: ledger.vkey,
      warnings,
      erasuresReapplied,
      stop,
    }
  } catch (error) {
    await stop().catch(() => {})
    throw error
  }
}

/** A client for commands: of the server that holds the folder, or of one started here for the length of the command. */
async function connect(
  dataFolder: string,
  env: NodeJS.ProcessEnv,
): Promise<{ client: ReturnType<typeof createClient>; close(): Promise<void> }> {
  const running = readLock(dataFolder)
  if (running?.url && running.token)
    return {
      client: createClient({ url: running.url, key: running.token, fetch: patientFetch }),
      close: async () => {},
    }
  const server = await startServer(readConfig(dataFolder, env), { private: true })
  if (server.adminKey)
    process.stderr.write(
      `whence: a new log was begun in ${dataFolder}; its admin key, shown once: ${server.adminKey}\n`,
    )
  return {
    client: createClient({ url: server.url, key: server.token, fetch: patientFetch }),
    close: () => server.stop(),
  }
}

if (process.argv[1] && fileURLToPath(import.meta.url) === realpathSync(process.argv[1])) {
  const context = processContext((folder) => connect(folder, process.env))
  const start = (folder: string, options?: StartOptions & { host?: string | undefined; port?: string | undefined }) =>
    startServer(readConfig(folder, process.env, options), options)
  process.exitCode = await runCli(process.argv.slice(2), context, [
    up(start),
    demo,
    rebuild(start),
    backup,
    restore(start),
    drill(startServer),
    recover((folder) => recoverFolder(readConfig(folder, process.env))),
    verify,
  ])
}
