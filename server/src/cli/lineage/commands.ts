import type { Command } from '../command.ts'
import { lineageCoverage } from './coverage.ts'
import { lineageDiff } from './diff.ts'
import { lineageExplain } from './explain.ts'
import { lineageExport } from './export.ts'
import { lineageImpact } from './impact.ts'
import { lineageImport } from './import.ts'
import { lineageNodes } from './nodes.ts'
import { lineageShow } from './show.ts'
import { lineageWhatIf } from './what-if.ts'

export const lineageCommands: readonly Command[] = [
  lineageExplain,
  lineageImpact,
  lineageWhatIf,
  lineageDiff,
  lineageCoverage,
  lineageNodes,
  lineageShow,
  lineageImport,
  lineageExport,
]
