// The card of a model version, as Markdown: what a reader should know before relying on it, from what is on record.
import type { ModelAudit, ModelVersion, TrainingSet } from '@whence/sdk'
import { formOf } from '../../path/models/models.ts'
import { number, plural } from '../reports/text.ts'

export interface CardFacts {
  version: ModelVersion
  training: TrainingSet | undefined
  audit: ModelAudit
}

/** Every text of somebody else's stands where it cannot be taken for a heading or markup of ours. */
export function modelCard({ version, training, audit }: CardFacts): string {
  const { card } = version
  const said = (what: string): string => `_not said: ${what}_`
  const sections = [
    `# ${line(audit.model)}`,
    `Says: ${line(version.predicts)}.${version.description === undefined ? '' : `\n\n${quoted(version.description)}`}`,
    `> ${line(audit.sentence)}${audit.alerts.map(({ truth, text }) => `\n>\n> **${truth}**: ${line(text)}`).join('')}`,
    `## Purpose\n\n${card?.purpose === undefined ? said('what it is for') : quoted(card.purpose)}`,
    `## Limits\n\n${card?.limits && card.limits.length > 0 ? card.limits.map((limit) => `- ${line(limit)}`).join('\n') : said('where it must not be used')}`,
    `## Decision\n\n${version.threshold === undefined ? said('from which score on the decision is yes') : `Yes where the score is at least ${number(version.threshold, 10)}.`}`,
    `## Training data\n\n${trainingText(training, audit)}${card?.trainingData === undefined ? '' : `\n\n${quoted(card.trainingData)}`}`,
    `## Results\n\n${metricsText(version)}`,
    `## Approvals\n\n${approvalsText(version, training)}`,
    `## Made from\n\n| what | | truth | now |\n|---|---|---|---|\n${audit.items.map(({ what, name, value, truth, now }) => `| ${what} | ${cell(name === value ? value : `${name}: ${value}`)} | ${truth} | ${now} |`).join('\n')}`,
    ...(card?.markdown === undefined
      ? []
      : [`## In its maker’s words\n\n${card.markdown.replaceAll(/^(#{1,4})(?=\s)/gm, '##$1')}`]),
    `---\n\nForm ${line(formOf(version))}, recorded at ${audit.recorded} by ${line(audit.by)} as record ${audit.seq}. What is *recomputed* was checked again; what is *asserted* is its producer’s word.`,
  ]
  return `${sections.join('\n\n')}\n`
}

function trainingText(training: TrainingSet | undefined, audit: ModelAudit): string {
  if (!training) return '_not recorded: no training set is named, or it is not on the ledger_'
  const item = audit.items.find(({ what }) => what === 'training set')
  const left = Object.entries(training.leftOut).filter(([, count]) => typeof count === 'number' && count > 0)
  return [
    `- training set \`${line(training.id)}\`: ${plural(training.rows, 'row')}, label “${line(training.label)}”, as of record ${training.asOf}`,
    `- views: ${training.views.map(({ view, fingerprint }) => `\`${view}\` (\`${fingerprint}\`)`).join(', ')}`,
    `- digest of its rows: \`${training.contentDigest ?? training.rowsDigest}\`: ${item?.truth ?? 'missing'}, ${line(item?.check ?? '')}`,
    `- left out: ${left.length === 0 ? 'nobody' : left.map(([why, count]) => `${String(count)} ${why}`).join(', ')}`,
    ...training.inputs.map(
      ({ stream, contract, files }) =>
        `- events of \`${stream}\` under \`${contract}\`: ${files.map(({ from, to, sha256 }) => `records ${from} to ${to} (\`${sha256}\`)`).join(', ') || 'none'}`,
    ),
  ].join('\n')
}

function metricsText({ metrics }: ModelVersion): string {
  const entries = Object.entries(metrics ?? {})
  if (entries.length === 0) return '_not said: how good it is_'
  return `| metric | value |\n|---|---|\n${entries.map(([name, value]) => `| ${cell(name)} | ${number(value, 6)} |`).join('\n')}\n\nAs its producer says.`
}

function approvalsText({ card }: ModelVersion, training: TrainingSet | undefined): string {
  const own = (card?.approvals ?? []).map(
    ({ by, at, note }) =>
      `- the model, by ${line(by)}${at === undefined ? '' : ` at ${at}`}${note === undefined ? '' : `: ${line(note)}`} (as its producer says)`,
  )
  const data = (training?.approvals ?? []).map(() => '')
  const approved = data.length === 0 ? [] : [`- the training set: ${plural(data.length, 'approval')} on the ledger`]
  return [...own, ...approved].join('\n') || '_not said: who approved it_'
}

/** On one line, without the characters that make markup. */
const line = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll(/[\\`*_[\]<>|#]/g, (sign) => `\\${sign}`)
const cell = line
const quoted = (text: string): string =>
  text
    .split('\n')
    .map((each) => `> ${each.replaceAll('<', '&lt;')}`)
    .join('\n')
