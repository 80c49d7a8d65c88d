// Every endpoint of the SDK, each a call of one step; and the pages beside them.
import { parseTilePath } from '@whence/ledger'
import type { LedgerRecord, Status } from '@whence/sdk'
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import packageJson from '../../package.json' with { type: 'json' }
import type { Config } from '../config.ts'
import { Fault } from '../fault.ts'
import type { Anchors } from '../govern/anchors/anchors.ts'
import type { Erasures } from '../govern/erasures/erasures.ts'
import type { Keys } from '../govern/keys/keys.ts'
import { coverage, coverageMetrics } from '../govern/changes/coverage.ts'
import { diff } from '../govern/changes/diff.ts'
import { Lineage } from '../govern/changes/lineage.ts'
import type { Planner } from '../govern/changes/plan.ts'
import { runOf } from '../govern/changes/run.ts'
import { whatIf } from '../govern/changes/what-if.ts'
import { explanationPage } from '../govern/reports/explanation-page.ts'
import type { TableCheck } from '../govern/verify/tables.ts'
import { verifyData } from '../govern/verify/verify.ts'
import type { ContractBook } from '../path/events/contract-book.ts'
import type { Emissions } from '../path/events/emissions.ts'
import type { Events } from '../path/events/events.ts'
import type { PolicyBook } from '../path/events/policy-book.ts'
import type { Quarantine } from '../path/events/quarantine.ts'
import type { Collector } from '../path/lineage/collector.ts'
import { exported } from '../path/lineage/exports/exports.ts'
import type { DerivedFiles } from '../path/features/derived-files.ts'
import type { Agents } from '../path/actions/agents.ts'
import type { GateTrialParts } from '../path/actions/gate-trial.ts'
import type { Online } from '../path/features/online.ts'
import type { Provenance } from '../path/features/provenance.ts'
import type { Snapshots } from '../path/features/snapshots.ts'
import type { ViewBook } from '../path/features/view-book.ts'
import type { Scoring } from '../path/models/scoring.ts'
import { checkOrder } from '../path/actions/order.ts'
import { explain } from '../path/predictions/explain.ts'
import type { Predictions } from '../path/predictions/predictions.ts'
import type { Traces } from '../path/actions/traces.ts'
import { Promotions } from '../path/predictions/promotion.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import type { LineageGraph } from '../record/lineage/graph.ts'
import type { Tables } from '../record/tables/tables.ts'
import type { Follower } from '../record/projection/follower.ts'
import { formatTime, SECOND } from '../record/time.ts'
import type { Clock } from '../record/time.ts'
import type { Database } from '../store/database.ts'
import type { LineagePolicy } from '../rules/lineage/policy.ts'
import type { Files } from '../store/files.ts'
import type { KeyStore } from '../store/keys.ts'
import { consentHandlers } from './consent-api.ts'
import type { ConsentSteps } from './consent-api.ts'
import { connectorHandlers } from './connectors-api.ts'
import type { Connectors } from '../path/actions/connectors/connectors.ts'
import { outcomeHandlers } from './outcomes-api.ts'
import type { OutcomeSteps } from './outcomes-api.ts'
import { actionHandlers } from './actions-api.ts'
import type { ActionSteps } from './actions-api.ts'
import { emissionHandlers } from './emission-api.ts'
import type { Handlers } from './handlers.ts'
import { checkAlarms } from '../govern/monitors/check.ts'
import { monitorHandlers } from './monitors-api.ts'
import type { MonitorSteps } from './monitors-api.ts'
import { modelHandlers } from './models-api.ts'
import type { ModelSteps } from './models-api.ts'
import { offlineApi } from './offline-api.ts'
import type { OfflineSteps } from './offline-api.ts'
import { onlineHandlers } from './online-api.ts'
import { tableHandlers } from './tables-api.ts'
import { traceHandlers } from './traces-api.ts'
import { trialHandlers } from './trials-api.ts'
import { rollbackHandlers } from './rollback-api.ts'
import type { RollbackSteps } from './rollback-api.ts'
import { correctedHandlers } from './corrected-api.ts'
import { scopeHandlers } from './scope-api.ts'
import { Jobs } from './jobs.ts'
import { replayHandlers } from './replay-api.ts'
import { planHandlers } from './plans-api.ts'
import { predictionHandlers, proofsOf } from './predictions-api.ts'
import { provenanceHandlers } from './provenance-api.ts'
import { statementHandlers } from './statements-api.ts'
import type { Pages } from './server.ts'

export interface Steps
  extends ModelSteps, OfflineSteps, ActionSteps, ConsentSteps, OutcomeSteps, RollbackSteps, MonitorSteps {
  config: Config
  files: Files
  ledger: Ledger
  follower: Follower
  database: Database
  keys: KeyStore
  contracts: ContractBook
  events: Events
  emissions: Emissions
  quarantine: Quarantine
  collector: Collector
  views: ViewBook
  derived: DerivedFiles
  snapshots: Snapshots
  online: Online
  tables: Tables
  scoring: Scoring
  predictions: Predictions
  agents: Agents
  connectors: Connectors
  traces: Traces
  trials: GateTrialParts
  graph: LineageGraph
  policies: PolicyBook<LineagePolicy>
  planner: Planner
  provenance: Provenance
  apiKeys: Keys
  anchors: Anchors
  erasures: Erasures
  recordedTables: TableCheck
  clock: Clock
  warnings: readonly string[]
}

const LINK_LASTS = 3600 * SECOND

export function createApi(steps: Steps): { handlers: Handlers; pages: Pages } {
  const {
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
    views,
    snapshots,
    trainingSets,
    models,
    predictions,
    scoring,
    graph,
    policies,
    planner,
    provenance,
    apiKeys,
    anchors,
    erasures,
    clock,
  } = steps
  const linkKey = randomBytes(32)
  const linkToken = (id: string, expires: number): string =>
    `${expires}.${createHmac('sha256', linkKey).update(`${expires}.${id}`).digest('base64url')}`
  const promotions = new Promotions({ ledger, predictions, snapshots, models, scoring, clock })
  const explained = (id: string, asOf?: number) =>
    explain(
      {
        ledger,
        models,
        scoring: steps.scoring,
        snapshots,
        trainingSets,
        predictions,
        promotions,
        consents: steps.consents,
        graph,
        clock,
        anchored: () => anchors.last(),
      },
      id,
      asOf,
    )

  const lineage = new Lineage({ graph, database, follower, clock, batches: predictions.batches })
  const covered = (query: { namespace?: string | undefined; asOf?: number | undefined }) =>
    coverage({ graph, database, follower, policies, clock }, query)

  const jobs = new Jobs()
  const handlers: Handlers = {
    ...planHandlers(planner),
    ...provenanceHandlers(provenance),
    ...connectorHandlers(steps.connectors),
    async contract({ path }) {
      const { contract, seq, text } = contracts.inForce(path.stream!)
      return { stream: contract.stream, version: contract.version, seq, text }
    },
    view: ({ path }) => views.get(path.name!),
    ingest: ({ path, query, body, caller }) => events.ingest(path.stream!, body.stream, body.format, query, caller),
    streams: () => quarantine.streams(),
    stream: ({ path }) => quarantine.stream(path.stream!),
    quarantined: ({ query }) => quarantine.list(query),
    release: ({ body, caller }) => quarantine.release(body, caller),
    async records({ query }) {
      const size = ledger.size
      const to = Math.min(size, query.from + query.limit)
      const records: LedgerRecord[] = []
      for (let seq = query.from; seq < to; seq++) {
        records.push({ seq, leaf: ledger.receiptOf(seq).leaf, entry: { ...ledger.entry(seq) } })
      }
      return { records, next: Math.max(to, Math.min(query.from, size)), size }
    },
    recordProof: async ({ path }) => (await ledger.proof(position(path.seq!))).text,
    materialize: ({ body, caller }) => snapshots.materialize(body, caller),
    snapshot: ({ path }) => snapshots.get(position(path.id!)),
    async snapshotRows({ path }) {
      const id = position(path.id!)
      await snapshots.get(id)
      return snapshots.rows(id)
    },
    async subjects({ body }) {
      return {
        subjects: body.identifiers.map((identifier) => {
          const subject = ledger.subjects.find(body.subjectType, identifier)
          return subject === undefined || subject === 'erased' ? null : subject.id
        }),
      }
    },
    ...offlineApi(steps),
    ...modelHandlers(steps),
    predict: ({ query, body, caller }) => predictions.record(body, caller, query),
    find: ({ query }) => predictions.find(query),
    explain: ({ path, query }) => explained(path.id!, query.asOf),
    async explanationProof({ path }) {
      const at = await predictions.locate(path.id!)
      return proofsOf(ledger, predictions, at, (await explained(path.id!)).records)
    },
    async link({ path, base }) {
      await predictions.locate(path.id!)
      const expires = clock.now() + LINK_LASTS
      return {
        url: `${base}/explain/${encodeURIComponent(path.id!)}?t=${linkToken(path.id!, expires)}`,
        expires: formatTime(expires),
      }
    },
    ...replayHandlers(steps, jobs),
    ...correctedHandlers(steps, jobs),
    ...onlineHandlers(steps),
    ...consentHandlers(steps),
    ...rollbackHandlers(steps),
    ...scopeHandlers(steps),
    ...actionHandlers(steps, {
      ledger,
      follower,
      database,
      clock,
      traces: steps.traces,
      prediction: (id) => explained(id),
      outcomes: (action) => steps.outcomes.of(action),
    }),
    ...outcomeHandlers(steps),
    ...predictionHandlers({ predictions, promotions }),
    ...tableHandlers(steps),
    ...statementHandlers({
      ...steps,
      prediction: (id) => predictions.locate(id),
      outcomes: (action) => steps.outcomes.of(action),
    }),
    ...traceHandlers(steps.traces),
    ...trialHandlers(steps.trials, steps),
    ...monitorHandlers(steps),
    async collect({ body, caller }) {
      const { only, batch } = await collector.collect(body.stream, body.format, caller)
      if (only instanceof Fault) throw only
      return only ?? batch
    },
    collectBatch: async ({ body, caller }) => (await collector.collect(body.stream, body.format, caller)).batch,
    collected: ({ query }) => collector.received(query.from, query.limit),
    lineageExplain: ({ query }) => lineage.explain(query),
    lineageImpact: ({ query }) => lineage.impact(query),
    lineageDiff: ({ query }) => diff({ graph, ledger, follower, snapshots, clock }, query),
    lineageExport: ({ query }) => exported({ graph, ledger }, query),
    whatIf: ({ body }) => whatIf({ graph, database, follower, batches: predictions.batches, contracts, clock }, body),
    lineageNodes: ({ query }) => lineage.nodes(query),
    lineageNode: ({ query }) => lineage.node(query),
    lineageRun: ({ query }) => runOf({ graph, follower, clock }, query),
    lineageCoverage: ({ query }) => covered(query),
    ...emissionHandlers(emissions),
    erase: ({ body, caller }) => erasures.erase(body, caller),
    keys: () => apiKeys.list(),
    issueKey: ({ body, caller }) => apiKeys.issue(body, caller.id),
    revokeKey: ({ path, caller }) => apiKeys.revoke(path.id!, caller.id),
    anchor: ({ body, caller }) => anchors.anchor(body, caller),
    status,
    verify: () =>
      verifyData({ files, folder: config.data, ledger, keys }, [
        () => snapshots.check(),
        () => steps.artifacts.check(),
        () => predictions.batches.check(),
        () => checkOrder(ledger),
        () => checkAlarms(steps.monitorParts, steps.monitors),
        () => steps.recordedTables.check(),
      ]),
  }

  async function status(): Promise<Status> {
    // A follower that has failed is told of below; what it reached is shown.
    await follower.reach().catch(() => {})
    const rows = await database.query<{ kind: string; records: bigint }>(
      'select kind, records from record_count order by kind',
    )
    const anchored = await anchors.last().catch(() => undefined)
    const { size } = ledger
    return {
      version: packageJson.version,
      origin: ledger.origin,
      vkey: ledger.vkey,
      size,
      published: ledger.published,
      checkpoint: ledger.checkpoint,
      database: database.engine,
      follower: { next: follower.next, lag: size - follower.next },
      records: Object.fromEntries(rows.map(({ kind, records }) => [kind, Number(records)])),
      ...(anchored ? { anchored } : {}),
      warnings: [...steps.warnings, ...(follower.failed ? [follower.failed.message] : [])],
    }
  }

  let measured: { size: number; at: number; lines: string[] } | undefined
  /** Walks the whole graph: at most once a minute, and only when something was recorded since. */
  async function measuredCoverage(): Promise<string[]> {
    const now = clock.now()
    if (measured && (measured.size === ledger.size || now - measured.at < 60 * SECOND)) return measured.lines
    measured = { size: ledger.size, at: now, lines: coverageMetrics(await covered({})) }
    return measured.lines
  }

  const pages: Pages = {
    tables: steps.tables,
    optOut: steps.optOutLinks,
    traces: steps.traces,
    webhooks: steps.webhooks,
    logFile(path) {
      if (path !== 'checkpoint' && path !== 'vkey') {
        try {
          parseTilePath(path)
        } catch {
          return undefined
        }
      }
      return files.read(`${config.data}/log/${path}`)
    },
    async explanation(id, token) {
      const expires = Number(/^(\d{1,16})\./.exec(token)?.[1] ?? 0)
      const good = Buffer.from(linkToken(id, expires))
      const given = Buffer.from(token)
      if (given.length !== good.length || !timingSafeEqual(given, good) || expires < clock.now()) {
        throw new Fault(
          'forbidden',
          'this link is not valid, or no longer: ask for a new one (POST /v1/predictions/ID/links)',
        )
      }
      return explanationPage(await explained(id))
    },
    async metrics() {
      const { records: counts } = await status()
      const times = [...ledger.syncTimes].sort((a, b) => a - b)
      const quantile = (q: number): number =>
        (times[Math.min(times.length - 1, Math.floor(q * times.length))] ?? 0) / 1000
      return [
        '# HELP whence_queue_records Records accepted and not yet durable.',
        '# TYPE whence_queue_records gauge',
        `whence_queue_records ${ledger.queued.records}`,
        '# HELP whence_queue_bytes Bytes accepted and not yet durable.',
        '# TYPE whence_queue_bytes gauge',
        `whence_queue_bytes ${ledger.queued.bytes}`,
        '# HELP whence_ledger_size Records that are durable.',
        '# TYPE whence_ledger_size gauge',
        `whence_ledger_size ${ledger.size}`,
        '# HELP whence_published_size Records that stand in published tiles.',
        '# TYPE whence_published_size gauge',
        `whence_published_size ${ledger.published}`,
        '# HELP whence_follower_lag_records Records that the tables have not followed yet.',
        '# TYPE whence_follower_lag_records gauge',
        `whence_follower_lag_records ${ledger.size - follower.next}`,
        '# HELP whence_journal_sync_seconds Time to write and sync a journal frame, over the last thousand.',
        '# TYPE whence_journal_sync_seconds summary',
        ...[0.5, 0.9, 0.99].map((q) => `whence_journal_sync_seconds{quantile="${q}"} ${quantile(q)}`),
        '# HELP whence_records_total Records by kind.',
        '# TYPE whence_records_total counter',
        ...Object.entries(counts).map(([kind, n]) => `whence_records_total{kind="${kind}"} ${n}`),
        ...(await measuredCoverage().catch(() => [])),
        '',
      ].join('\n')
    },
    notReady() {
      if (follower.failed) return follower.failed.message
      const lag = ledger.size - follower.next
      return lag > 100_000 ? `the tables are ${lag} records behind the ledger` : undefined
    },
  }
  return { handlers, pages }
}

function position(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new Fault('invalid', `"${text}" is no position: positions are whole numbers from 0`)
}
