import type { TrainingSet } from '@whence/sdk'
import { number, paint, plural, printable } from '../../govern/reports/text.ts'
import type { Context } from '../context.ts'

/** A training set in a few lines. */
export function setLines(context: Context, given: TrainingSet, { seconds }: { seconds?: number } = {}): string {
  const set = printable(given)
  const { green, yellow, dim } = paint(context.color)
  const { unknown, erased, objected, future, unlabelled } = set.leftOut
  const left = [
    unknown > 0 ? `${number(unknown)} about nobody known` : '',
    erased > 0 ? `${number(erased)} erased` : '',
    objected > 0 ? `${number(objected)} objected` : '',
    future > 0 ? `${number(future)} in the future` : '',
    unlabelled > 0 ? `${number(unlabelled)} without a label` : '',
  ].filter((each) => each !== '')
  const gone = set.rows - set.now.rows
  const features = set.columns.length - 2
  const head = `${green('✓')} training set ${set.id}   ${set.views.map(({ view }) => view).join(' + ')}   ${plural(set.rows, 'row')} × ${plural(features, 'column')}   as of record ${number(set.asOf)}`
  return [
    seconds === undefined ? head : `${head}   ${number(seconds, 1)} s`,
    ...(set.receipt?.status === 'duplicate' ? [dim('  it was made before; nothing was made again')] : []),
    ...(left.length > 0 ? [`  left out: ${left.join(' · ')}`] : []),
    ...(gone > 0 ? [`  ${plural(gone, 'row')} taken out by erasures since`] : []),
    ...(set.knowledge === 'ignored'
      ? [yellow('  ! knowledge time ignored: values count events that were not known yet; labels may leak')]
      : []),
    ...(set.contentDigest === undefined ? [] : [dim(`  content/1 ${set.contentDigest}`)]),
    ...set.now.files.map(({ path, sha256 }) => dim(`  ${path}   sha256 ${sha256}`)),
    ...set.approvals.map(
      ({ decision, role, purpose, by, time }) =>
        `  ${decision} as ${role}${purpose === undefined ? '' : ` for ${purpose}`}, key ${by}, ${time}`,
    ),
    '',
  ].join('\n')
}
