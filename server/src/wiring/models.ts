// Models, from the runs that trained them to the versions and the names in use, and how they are scored.
import type { Config } from '../config.ts'
import { Aliases } from '../path/models/aliases.ts'
import { Artifacts } from '../path/models/artifacts.ts'
import { Models } from '../path/models/models.ts'
import { OnnxScoring } from '../path/models/onnx-scoring.ts'
import { TrainingRuns } from '../path/models/training-runs.ts'
import type { Files } from '../store/files.ts'
import { Onnx } from '../store/onnx.ts'
import type { Closing } from './closing.ts'
import type { Recorded } from './record.ts'

export async function wireModels(
  config: Config,
  parts: Recorded & { files: Files },
  closing: Closing,
): Promise<{
  aliases: Aliases
  artifacts: Artifacts
  scoring: OnnxScoring
  models: Models
  trainingRuns: TrainingRuns
}> {
  const { ledger, follower, database, clock, files } = parts
  const aliases = new Aliases(ledger, follower, database, clock)
  const room = async (): Promise<number> => (await files.free(config.data)) - config.reserve
  const artifacts = new Artifacts({ folder: config.data, database, follower, room })
  await artifacts.sweep()
  const onnx = new Onnx()
  closing.add(() => onnx.close())
  const scoring = new OnnxScoring(onnx, artifacts)
  const admit = scoring.admit.bind(scoring)
  return {
    aliases,
    artifacts,
    scoring,
    models: new Models({ ledger, follower, database, clock, aliases, artifacts, admit }),
    trainingRuns: new TrainingRuns(ledger, follower, database, clock),
  }
}
