// The model version that decided: what its maker says of it, and the training set, hashed again.
import type { Approval, ExplainedApproval, Explanation, ModelVersion, TrainingSet } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { ExplainParts } from './explain.ts'
import type { Findings } from './findings.ts'

export async function explainModel(
  findings: Findings,
  parts: ExplainParts,
  name: string,
): Promise<{ model?: ModelVersion; approvals?: ExplainedApproval[] }> {
  let model: ModelVersion
  try {
    model = await parts.models.get(name)
    findings.open(model.seq)
  } catch (error) {
    findings.alert('missing', `Model version ${name} cannot be read: ${Fault.from(error).message}.`)
    findings.claim('model', 'model', name, 'missing', [])
    return {}
  }
  const by = findings.actorOf(model.seq)
  findings.claim('model', 'model', name, 'asserted', [model.seq], { by })
  const { run, trainingSet } = model
  if (run) {
    findings.claim('model', 'training run', run.id, 'asserted', [model.seq], { by })
    if (run.code)
      findings.claim(
        'code',
        'code',
        run.code.commit ?? run.code.sha256 ?? run.code.repository ?? 'named',
        'asserted',
        [model.seq],
        { by },
      )
  }
  if (!run?.code) {
    findings.alert('missing', `No code is recorded for model version ${name}.`)
    findings.claim('code', 'code', 'not recorded', 'missing', [])
  }
  let set: TrainingSet | undefined
  if (trainingSet === undefined) {
    findings.alert('missing', `No training set is recorded for model version ${name}.`)
    findings.claim('training', 'training set', 'not recorded', 'missing', [])
  } else set = await explainTrainingSet(findings, parts, trainingSet)
  return { model, approvals: explainApprovals(findings, model, set) }
}

async function explainTrainingSet(
  findings: Findings,
  parts: ExplainParts,
  id: string,
): Promise<TrainingSet | undefined> {
  const set = await parts.trainingSets.find(id)
  if (!set || !findings.known(set.seq)) {
    findings.alert('missing', `Training set ${id} is not on the ledger.`)
    findings.claim('training', 'training set', id, 'missing', [])
    return undefined
  }
  findings.open(set.seq)
  const flaw = await parts.trainingSets.flaw(set)
  if (flaw) {
    findings.alert('contradicted', flaw)
    findings.claim('training', 'training set', id, 'contradicted', [set.seq], { note: flaw })
  } else {
    findings.claim(
      'training',
      'training set',
      `${id}: ${set.rows.toLocaleString('en')} rows`,
      'recomputed',
      [set.seq],
      {
        note: 'the digest of all its rows was computed again and equals the one on record; the join itself was not run again',
      },
    )
  }
  return set
}

/**
 * Who decided what about the model and the data that it learned from. Each is somebody's word; one about another content
 * than that which was used is contradicted.
 */
function explainApprovals(findings: Findings, model: ModelVersion, set: TrainingSet | undefined): ExplainedApproval[] {
  const approvals: ExplainedApproval[] = (model.card?.approvals ?? []).map(({ by, at, note }) => ({
    of: 'model',
    decision: 'approved',
    as: by,
    ...(at === undefined ? {} : { time: at }),
    ...(note === undefined ? {} : { note }),
    truth: 'asserted',
  }))
  for (const { as, note } of approvals)
    findings.claim('approval', 'model', `approved as ${as}`, 'asserted', [model.seq], {
      by: findings.actorOf(model.seq),
      ...(note === undefined ? {} : { note }),
    })
  if (!set) return approvals
  const known = set.approvals.filter(({ seq }) => findings.known(seq))
  for (const each of known) {
    const { decision, role, purpose, time, seq, note, digest } = each
    findings.open(seq)
    const same = digest === (set.contentDigest ?? set.rowsDigest)
    const truth = same ? 'asserted' : 'contradicted'
    approvals.push({
      of: 'training set',
      decision,
      as: role,
      ...(purpose === undefined ? {} : { purpose }),
      time,
      seq,
      ...(note === undefined ? {} : { note }),
      truth,
    })
    const about = purpose === undefined ? '' : ` for ${purpose}`
    findings.claim('approval', 'training set', `${decision} as ${role}${about}`, truth, [seq], {
      by: findings.actorOf(seq),
      ...(same ? {} : { note: 'the digest that was decided upon is not that of the training set' }),
    })
    if (!same) findings.alert('contradicted', `Record ${seq} decides about another content than that of ${set.id}.`)
  }
  for (const { role, seq } of standing(known).filter(({ decision }) => decision === 'rejected'))
    findings.alert('asserted', `Training set ${set.id} was rejected by record ${seq}, as ${role}.`)
  return approvals
}

/** The last decision of each role, for each purpose. */
function standing(decisions: readonly Approval[]): Approval[] {
  return [...new Map(decisions.map((each) => [JSON.stringify([each.role, each.purpose]), each])).values()]
}

export function modelSummary(name: string, model: ModelVersion | undefined, ledger: Ledger): Explanation['model'] {
  const summary: Explanation['model'] = { name }
  if (!model) return summary
  summary.seq = model.seq
  summary.by = ledger.entry(model.seq).source
  if (model.run) summary.run = model.run.id
  const code = model.run?.code
  if (code) summary.code = code.commit ?? code.sha256 ?? code.repository ?? ''
  if (model.trainingSet !== undefined) summary.trainingSet = model.trainingSet
  if (model.metrics) summary.metrics = model.metrics
  return summary
}
