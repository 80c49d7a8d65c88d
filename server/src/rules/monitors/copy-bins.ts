// An action's copy and inputs as bins to be compared: how long, in which language, with which words, from which values.
// Words and values become numbers of buckets, so that nothing of a text can be read back from what is counted.
import type { ActionProposal, CopyPart, FeatureValue } from '@whence/sdk'
import { hash } from 'node:crypto'
import { languageOf } from '../gates/kinds/brand.ts'
import { Reading } from '../gates/reading.ts'
import type { Drift } from './monitor.ts'

/** Buckets that words fall into, and values of one input. */
const WORDS = 128
const VALUES = 32
/** Of a text so much is looked at. */
const MOST = 20_000
const MOST_INPUTS = 100

/** The bins of one action, by variable; empty where it has nothing of the kind. */
export async function copyBins(
  drift: Drift,
  copy: readonly CopyPart[],
  inputs: ActionProposal['inputs'],
): Promise<Map<string, string[]>> {
  if (drift === 'inputs') return inputBins(inputs)
  if (copy.length === 0) return new Map()
  const readings = copy.map(({ part, text }) => new Reading({ part, text: text.slice(0, MOST) }))
  switch (drift) {
    case 'length': {
      const length = copy.reduce((sum, { text }) => sum + text.length, 0)
      return new Map([['length', [lengthBin(length)]]])
    }
    case 'language': {
      const found = await Promise.all(readings.map((reading) => languageOf(reading)))
      return new Map([['language', [found.find((language) => language !== undefined) ?? 'unknown']]])
    }
    case 'vocabulary': {
      const words = readings.flatMap((reading) =>
        (
          reading.visible.text
            .normalize('NFC')
            .toLowerCase()
            .match(/\p{L}+/gu) ?? []
        ).filter((word) => word.length > 2),
      )
      // Once a text: words of one text come together, and would seem more than they are.
      return new Map([['vocabulary', [...new Set(words.map((word) => `w${bucket(word, WORDS)}`))]]])
    }
  }
}

/** A fifth wider each: a text that is half as long again falls elsewhere. */
function lengthBin(length: number): string {
  const step = length === 0 ? 0 : Math.floor(Math.log(length) / Math.log(1.25))
  return `${Math.floor(1.25 ** step)} characters or more`
}

function inputBins(inputs: ActionProposal['inputs']): Map<string, string[]> {
  const bins = new Map<string, string[]>()
  for (const [name, value] of Object.entries(inputs?.features ?? {}).slice(0, MOST_INPUTS))
    bins.set(name, [valueBin(value)])
  return bins
}

function valueBin(value: FeatureValue): string {
  if (value === null) return 'none'
  if (typeof value === 'boolean') return String(value)
  if (typeof value !== 'number') return `#${bucket(value, VALUES)}`
  if (!Number.isFinite(value) || value === 0) return '0'
  // Halves of powers of two: fine enough to move, coarse enough to name nobody.
  const step = Math.floor(2 * Math.log2(Math.abs(value)))
  return `${value < 0 ? '−' : ''}2^${step / 2}`
}

function bucket(text: string, buckets: number): number {
  return Number.parseInt(hash('sha256', text).slice(0, 8), 16) % buckets
}
