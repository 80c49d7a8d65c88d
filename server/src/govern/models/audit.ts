// The audit of a model version: the exact definitions, data and code that it was made from, each checked as far as it can
// be, and compared with what is in production now.
import type { AuditItem, ModelAudit, ModelVersion, TrainingRun } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import { PRODUCTION } from '../../path/models/aliases.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { auditData } from './audit-data.ts'
import { auditDefinitions } from './audit-definitions.ts'
import { auditMaking } from './audit-making.ts'
import { openedOr } from './audited.ts'
import type { Audited, AuditParts, Item } from './audited.ts'

/** Audits a version by `name@3` or `name@champion`. Throws `not_found`; whatever else is wrong is part of the answer. */
export async function auditModel(parts: AuditParts, asked: string): Promise<ModelAudit> {
  const { ledger, models, aliases } = parts
  await parts.follower.reach()
  const version = await models.get(asked)
  const name = `${version.name}@${version.version}`
  const pointing = await aliases.pointingAt(version.name)
  const live = await liveOf(parts, version.name, pointing)
  const audited: Audited = {
    version,
    name,
    training: version.trainingSet === undefined ? undefined : await parts.trainingSets.find(version.trainingSet),
    run: await runOf(parts, version),
    live,
  }
  const items: Item[] = [
    recordItem(audited, ledger),
    ...(await aliasItems(parts, audited)),
    ...(await auditDefinitions(parts, audited)),
    ...(await auditData(parts, audited)),
    ...(await auditMaking(parts, audited)),
  ]
  const checked = await withIntegrity(ledger, items)
  const alerts = alertsOf(checked)
  const counts = { recomputed: 0, asserted: 0, contradicted: 0, missing: 0, same: 0, changed: 0, gone: 0 }
  for (const { truth, now } of checked) {
    if (truth !== 'erased') counts[truth]++
    if (now !== 'unknown') counts[now]++
  }
  const here = pointing.filter((each) => each.version === version.version)
  return {
    model: name,
    seq: version.seq,
    predicts: version.predicts,
    recorded: ledger.entry(version.seq).recorded,
    by: ledger.entry(version.seq).source,
    sentence: sentenceOf(audited, checked, counts),
    alerts,
    live: here.map(({ environment, alias }) => ({ environment, alias })),
    items: checked,
    counts,
    asOf: ledger.size,
  }
}

async function runOf({ trainingRuns }: AuditParts, { run }: ModelVersion): Promise<TrainingRun | undefined> {
  return run && trainingRuns.find(run.id)
}

/** What production uses: `champion` where there is one, else the alias that was first by name. */
async function liveOf(
  parts: AuditParts,
  model: string,
  pointing: readonly { environment: string; alias: string; version: number }[],
): Promise<Audited['live']> {
  const inProduction = pointing.filter(({ environment }) => environment === PRODUCTION)
  const used = inProduction.find(({ alias }) => alias === 'champion') ?? inProduction[0]
  if (!used) return undefined
  const version = await parts.models.get(`${model}@${used.version}`)
  return { version, name: `${model}@${used.version}`, alias: used.alias, run: await runOf(parts, version) }
}

function recordItem({ version, name, live }: Audited, ledger: Ledger): Item {
  const opened = openedOr(() => ledger.open(version.seq))
  const whole = !(opened instanceof Fault)
  return {
    what: 'record',
    name,
    value: `record ${version.seq}, by ${ledger.entry(version.seq).source}`,
    truth: whole ? 'recomputed' : 'contradicted',
    check: whole ? 'its payload has the digest that the signed log has' : opened.message,
    now: live === undefined ? 'unknown' : live.name === name ? 'same' : 'changed',
    ...(live === undefined ? {} : { nowValue: `production uses ${live.name} (${live.alias})` }),
    records: [version.seq],
  }
}

/** Where the version is, and was, in use. */
async function aliasItems({ aliases }: AuditParts, { version }: Audited): Promise<Item[]> {
  const all = await aliases.list(version.name)
  return all.flatMap(({ alias, environment, version: target, since, seq, history }): Item[] => {
    const own = history.filter((change) => change.version === version.version)
    if (own.length === 0) return []
    const points = target === version.version
    return [
      {
        what: 'alias',
        name: `${alias} in ${environment}`,
        value: `set at ${own.map(({ recorded }) => recorded.slice(0, 19) + 'Z').join(', ')}`,
        truth: 'recomputed',
        check: 'from the records of its changes',
        now: points ? 'same' : target === null ? 'gone' : 'changed',
        nowValue: points
          ? `points here since ${since.slice(0, 19)}Z`
          : target === null
            ? `taken away at ${since.slice(0, 19)}Z`
            : `points at version ${target} since ${since.slice(0, 19)}Z`,
        records: [...new Set([...own.map((change) => change.seq), seq])],
      },
    ]
  })
}

async function withIntegrity(ledger: Ledger, items: readonly Item[]): Promise<AuditItem[]> {
  const seqs = items.flatMap(({ records }) => records)
  if (seqs.some((seq) => seq >= ledger.published)) await ledger.publish()
  const altered = new Set<number>()
  for (const seq of new Set(seqs)) {
    if (openedOr(() => ledger.open(seq)) instanceof Fault || !ledger.provedIn(seq)) altered.add(seq)
  }
  return items.map((item) =>
    item.records.length === 0
      ? item
      : { ...item, integrity: item.records.some((seq) => altered.has(seq)) ? 'altered' : 'intact' },
  )
}

function alertsOf(items: readonly AuditItem[]): ModelAudit['alerts'] {
  const order = ['contradicted', 'missing'] as const
  const found = items.flatMap(({ what, name, truth, check, integrity, records }): ModelAudit['alerts'] => {
    if (integrity === 'altered')
      return [{ truth: 'contradicted', text: `The record of ${what} ${name} (${records.join(', ')}) is altered.` }]
    if (truth === 'contradicted' || truth === 'missing') return [{ truth, text: `${capital(what)} ${name}: ${check}.` }]
    return []
  })
  return order.flatMap((truth) => found.filter((alert) => alert.truth === truth))
}

function sentenceOf({ name, live }: Audited, items: readonly AuditItem[], counts: ModelAudit['counts']): string {
  const changed = [
    ...new Set(items.filter(({ now, what }) => now === 'changed' && what !== 'record').map(({ what }) => what)),
  ]
  const gone = [...new Set(items.filter(({ now }) => now === 'gone').map(({ what }) => what))]
  const use =
    live === undefined
      ? 'No alias says which version production uses.'
      : live.name === name
        ? `${name} is what production uses (${live.alias}).`
        : `Production uses ${live.name} (${live.alias}), not ${name}.`
  const since =
    changed.length + gone.length === 0
      ? 'Nothing that it was made from is otherwise now.'
      : [
          changed.length > 0 ? `Changed since: ${changed.join(', ')}.` : '',
          gone.length > 0 ? `Gone: ${gone.join(', ')}.` : '',
        ]
          .filter(Boolean)
          .join(' ')
  const wrong = counts.contradicted > 0 ? ` ${counts.contradicted} of what is on record is contradicted.` : ''
  return `${use} ${since}${wrong}`
}

const capital = (text: string): string => text.replace(/^./, (letter) => letter.toUpperCase())
