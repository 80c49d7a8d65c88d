// Features, from views over events to snapshots, training sets and values online.
import type { Config } from '../config.ts'
import type { Objections } from '../path/consent/objections.ts'
import type { ContractBook } from '../path/events/contract-book.ts'
import type { RecentEvents } from '../path/events/recent.ts'
import { Approvals } from '../path/features/approvals.ts'
import { keepColumns } from '../path/features/column-keeping.ts'
import { DerivedFiles } from '../path/features/derived-files.ts'
import { eventFieldIds, FeatureTables } from '../path/features/feature-tables.ts'
import { Online } from '../path/features/online.ts'
import { Provenance } from '../path/features/provenance.ts'
import { SetCards } from '../path/features/set-card.ts'
import { SetMaker } from '../path/features/set-maker.ts'
import { SetVerifier } from '../path/features/set-verify.ts'
import { Snapshots } from '../path/features/snapshots.ts'
import { SpineUploads } from '../path/features/spine-uploads.ts'
import { SubjectEvents } from '../path/features/subject-events.ts'
import { TrainingSets } from '../path/features/training-sets.ts'
import { TrainingTables } from '../path/features/training-tables.ts'
import { ViewBook } from '../path/features/view-book.ts'
import type { Tables } from '../record/tables/tables.ts'
import type { Columns } from '../store/columns.ts'
import type { KeyStore } from '../store/keys.ts'
import type { Closing } from './closing.ts'
import type { Recorded } from './record.ts'

export async function wireFeatures(
  config: Config,
  parts: Recorded & {
    keys: KeyStore
    columns: Columns
    tables: Tables
    contracts: ContractBook
    recentEvents: RecentEvents
    objections: Objections
    /** Events of a stream after which its column files are brought up. */
    columnsAfter?: number | undefined
  },
  closing: Closing,
): Promise<{
  views: ViewBook
  derived: DerivedFiles
  uploads: SpineUploads
  trainingSets: TrainingSets
  verifier: SetVerifier
  cards: SetCards
  snapshots: Snapshots
  online: Online
  provenance: Provenance
}> {
  const { ledger, clock, keys, columns, tables, contracts, recentEvents, objections } = parts
  const views = new ViewBook({ ...parts, limit: config.planLimit })
  const derived = new DerivedFiles({
    ...parts,
    recent: recentEvents,
    folder: config.data,
    fieldIds: eventFieldIds(tables),
  })
  closing.add(() => derived.place.events.settled())
  await derived.noteErasures()

  const uploads = new SpineUploads({ folder: config.data, key: keys.idKey, reserve: config.reserve })
  await uploads.open()
  closing.add(() => uploads.close())
  const trainingTables = new TrainingTables(tables, derived)
  const maker = new SetMaker({ ledger, contracts, views, clock, derived, objections, uploads, tables: trainingTables })
  const approvals = new Approvals(parts)
  const trainingSets = new TrainingSets({ ...parts, derived, approvals, maker, tables: trainingTables })

  const subjectEvents = new SubjectEvents({ ledger, contracts, limit: config.onlineMemory })
  const published = new FeatureTables(tables, derived)
  const snapshots = new Snapshots({ ...parts, views, derived, trainingSets, subjectEvents, published })
  await snapshots.sweep()
  closing.add(
    keepColumns({
      ledger,
      contracts,
      columns: snapshots.events,
      recent: recentEvents,
      enough: parts.columnsAfter,
    }),
  )
  return {
    views,
    derived,
    uploads,
    trainingSets,
    verifier: new SetVerifier({ derived, objections, maker, sets: trainingSets }),
    cards: new SetCards({ derived, sets: trainingSets, views }),
    snapshots,
    online: new Online({ ledger, views, columns, events: subjectEvents, clock }),
    provenance: new Provenance({ ledger, contracts, views, snapshots, derived, tables }),
  }
}
