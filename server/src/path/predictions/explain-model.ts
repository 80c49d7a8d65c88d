// The model version that decided: what its maker says of it, and the training set, hashed again.
import type { Explanation, ModelVersion } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import type { ExplainParts } from './explain.ts'
import type { Findings } from './findings.ts'

export async function explainModel(
  findings: Findings,
  parts: ExplainParts,
  name: string,
): Promise<ModelVersion | undefined> {
  let model: ModelVersion
  try {
    model = await parts.models.get(name)
    findings.open(model.seq)
  } catch (error) {
    findings.alert('missing', `Model version ${name} cannot be read: ${Fault.from(error).message}.`)
    findings.claim('model', 'model', name, 'missing', [])
    return undefined
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
  if (trainingSet === undefined) {
    findings.alert('missing', `No training set is recorded for model version ${name}.`)
    findings.claim('training', 'training set', 'not recorded', 'missing', [])
  } else await explainTrainingSet(findings, parts, trainingSet)
  return model
}

async function explainTrainingSet(findings: Findings, parts: ExplainParts, id: string): Promise<void> {
  const set = await parts.trainingSets.find(id)
  if (!set || !findings.known(set.seq)) {
    findings.alert('missing', `Training set ${id} is not on the ledger.`)
    findings.claim('training', 'training set', id, 'missing', [])
    return
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
