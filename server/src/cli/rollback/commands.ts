import type { Command } from '../command.ts'
import { rollbackCorrected } from './corrected.ts'
import { pause, pauses, resume } from './pauses.ts'
import {
  rollbackApply,
  rollbackPlan,
  rollbackReport,
  rollbackResume,
  rollbacks,
  rollbackScope,
  rollbackShow,
} from './rollback.ts'

export const rollbackCommands: readonly Command[] = [
  pause,
  resume,
  pauses,
  rollbackScope,
  rollbackPlan,
  rollbackApply,
  rollbackResume,
  rollbackReport,
  rollbackShow,
  rollbackCorrected,
  rollbacks,
]
