import type { Command } from '../command.ts'
import { trainingApprove } from './approve.ts'
import { trainingCard } from './card.ts'
import { trainingCompare } from './compare.ts'
import { trainingCreate } from './create.ts'
import { trainingExport } from './export.ts'
import { trainingShow } from './show.ts'
import { trainingVerify } from './verify.ts'

/** Training sets, in the order in which one works with them. */
export const trainingCommands: readonly Command[] = [
  trainingCreate,
  trainingShow,
  trainingCard,
  trainingApprove,
  trainingExport,
  trainingVerify,
  trainingCompare,
]
