// Facets of ours: docs/spec/facets/ has their JSON Schemas and says what each is for. A test holds the two together.
import { z } from 'zod'

const text = z.string().min(1).max(4000)
const digest = z.string().regex(/^sha256:[0-9a-f]{64}$/)
const hex = z.string().regex(/^[0-9a-f]{64}$/)
const time = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/)
const values = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
const modelVersion = z.string().regex(/^[^@/]+@[1-9][0-9]*$/)

export const OWN_PREFIX = 'whence_'

/** The `_schemaURL` of a facet of ours. */
export function facetSchema(name: string): string {
  return `urn:whence:facets:1-0-0:${name}#/$defs/${name}`
}

/** By facet key. */
export const ownFacets: Readonly<Record<string, z.ZodType>> = {
  whence_action: z.looseObject({
    record: z.int().min(0),
    type: text,
    decision: z.enum(['released', 'held', 'refused']),
    statement: hex,
    environment: text.optional(),
    purpose: text.optional(),
    risk: z.enum(['low', 'high']).optional(),
    shadow: z.boolean().optional(),
    model: text.optional(),
    prompt: text.optional(),
    consent: text.optional(),
    gates: z
      .array(
        z.looseObject({
          gate: text,
          policy: text,
          outcome: z.enum(['pass', 'hold', 'refuse']),
          shadow: z.boolean().optional(),
          findings: z.array(text).optional(),
        }),
      )
      .optional(),
    approvals: z.array(z.looseObject({ by: text, outcome: z.enum(['approved', 'released', 'refused']) })).optional(),
    invalidated: text.optional(),
  }),
  whence_campaignContext: z.looseObject({
    campaignId: text,
    creativeId: text.optional(),
    channel: text.optional(),
    audience: text.optional(),
    objective: text.optional(),
  }),
  whence_codeVersion: z
    .looseObject({
      gitCommit: z
        .string()
        .regex(/^[0-9a-f]{4,64}$/)
        .optional(),
      repository: text.optional(),
      dirty: z.boolean().optional(),
      imageDigest: digest.optional(),
    })
    .refine(({ gitCommit, imageDigest }) => gitCommit !== undefined || imageDigest !== undefined, {
      error: 'neither gitCommit nor imageDigest is there',
    }),
  whence_enrichmentCall: z.looseObject({
    calls: z
      .array(
        z.looseObject({
          service: text,
          version: text,
          responseDigest: digest,
          respondedAt: time.optional(),
        }),
      )
      .min(1),
  }),
  whence_featureView: z.looseObject({
    view: z.string().regex(/^[^@/]+@v[1-9][0-9]*$/),
    fingerprint: text.optional(),
    snapshot: z.int().min(0).optional(),
  }),
  whence_training: z.looseObject({
    model: modelVersion,
    trainingSet: text.optional(),
    qualityScorecardId: text.optional(),
    parameters: values.optional(),
    metrics: z.record(z.string(), z.number()).optional(),
  }),
  whence_trainingRun: z.looseObject({
    name: text.optional(),
    framework: text.optional(),
    status: z.enum(['running', 'finished', 'failed', 'killed']).optional(),
    parameters: values.optional(),
    metrics: z.record(z.string(), z.number()).optional(),
    trainingSet: text.optional(),
    code: z
      .looseObject({
        repository: text.optional(),
        commit: text.optional(),
        dirty: z.boolean().optional(),
        entryPoint: text.optional(),
      })
      .optional(),
    environment: z
      .looseObject({
        language: text.optional(),
        platform: text.optional(),
        image: text.optional(),
        packages: z.record(z.string(), z.string()).optional(),
      })
      .optional(),
    datasets: z
      .array(
        z.looseObject({
          name: text,
          digest: text.optional(),
          source: text.optional(),
          context: text.optional(),
        }),
      )
      .optional(),
    artifacts: z.array(z.looseObject({ path: text, sha256: hex.optional(), uri: text.optional() })).optional(),
  }),
  whence_steps: z.looseObject({
    steps: z.array(
      z.looseObject({
        name: text,
        sentence: text,
        inputRows: z.int().min(0).optional(),
        outputRows: z.int().min(0).optional(),
        inputDigest: digest.optional(),
        outputDigest: digest.optional(),
        seconds: z.number().min(0).optional(),
      }),
    ),
  }),
  whence_inference: z.looseObject({
    model: modelVersion,
    confidence: z.number().min(0).max(1),
    predictions: z.int().min(0).optional(),
    snapshot: z.int().min(0).optional(),
  }),
  whence_privacyControl: z.looseObject({
    control: text,
    version: text.optional(),
    purpose: text.optional(),
    lawfulBasis: text.optional(),
    parameters: values.optional(),
  }),
}
