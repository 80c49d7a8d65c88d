import { agentCommands } from './agents/commands.ts'
import { outbox, outboxAcknowledge, outboxClaim } from './actions/outbox.ts'
import { actionsExport } from './actions/export.ts'
import { actionsList } from './actions/list.ts'
import { actionsPropose } from './actions/propose.ts'
import { reviews, reviewsApprove, reviewsAssign, reviewsEdit, reviewsReject } from './actions/reviews.ts'
import { anchor } from './anchor.ts'
import { apply } from './apply.ts'
import type { Command } from './command.ts'
import { connectorCommands } from './connectors/commands.ts'
import { consentCommands } from './consent/commands.ts'
import { emitters } from './emitters.ts'
import { drift } from './drift.ts'
import { erase } from './erase.ts'
import { explain } from './explain.ts'
import { featuresOnline } from './features-online.ts'
import { expire } from './expire.ts'
import { find } from './find.ts'
import { gatesTest } from './gates/test.ts'
import { importFeast } from './imports/feast.ts'
import { importMlflow } from './imports/mlflow.ts'
import { ingest } from './ingest.ts'
import { keys } from './keys.ts'
import { lineageCoverage } from './lineage/coverage.ts'
import { lineageDiff } from './lineage/diff.ts'
import { lineageExport } from './lineage/export.ts'
import { lineageExplain } from './lineage/explain.ts'
import { lineageImpact } from './lineage/impact.ts'
import { lineageImport } from './lineage/import.ts'
import { lineageNodes } from './lineage/nodes.ts'
import { lineageShow } from './lineage/show.ts'
import { lineageWhatIf } from './lineage/what-if.ts'
import { materialize } from './materialize.ts'
import { object } from './object.ts'
import { modelAlias } from './models/model-alias.ts'
import { modelAudit } from './models/model-audit.ts'
import { modelCard } from './models/model-card.ts'
import { modelShow } from './models/model-show.ts'
import { monitorCommands } from './monitors/commands.ts'
import { models } from './models/models.ts'
import { outcomeCommands } from './outcomes/commands.ts'
import { plan } from './plan.ts'
import { predict } from './predict.ts'
import { promote } from './promote.ts'
import { pause, pauses, resume } from './rollback/pauses.ts'
import {
  rollbackApply,
  rollbackPlan,
  rollbackReport,
  rollbackResume,
  rollbacks,
  rollbackScope,
  rollbackShow,
} from './rollback/rollback.ts'
import { rollbackCorrected } from './rollback/corrected.ts'
import { provenance } from './provenance.ts'
import { quarantine } from './quarantine.ts'
import { release } from './release.ts'
import { replay } from './replay.ts'
import { sendCommand } from './sending/send.ts'
import { skew } from './skew.ts'
import { status } from './status.ts'
import { trainingCommands } from './training/commands.ts'
import { tables } from './tables.ts'
import { tracesShow } from './traces-show.ts'
import { termsImport } from './terms-import.ts'

/** The commands that need no more than a client. */
export const commands: readonly Command[] = [
  plan,
  apply,
  ingest,
  quarantine,
  release,
  materialize,
  featuresOnline,
  predict,
  ...trainingCommands,
  object,
  ...consentCommands,
  ...connectorCommands,
  tables,
  tracesShow,
  expire,
  models,
  modelShow,
  modelAlias,
  modelCard,
  modelAudit,
  actionsPropose,
  actionsList,
  actionsExport,
  gatesTest,
  reviews,
  reviewsAssign,
  reviewsApprove,
  reviewsEdit,
  reviewsReject,
  outbox,
  outboxClaim,
  outboxAcknowledge,
  ...outcomeCommands,
  sendCommand,
  pause,
  resume,
  pauses,
  rollbackScope,
  rollbackPlan,
  rollbackApply,
  rollbackResume,
  rollbackReport,
  rollbackShow,
  rollbackCorrected,
  rollbacks,
  provenance,
  explain,
  promote,
  find,
  replay,
  skew,
  drift,
  lineageExplain,
  lineageImpact,
  lineageWhatIf,
  lineageDiff,
  lineageCoverage,
  lineageNodes,
  lineageShow,
  lineageImport,
  lineageExport,
  importMlflow,
  importFeast,
  termsImport,
  erase,
  anchor,
  emitters,
  ...agentCommands,
  ...monitorCommands,
  status,
  keys,
]
