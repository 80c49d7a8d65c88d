import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { isStep, Seq, Sha256, Time } from './time.ts'

const text = (most: number) => z.string().min(1).max(most)
const unlessStep = (id: string) => !isStep(id)

/** Where a run stands. `running` never takes back an end that was told. */
export const RunStatus = z.enum(['running', 'finished', 'failed', 'killed'])
export type RunStatus = z.infer<typeof RunStatus>

/** The code that ran. */
export const RunCode = z.object({
  repository: z.string().optional(),
  commit: z.string().optional(),
  dirty: z.boolean().optional().describe('whether the tree held changes that the commit does not have'),
  entryPoint: text(1000).optional().describe('file or module that was started'),
  sha256: Sha256.optional().describe('digest of the code itself, where there is no commit'),
})
export type RunCode = z.infer<typeof RunCode>

/** What the code ran in. */
export const RunEnvironment = z.object({
  language: text(200).optional().describe('"python 3.13.1"'),
  platform: text(400).optional(),
  image: text(1000).optional().describe('container image, with its digest'),
  packages: z.record(text(200), z.string().max(200)).optional().describe('version by name'),
  sha256: Sha256.optional().describe('digest of a lock file or of an environment description'),
})
export type RunEnvironment = z.infer<typeof RunEnvironment>

/** A dataset that a run read, as its framework names it. Of one that Whence keeps say `trainingSet` instead. */
export const RunDataset = z.object({
  name: text(1000),
  digest: text(200).optional().describe('as the framework gives it; "sha256:…" where it is one over the whole content'),
  source: text(4000).optional().describe('where it was read from'),
  context: text(100).optional().describe('"training", "validation", "test"'),
})
export type RunDataset = z.infer<typeof RunDataset>

/** A file that a run produced. `sha256` connects it with the artifact store and with model versions. */
export const RunArtifact = z.object({
  path: text(1000).describe('name within the run'),
  sha256: Sha256.optional(),
  bytes: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER).optional(),
  uri: text(4000).optional(),
})
export type RunArtifact = z.infer<typeof RunArtifact>

/** Where a run was read from, when somebody else than the run itself tells of it. */
export const RunOrigin = z.object({
  system: text(100).describe('"mlflow", "openlineage"; the run itself: "api"'),
  id: text(1000).optional().describe('its name there'),
  uri: text(4000).optional(),
})
export type RunOrigin = z.infer<typeof RunOrigin>

/** The members of a run that a record may state. All but `id` may come later, or never. */
const said = {
  name: text(1000).optional(),
  framework: text(200).optional().describe('"scikit-learn 1.7.2"'),
  status: RunStatus.optional(),
  started: Time.optional(),
  ended: Time.optional(),
  parameters: z
    .record(text(500), z.union([z.string().max(10_000), z.number(), z.boolean(), z.null()]))
    .optional()
    .describe('what it was trained with'),
  metrics: z.record(text(500), z.number()).optional().describe('what came out: the last value of each'),
  code: RunCode.optional(),
  environment: RunEnvironment.optional(),
  trainingSet: text(128).optional().describe('id of a training set of Whence'),
  datasets: z.array(RunDataset).max(100).optional(),
  artifacts: z.array(RunArtifact).max(1000).optional(),
  tags: z.record(text(500), z.string().max(5000)).optional(),
}

/**
 * One record of a training run: at its start, at its end, or all at once. Later records of the same source add to it: a
 * member that is stated again replaces what stood, maps (`parameters`, `metrics`, `tags`, `packages`) are joined by key,
 * artifacts by path, datasets by name and context. The same content again is a duplicate.
 */
export const TrainingRunRequest = z.object({
  id: text(128).refine(unlessStep, 'cannot be asked for'),
  ...said,
  origin: RunOrigin.optional().describe('default: the run itself, {"system": "api"}'),
})
export type TrainingRunRequest = z.infer<typeof TrainingRunRequest>

/** A training run as it was told so far. All of it is its source's word. */
export const TrainingRun = z.object({
  id: z.string(),
  source: z.string().describe('who told of it'),
  ...said,
  origin: RunOrigin,
  records: z
    .array(z.object({ seq: Seq, recorded: z.string(), status: RunStatus.optional() }))
    .describe('the records that it is made of, oldest first; the first hundred'),
  versions: z.array(z.string()).describe('model versions that name this run, name@version'),
  others: z
    .array(z.object({ source: z.string(), system: z.string() }))
    .describe('who else tells of a run with this id; ask with ?source='),
  receipt: Receipt.optional(),
})
export type TrainingRun = z.infer<typeof TrainingRun>

export const TrainingRunQuery = z.object({
  source: text(200).optional().describe('whose word; default: the first that posted it, before what lineage tells'),
})
export type TrainingRunQuery = z.infer<typeof TrainingRunQuery>

export const TrainingRunsQuery = z.object({
  system: text(100).optional().describe('only runs of this origin'),
  limit: z.coerce.number<number>().int().min(1).max(1000).default(50),
  before: z.coerce.number<number>().int().nonnegative().optional().describe('cursor: only runs first told before it'),
})
export type TrainingRunsQuery = z.input<typeof TrainingRunsQuery>

/** Newest first. */
export const TrainingRuns = z.object({
  runs: z.array(
    z.object({
      id: z.string(),
      source: z.string(),
      system: z.string(),
      seq: Seq,
      name: z.string().optional(),
      framework: z.string().optional(),
      status: RunStatus.optional(),
      started: z.string().optional(),
      ended: z.string().optional(),
    }),
  ),
  next: Seq.optional().describe('give this as `before` for the next page'),
})
export type TrainingRuns = z.infer<typeof TrainingRuns>
