import type { TrainingDifference } from '@whence/sdk'
import { plural } from '../../govern/reports/text.ts'

export function differenceLines(differences: readonly TrainingDifference[]): string[] {
  return differences.map(({ why, rows, columns, sentence }) => {
    const where = columns === undefined ? '' : ` in ${columns.join(', ')}`
    return `  ${why}: ${plural(rows, 'row')}${where}. ${sentence}`
  })
}
