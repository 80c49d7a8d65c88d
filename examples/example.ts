// The shape that all examples share, so that `whence demo` runs any of them in one loop. A project of yours needs none
// of this: contracts, feature views and two scripts are enough.
import type { Client, FeatureValue, ModelVersion, Snapshot } from '@whence/sdk'

/** The files to ingest: stream -> path. */
export type Files = Readonly<Record<string, string>>

export type Values = Record<string, FeatureValue>

export interface Example {
  readonly name: string
  /** One line: what it is, and whether the data are real. */
  readonly title: string
  /** The project folder, with `contracts/` and `features/`. */
  readonly folder: string
  /**
   * Finds the files to ingest in `from`, the folder of real data, or makes them in `work`, a folder that is deleted
   * afterwards. Throws `MissingData` where there is nothing to find.
   */
  prepare(work: string, from: string): Promise<Files>
  readonly view: string
  /** The event time that the predictions are made at. */
  readonly at: string
  train(whence: Client, files: Files): Promise<ModelVersion>
  /** Scores the subjects of a snapshot and records the predictions; resolves to how many were recorded. */
  score(whence: Client, model: ModelVersion, snapshot: Snapshot, files: Files): Promise<number>
  /** The number of the prediction to explain (see `predictionId`), and the question that the explanation answers. */
  readonly explain: { readonly number: string; readonly question: string }
  /** The same facts without Whence and without its engine: read from the files in plain TypeScript. */
  independent(files: Files): Independent
}

export interface Independent {
  readonly subjects: number
  /** Events by kind; each must also be the sum of one feature of the view over all subjects at the time `at`. */
  readonly counts: {
    readonly at: string
    readonly kinds: readonly { readonly kind: string; readonly count: number; readonly feature: string }[]
  }
  /** Every feature of the view for one person; undefined where the view has no row for them at that time. */
  featuresOf(entity: string, at: string): Values | undefined
  /** The same for everybody who has a row, by identifier. */
  features(at: string): ReadonlyMap<string, Values>
}

/** The real data are not part of the repository, and where they were expected there is nothing. */
export class MissingData extends Error {
  override readonly name = 'MissingData'
}
