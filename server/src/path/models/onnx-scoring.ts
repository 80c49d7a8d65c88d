// Scoring of ONNX artifacts, and the trial by which a version is admitted.
import type { ModelVersion, ModelVersionRequest } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Onnx, OnnxTensor } from '../../store/onnx.ts'
import type { Artifacts } from './artifacts.ts'
import { checkSignature, feedsOf, scoresOf } from './onnx-signature.ts'
import type { CheckedSignature } from './onnx-signature.ts'
import { plainScoring } from './scoring.ts'
import type { Inputs, Scorable, Scored, Scorer, Scoring } from './scoring.ts'

/** Rows that are scored in one run. */
const GROUP = 1000
/** Milliseconds for which a model that ran out of time is not run again. */
const REST = 60_000

export class OnnxScoring implements Scoring {
  readonly #onnx: Onnx
  readonly #artifacts: Artifacts
  readonly #now: () => number
  readonly #resting = new Map<string, { until: number; fault: Fault }>()

  constructor(onnx: Onnx, artifacts: Artifacts, now: () => number = Date.now) {
    this.#onnx = onnx
    this.#artifacts = artifacts
    this.#now = now
  }

  async scorerOf(version: ModelVersion): Promise<Scorable> {
    if (version.model || version.artifact?.format !== 'onnx') return plainScoring.scorerOf(version)
    try {
      return { able: true, scorer: await this.#scorer(version) }
    } catch (error) {
      return { able: false, why: Fault.from(error).message }
    }
  }

  /**
   * Whether a version can be scored as it says: the artifact is there and whole, a model, of that signature, ends in time,
   * gives numbers, the same for the same row, alone and in company. Throws `invalid` with what to change.
   */
  async admit(request: ModelVersionRequest & { tolerance: number }): Promise<void> {
    const scorer = await this.#scorer(request)
    const rows: Inputs[] = [0, 1, -1].map((value) => Object.fromEntries(scorer.features.map((name) => [name, value])))
    const text = (value: string): Inputs => Object.fromEntries(scorer.features.map((name) => [name, value]))
    // Which of these a model takes depends on its types; those that it cannot take are no fault.
    const trial = [...rows, {}, text('a'), ...(await this.#mixed(request))]
    const together = await scorer.scoreMany(trial)
    const again = await scorer.scoreMany(trial)
    for (const [i, row] of trial.entries()) {
      const alone = await scorer.score(row)
      if (alike(alone, together[i]!, scorer.tolerance) && alike(again[i]!, together[i]!, 0)) continue
      throw new Fault(
        'invalid',
        'the model gives another score for the same row: it draws random numbers, or a row depends on those beside it. What it scored could never be checked',
      )
    }
  }

  /** Rows of which each value fits the type of its input. */
  async #mixed({ artifact, signature }: Pick<ModelVersionRequest, 'artifact' | 'signature'>): Promise<Inputs[]> {
    const { inputs } = await this.#signature(artifact!.sha256, signature)
    const kinds = inputs.map(({ type }) => type)
    if (new Set(kinds).size < 2 && kinds[0] !== 'bool') return []
    return [0, 1].map((value) =>
      Object.fromEntries(
        inputs.flatMap(({ type, features }) =>
          features.map((name) => [name, type === 'string' ? 'ab'[value]! : type === 'bool' ? value === 1 : value]),
        ),
      ),
    )
  }

  async #scorer(version: Pick<ModelVersionRequest, 'artifact' | 'signature' | 'tolerance'>): Promise<Scorer> {
    const { sha256 } = version.artifact!
    const signature = await this.#signature(sha256, version.signature)
    const scoreMany = (rows: readonly Inputs[]): Promise<Scored[]> => this.#score(sha256, signature, rows)
    return {
      features: [...new Set(signature.inputs.flatMap(({ features }) => features))],
      tolerance: version.tolerance ?? 1e-5,
      scoreMany,
      score: async (inputs) => (await scoreMany([inputs]))[0]!,
    }
  }

  async #signature(sha256: string, said: ModelVersionRequest['signature']): Promise<CheckedSignature> {
    return checkSignature(said, await this.#within(sha256, () => this.#onnx.describe(sha256, () => this.#read(sha256))))
  }

  async #score(sha256: string, signature: CheckedSignature, rows: readonly Inputs[]): Promise<Scored[]> {
    const scored: Scored[] = []
    const group = signature.single ? 1 : GROUP
    for (let from = 0; from < rows.length; from += group)
      scored.push(...(await this.#scoreGroup(sha256, signature, rows.slice(from, from + group))))
    return scored
  }

  async #scoreGroup(sha256: string, signature: CheckedSignature, rows: readonly Inputs[]): Promise<Scored[]> {
    const { feeds, problems } = feedsOf(signature, rows)
    const none = (problem: string): Scored => ({ score: Number.NaN, problem })
    if (problems.size === rows.length) return rows.map((_, i) => none(problems.get(i)!))
    let output: OnnxTensor
    try {
      output = await this.#within(sha256, () =>
        this.#onnx.run(sha256, () => this.#read(sha256), feeds, signature.output.name),
      )
    } catch (error) {
      const fault = Fault.from(error)
      if (fault.code !== 'invalid') throw fault
      if (rows.length === 1) return [none(fault.message)]
      // One row that the model cannot take (a category that it does not know) must not speak for the others.
      const alone: Scored[] = []
      for (const row of rows) alone.push(...(await this.#scoreGroup(sha256, signature, [row])))
      return alone
    }
    const scores = scoresOf(signature, output, rows.length)
    if (!scores)
      throw new Fault('invalid', `the output ${signature.output.name} of the model is not one number for each row`)
    return scores.map((score, i) => (problems.has(i) ? none(problems.get(i)!) : { score }))
  }

  async #read(sha256: string): Promise<Uint8Array> {
    const bytes = await this.#artifacts.read(sha256)
    if (bytes) return bytes
    throw new Fault('invalid', `its artifact ${sha256} is not stored: PUT /v1/artifacts/${sha256} first`)
  }

  /** A model that ran out of time rests a while, so that it cannot keep others from being scored. */
  async #within<Result>(sha256: string, work: () => Promise<Result>): Promise<Result> {
    const resting = this.#resting.get(sha256)
    if (resting && resting.until > this.#now()) throw resting.fault
    this.#resting.delete(sha256)
    try {
      return await work()
    } catch (error) {
      const fault = Fault.from(error)
      if (fault.code === 'unavailable') this.#resting.set(sha256, { until: this.#now() + REST, fault })
      throw fault
    }
  }
}

/** Two that are no score are alike. */
function alike(a: Scored, b: Scored, tolerance: number): boolean {
  return Object.is(a.score, b.score) || Math.abs(a.score - b.score) <= tolerance
}
