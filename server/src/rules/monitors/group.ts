// What a monitor has counted of one group, and the evidence in it.
import { createHash } from 'node:crypto'
import type { Hash } from 'node:crypto'
import {
  baselineEvidence,
  blockEvidence,
  ceilingEvidence,
  NOTHING_YET,
  restarted,
  restartedEvidence,
} from './evidence.ts'
import type { Arms, Count, Restarted } from './evidence.ts'
import type { MonitorTest } from './monitor.ts'
import type { Observation } from './observation.ts'

/** A tally that grows. */
interface Tally {
  units: number
  events: number
}

const none = (): Tally => ({ units: 0, events: 0 })
const add = (to: Tally, { units, events }: Count): void => {
  to.units += units
  to.events += events
}

export class Group {
  readonly name: string
  /** Only messages first heard of from this record on are counted. */
  readonly since: number
  readonly window: number
  /** Of the group; and of the baseline since then. */
  readonly count = none()
  readonly beside = none()
  readonly #test: MonitorTest
  #block = none()
  #besideBlock = none()
  #before: Arms = { version: none(), baseline: none() }
  #log = 0
  #restarted: Restarted = NOTHING_YET
  #digest: Hash = createHash('sha256')

  constructor(name: string, parts: { test: MonitorTest; since: number; window: number }) {
    this.name = name
    this.#test = parts.test
    this.since = parts.since
    this.window = parts.window
  }

  /** Notes a fact that is counted here, or of the baseline. */
  note({ at, seq, message, fact }: Observation): void {
    this.#digest.update(`${at} ${seq} ${message} ${fact}\n`)
  }

  /** Over every fact noted so far, in order. */
  get digest(): string {
    return this.#digest.copy().digest('hex')
  }

  /** Counts at once. */
  add(arm: 'version' | 'baseline', counted: Count): void {
    add(arm === 'version' ? this.count : this.beside, counted)
  }

  /** Counts towards a block; true when that closed it. */
  addToBlock(arm: 'version' | 'baseline', counted: Count): boolean {
    this.add(arm, counted)
    add(arm === 'version' ? this.#block : this.#besideBlock, counted)
    const test = this.#test
    if ((test.kind !== 'blocks' && test.kind !== 'restarts') || this.#block.units < test.block) return false
    if (test.kind === 'restarts') this.#restarted = restarted(this.#restarted, this.#block, test.ceiling)
    else if (this.#besideBlock.units < test.block) return false
    else this.#closeBlocks()
    this.#block = none()
    this.#besideBlock = none()
    return true
  }

  /** ln E, of now. */
  get evidence(): number {
    const test = this.#test
    if (test.kind === 'ceiling') return ceilingEvidence(this.count, test.ceiling)
    if (test.kind === 'baseline')
      return baselineEvidence({ events: this.count.events, baseline: this.beside.events }, test)
    return test.kind === 'restarts' ? restartedEvidence(this.#restarted) : this.#log
  }

  /** Whether what is seen is what is feared: comparisons of blocks see both ways. */
  get isWorse(): boolean {
    const test = this.#test
    if (test.kind !== 'blocks') return true
    const [mine, theirs] = [this.count, this.beside].map(({ events, units }) => events / units) as [number, number]
    return test.worse === 'lower' ? mine < theirs : mine > theirs
  }

  #closeBlocks(): void {
    const [version, baseline] = [this.#block, this.#besideBlock]
    this.#log += blockEvidence({ version, baseline }, this.#before)
    const sum = (a: Count, b: Count): Count => ({ units: a.units + b.units, events: a.events + b.events })
    this.#before = { version: sum(this.#before.version, version), baseline: sum(this.#before.baseline, baseline) }
  }
}
