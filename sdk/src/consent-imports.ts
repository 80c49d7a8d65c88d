import { z } from 'zod'
import { Channel } from './consents.ts'
import { Name, Seq, SubjectId } from './time.ts'

/** `kantara`: Consent Receipt 1.1, as JSON. `tcf`: an IAB TC string. `gpp`: an IAB GPP string, or `SECTION:string`. */
export const ImportFormat = z.enum(['kantara', 'tcf', 'gpp'])
export type ImportFormat = z.infer<typeof ImportFormat>

export const ImportedReceipt = z.strictObject({
  identifier: z.string().min(1).max(512).optional().describe('of a Kantara receipt default: its piiPrincipalId'),
  subject: SubjectId.optional(),
  subjectType: z.string().min(1).max(128).optional(),
  receipt: z.union([z.string().min(1).max(16_384), z.record(z.string(), z.unknown())]),
})
export type ImportedReceipt = z.infer<typeof ImportedReceipt>

export const ConsentImport = z.strictObject({
  format: ImportFormat,
  receipts: z.array(ImportedReceipt).min(1).max(100),
  purposes: z
    .record(z.string().max(1000), Name)
    .optional()
    .describe('what we call their purposes: by the text of a Kantara purpose, or by tcf.3, usnat.SaleOptOut, …'),
  vendor: z.number().int().min(1).max(65_535).optional().describe('of a TC string: its purposes count for this vendor'),
  channels: z.array(Channel).min(1).max(20).optional().describe('what they are about; default: every channel'),
})
export type ConsentImport = z.infer<typeof ConsentImport>

export const ConsentExportQuery = z.object({
  format: z
    .enum(['original', 'iso27560'])
    .default('original')
    .describe('original: as it was imported; iso27560: by the field names of ISO/IEC TS 27560'),
})
export type ConsentExportQuery = z.input<typeof ConsentExportQuery>

export const ConsentExport = z.object({
  seq: Seq,
  format: z.enum(['kantara', 'tcf', 'gpp', 'iso27560']),
  receipt: z.union([z.string(), z.record(z.string(), z.unknown())]),
})
export type ConsentExport = z.infer<typeof ConsentExport>
