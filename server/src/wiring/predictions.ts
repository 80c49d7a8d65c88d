// Predictions, single and in batches, and the table that they are archived in.
import type { Config } from '../config.ts'
import type { ConsentStanding } from '../path/consent/standing.ts'
import type { DerivedFiles } from '../path/features/derived-files.ts'
import type { Snapshots } from '../path/features/snapshots.ts'
import type { Models } from '../path/models/models.ts'
import { keepArchive, PredictionArchive } from '../path/predictions/archive.ts'
import { PredictionBatches } from '../path/predictions/batches/batches.ts'
import { Predictions } from '../path/predictions/predictions.ts'
import type { Tables } from '../record/tables/tables.ts'
import type { Columns } from '../store/columns.ts'
import type { Files } from '../store/files.ts'
import type { Closing } from './closing.ts'
import type { Policies } from './policies.ts'
import type { Recorded } from './record.ts'

export async function wirePredictions(
  config: Config,
  parts: Recorded & {
    files: Files
    columns: Columns
    tables: Tables
    derived: DerivedFiles
    snapshots: Snapshots
    models: Models
    capture: Policies['capture']
    standing: ConsentStanding
  },
  closing: Closing,
): Promise<{ batches: PredictionBatches; predictions: Predictions }> {
  const batches = new PredictionBatches({ ...parts, reserve: config.reserve })
  await batches.sweep()
  const archive = new PredictionArchive({ ...parts, engine: parts.columns, batches, folder: config.data })
  closing.add(keepArchive(archive, (listener) => batches.onRecorded(listener)))
  return { batches, predictions: new Predictions({ ...parts, batches }) }
}
