// What every training script does on its way to Whence: a training set from labels, a model from its rows, both on record.
import { createHash, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Client, ModelVersion, SpineRow, TrainingRow } from '@whence/sdk'
import { auc, fit, score, type FitOptions, type Row } from './logistic.ts'

export interface Lesson {
  /** The training set is called after it: `opens-subject-a-0f3c91d2`. */
  id: string
  view: string
  label: string
  spine: SpineRow[]
  parameters: FitOptions & Record<string, unknown>
  /** Rows that do not teach, but test what the others taught. */
  isTest(row: TrainingRow): boolean
  model: { name: string; description: string; predicts: string }
  /** `import.meta.url` of the script. */
  script: string
}

/** Trains a logistic regression on the rows of a training set, and registers it with its run. */
export async function learn(whence: Client, lesson: Lesson): Promise<ModelVersion> {
  const started = new Date().toISOString()
  const run = randomUUID()
  const trainingSet = await whence.createTrainingSet({
    id: `${lesson.id}-${run.slice(0, 8)}`,
    view: lesson.view,
    label: lesson.label,
    spine: lesson.spine,
  })
  const rows: TrainingRow[] = []
  for await (const row of whence.trainingRows(trainingSet.id)) rows.push(row)
  const { teach = [], test = [] } = Object.groupBy(rows, (row) => (lesson.isTest(row) ? 'test' : 'teach'))
  const model = fit(teach, lesson.parameters)

  return whence.registerModel({
    ...lesson.model,
    view: trainingSet.view,
    trainingSet: trainingSet.id,
    run: {
      id: run,
      started,
      ended: new Date().toISOString(),
      parameters: lesson.parameters,
      code: { sha256: codeDigest(lesson.script) },
    },
    metrics: {
      auc: auc(test.map((row) => ({ ...row, score: score(model, row.values).score }))),
      rows_train: teach.length,
      rows_test: test.length,
      rate_train: rate(teach),
      rate_test: rate(test),
    },
    model,
  })
}

const rate = (rows: readonly Row[]): number => rows.filter((row) => row.label).length / rows.length

/** What `cat train.ts ../training.ts ../logistic.ts | sha256sum` prints. */
function codeDigest(script: string): string {
  const hash = createHash('sha256')
  for (const file of [script, new URL('training.ts', import.meta.url), new URL('logistic.ts', import.meta.url)])
    hash.update(readFileSync(new URL(file)))
  return hash.digest('hex')
}
