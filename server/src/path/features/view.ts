// A feature view: what a team declares in a file, and what its words mean.
import { hash } from 'node:crypto'
import { canonicalize } from '@whence/ledger'
import type { Json } from '@whence/ledger'
import { Name } from '@whence/sdk'
import { LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import type { Scalar } from 'yaml'
import { Fault } from '../../fault.ts'
import type { Micros } from '../../record/time.ts'
import { lineOf, textLines } from './text-lines.ts'
import type { TextLines } from './text-lines.ts'

/**
 * Raised whenever the same declaration would give other values: it is part of every view's fingerprint.
 * 1: windows are (at − window, at]; known <= at; ties of ordered aggregates are broken by seq.
 */
export const SEMANTICS = 1

const units: Record<string, Micros> = {
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
  w: 604_800_000_000,
}

const Duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhdw]$/, 'must be a number of s, m, h, d or w, for example 30d')
  .transform((text): Micros => Number(text.slice(0, -1)) * units[text.slice(-1)]!)

/** A duration as a view writes it, in the largest unit that divides it: `30d`. Undefined for none. */
export function durationText(micros: Micros): string
export function durationText(micros: Micros | undefined): string | undefined
export function durationText(micros: Micros | undefined): string | undefined {
  if (micros === undefined) return undefined
  const [unit, size] = Object.entries(units).findLast(([name, each]) => name !== 'w' && micros % each === 0)!
  return `${micros / size}${unit}`
}

/** `decimal` takes the scale that the expression has; `decimal(18,2)` fixes it. */
const FeatureType = z
  .string()
  .regex(
    /^(int64|double|boolean|string|timestamp|decimal(\(([1-9]|[12]\d|3[0-8]),([0-9]|[12]\d|3[0-8])\))?)$/,
    'must be int64, double, decimal, decimal(18,2), boolean, string or timestamp',
  )
  .refine((type) => {
    const match = /\((\d+),(\d+)\)/.exec(type)
    return !match || Number(match[2]) <= Number(match[1])
  }, 'has more digits behind the point than in all')
export type FeatureType = z.infer<typeof FeatureType>

const FeatureName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, 'must be letters, digits and "_", at most 63')
  .refine((name) => !reserved.has(name.toLowerCase()), 'is a word that Whence uses itself')
const reserved = new Set(['__proto__', 'subject', 'row', 'at', 'asof', 'label', 'seq', 'time', 'known', 'as_of'])

const Feature = z.strictObject({
  name: FeatureName,
  type: FeatureType,
  /** Events at or before `at` − window are left out. Without a window all events up to `at` count. */
  window: Duration.optional(),
  /** An SQL condition on one event; ANDed into every aggregate of `expr`. */
  filter: z.string().min(1).optional(),
  /** Another stream than the view's. */
  source: Name.optional(),
  /** An SQL expression over aggregates of the source's events. `as_of` is the row's `at`. */
  expr: z.string().min(1).max(10_000),
  /** The largest absolute difference at which a recomputed value still agrees: needed by aggregates that round. */
  tolerance: z.number().positive().optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  /** For explanations: `clicked {value} times in 30 days`. */
  sentence: z.string().optional(),
})

const View = z.strictObject({
  kind: z.literal('FeatureView'),
  name: Name,
  owner: z.string().optional(),
  description: z.string().optional(),
  tags: z.array(z.string()).optional(),
  entity: z.string().min(1),
  source: Name,
  /** How long a snapshot may be served after its `at`. */
  ttl: Duration.optional(),
  features: z.array(Feature).min(1).max(500),
})

export interface Feature {
  name: string
  type: FeatureType
  window?: Micros
  filter?: string
  /** The stream whose events it reads. */
  source: string
  expr: string
  tolerance?: number
  description?: string
  tags?: string[]
  sentence?: string
  /** Where it stands, for messages: `features/engagement.yaml line 12`. */
  place: string
  /** Where its expressions stand, line by line; absent for a feature that comes from no file. */
  lines?: { file: string; expr: TextLines; filter?: TextLines }
}

export interface FeatureView {
  name: string
  owner?: string
  description?: string
  tags?: string[]
  entity: string
  /** The main stream: its subjects are the rows of a snapshot. */
  source: string
  ttl?: Micros
  features: Feature[]
}

/**
 * Reads a view file. A fault names the file, the line, and what must stand there.
 *
 * `parseView(text, 'features/customer_engagement.yaml')`
 */
export function parseView(text: string, fileName: string): FeatureView {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true })
  const lineAt = (offset: number): number => lines.linePos(offset).line
  const [flaw] = document.errors
  if (flaw) throw new Fault('invalid', `${fileName} line ${lineAt(flaw.pos[0])}: ${flaw.message}`)

  const placeOf = (path: readonly PropertyKey[]): string => {
    for (let depth = path.length; depth >= 0; depth--) {
      const node = document.getIn(path.slice(0, depth), true) as { range?: [number, number, number] } | undefined
      if (node?.range) return `${fileName} line ${lineAt(node.range[0])}`
    }
    return `${fileName} line 1`
  }

  const read = View.safeParse(document.toJS())
  if (!read.success) {
    const sentences = read.error.issues.map((issue) => {
      const where = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path
      return `${placeOf(where)}: ${issue.path.map(String).join('.') || 'the view'}: ${issue.message}`
    })
    throw new Fault('invalid', sentences.join('\n'))
  }

  const linesOf = (path: readonly PropertyKey[]): TextLines =>
    textLines(text, document.getIn(path, true) as Scalar, lineAt)

  const view = read.data
  const seen = new Map<string, number>()
  view.features.forEach((feature, index) => {
    const earlier = seen.get(feature.name.toLowerCase())
    if (earlier !== undefined) {
      throw new Fault('invalid', `${placeOf(['features', index, 'name'])}: feature ${feature.name} is declared twice.`)
    }
    seen.set(feature.name.toLowerCase(), index)
  })
  const { kind: _, features, ...rest } = view
  return {
    ...(rest as Omit<FeatureView, 'features'>),
    features: features.map((feature, index) => ({
      ...(feature as Omit<Feature, 'source' | 'place'>),
      source: feature.source ?? view.source,
      place: placeOf(['features', index]),
      lines: {
        file: fileName,
        expr: linesOf(['features', index, 'expr']),
        ...(feature.filter === undefined ? {} : { filter: linesOf(['features', index, 'filter']) }),
      },
    })),
  }
}

/** Where an expression of a feature stands, or the character at `offset` of it: `features/engagement.yaml line 14`. */
export function placeIn(feature: Feature, part: 'expr' | 'filter', offset = 0): string {
  const lines = feature.lines?.[part]
  return lines ? `${feature.lines!.file} line ${lineOf(lines, offset)}` : feature.place
}

/** The streams that a view reads, the main one first. */
export function sourcesOf(view: FeatureView): string[] {
  return [...new Set([view.source, ...view.features.map((feature) => feature.source)])]
}

/**
 * `mp1:` and the SHA-256 of what a view says in words: owner, description, tags, and of its features description, tags
 * and sentence. It decides no value; a change of it is another text of the same version.
 */
export function metadataOf(view: FeatureView): string {
  const words = ({ description, tags, sentence }: Partial<Feature>): Json => ({
    description: description ?? null,
    tags: [...new Set(tags)].toSorted(),
    sentence: sentence ?? null,
  })
  const said = {
    owner: view.owner ?? null,
    ...(words(view) as object),
    features: Object.fromEntries(view.features.map((feature) => [feature.name, words(feature)])),
  }
  return `mp1:${hash('sha256', canonicalize(said), 'hex')}`
}
