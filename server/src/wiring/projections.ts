// What each kind of record becomes in the tables, and what it says of lineage.
import { anchorProjection } from '../govern/anchors/anchors.ts'
import { erasureProjection } from '../govern/erasures/erasures.ts'
import { keyProjection } from '../govern/keys/keys.ts'
import { rollbackProjection } from '../govern/rollback/rollbacks.ts'
import { pauseProjection } from '../path/actions/pauses.ts'
import { actionProjection } from '../path/actions/projection.ts'
import { spanProjection } from '../path/actions/span-records.ts'
import { consentProjection } from '../path/consent/consents-held.ts'
import { objectionProjection } from '../path/consent/objections.ts'
import { contractProjection, recordedContract } from '../path/events/contract-book.ts'
import { emissionProjection } from '../path/events/emissions.ts'
import { contractLineage } from '../path/events/lineage.ts'
import { planProjection } from '../path/events/plan-records.ts'
import { policyProjection } from '../path/events/policy-book.ts'
import { eventProjection, recordCountProjection } from '../path/events/queries.ts'
import { approvalProjection } from '../path/features/approvals.ts'
import { snapshotLineage, trainingLineage, viewLineage } from '../path/features/lineage.ts'
import { snapshotProjection } from '../path/features/snapshot-book.ts'
import { trainingProjection } from '../path/features/training-sets.ts'
import { viewProjection } from '../path/features/view-book.ts'
import { lineageReader } from '../path/lineage/reader.ts'
import type { RecentStatements } from '../path/lineage/recent.ts'
import { aliasProjection } from '../path/models/aliases.ts'
import { aliasLineage, modelLineage, runLineage } from '../path/models/lineage.ts'
import { modelProjection } from '../path/models/models.ts'
import { trainingRunProjection } from '../path/models/training-runs.ts'
import { outcomeProjection } from '../path/outcomes/projection.ts'
import { batchProjection } from '../path/predictions/batches/batch-book.ts'
import { predictionProjection } from '../path/predictions/predictions.ts'
import type { Ledger } from '../record/ledger/ledger.ts'
import { lineageProjection } from '../record/lineage/projection.ts'
import type { StatementReaders } from '../record/lineage/projection.ts'
import type { Projection } from '../record/projection/follower.ts'
import { tableProjection } from '../record/tables/projection.ts'
import type { Columns } from '../store/columns.ts'
import type { Prover } from '../store/prover.ts'
import { monitorProjections } from './monitors.ts'
import { policyForms } from './policies.ts'

/** In this order within each stretch of the log. */
export function allProjections(ledger: Ledger, readers: StatementReaders): Projection[] {
  return [
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
    policyProjection(Object.values(policyForms)),
    tableProjection,
    planProjection,
    outcomeProjection(ledger.subjects.idKey),
    ...monitorProjections(ledger),
    lineageProjection(readers),
  ]
}

/**
 * Those of which `verify` holds the tables against the records: what was done, what came of it, and what followed. In the same
 * order, with all that they read of one another.
 */
export function checkedProjections(ledger: Ledger): Projection[] {
  return [
    actionProjection,
    pauseProjection,
    rollbackProjection,
    outcomeProjection(ledger.subjects.idKey),
    ...monitorProjections(ledger),
  ]
}

/** A view's statement is read with the engine's own parser: what it says of columns is what the engine would do. */
export function statementReaders(parts: {
  ledger: Ledger
  columns: Columns
  prover: Prover
  recent: RecentStatements
}): StatementReaders {
  const { ledger, columns, prover, recent } = parts
  return {
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
}
