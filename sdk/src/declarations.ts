import { z } from 'zod'
import { Receipt } from './receipts.ts'
import { Seq, Sha256 } from './time.ts'

/** The files of a project folder, as `whence apply` sends them: contracts, feature views, lineage and capture policies, in YAML. */
export const Declarations = z.object({
  files: z.array(z.object({ path: z.string(), text: z.string().max(1 << 20) })).max(1000),
})
export type Declarations = z.infer<typeof Declarations>

/** What a file in force can be. */
export const DeclaredKind = z.enum([
  'contract',
  'view',
  'policy',
  'capture',
  'purposes',
  'gates',
  'terms',
  'agent',
  'monitor',
  'connector',
  'playbook',
  'webhook',
])
export type DeclaredKind = z.infer<typeof DeclaredKind>

export const Applied = z.object({
  applied: z.array(
    z.object({
      path: z.string().optional(),
      kind: DeclaredKind,
      name: z.string(),
      version: z.string(),
      change: z.enum(['new', 'unchanged', 'patch', 'minor', 'major', 'described', 'restored', 'removed']),
      receipt: Receipt.optional(),
    }),
  ),
  plan: z.object({ digest: Sha256, receipt: Receipt }).optional().describe('absent where nothing changed'),
})
export type Applied = z.infer<typeof Applied>

export const ContractInfo = z.object({
  stream: z.string(),
  version: z.string(),
  seq: Seq,
  text: z.string(),
})
export type ContractInfo = z.infer<typeof ContractInfo>

export const ViewInfo = z.object({
  name: z.string(),
  version: z.number().int(),
  fingerprint: z.string(),
  seq: Seq,
  text: z.string(),
  revision: z.number().int().describe('how often this version has been described'),
  removed: z.literal(true).optional().describe('out of force: only name@vN finds it'),
})
export type ViewInfo = z.infer<typeof ViewInfo>
