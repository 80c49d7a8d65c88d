// How a model version was made: run, code, environment, parameters, artifact. What a producer said stays its word; the
// artifact's bytes are hashed again.
import type { ModelVersion, TrainingRun } from '@whence/sdk'
import { formOf } from '../../path/models/models.ts'
import { unifiedDiff } from '../../rules/files/text-diff.ts'
import { plural } from '../reports/text.ts'
import type { Audited, AuditParts, Item } from './audited.ts'

export async function auditMaking(parts: AuditParts, audited: Audited): Promise<Item[]> {
  return [
    runItem(audited),
    codeItem(audited),
    statedItem(audited, 'environment', ({ run }) => run?.environment),
    statedItem(audited, 'parameters', ({ version, run }) => run?.parameters ?? version.run?.parameters),
    await artifactItem(parts, audited),
  ]
}

/** Of a version, or of the one that is live. */
type Made = Pick<Audited, 'version' | 'run'>

function runItem({ version, run, live }: Audited): Item {
  const id = version.run?.id
  const same = live === undefined ? 'unknown' : live.version.run?.id === id ? 'same' : 'changed'
  const item = { what: 'run' as const, name: id ?? 'not recorded', now: same as Item['now'] }
  if (id === undefined)
    return {
      ...item,
      value: 'not recorded',
      truth: 'missing',
      check: 'no training run is named',
      now: 'unknown',
      records: [],
    }
  if (!run)
    return {
      ...item,
      value: 'named by the version alone',
      truth: 'asserted',
      check: 'nobody told of this run itself (POST /v1/training-runs)',
      records: [version.seq],
    }
  const contrary = contradictionOf(version, run)
  const value = [
    run.framework,
    run.status,
    run.started && `from ${run.started.slice(0, 19)}Z`,
    run.ended && `to ${run.ended.slice(0, 19)}Z`,
    `told by ${run.source} (${run.origin.system})`,
  ]
  return {
    ...item,
    value: value.filter(Boolean).join(', '),
    truth: contrary === undefined ? 'asserted' : 'contradicted',
    check: contrary ?? 'what the version and the run’s own records say agrees; it is their producers’ word',
    records: [version.seq, ...run.records.map(({ seq }) => seq)],
  }
}

/** Where the version says one thing of its run, and the run's own records another. */
function contradictionOf({ run: named, artifact, trainingSet }: ModelVersion, run: TrainingRun): string | undefined {
  const differs = (what: string, a: string | undefined, b: string | undefined): string | undefined =>
    a === undefined || b === undefined || a === b ? undefined : `the version says ${what} ${a}, the run ${b}`
  const digests = run.artifacts?.flatMap(({ sha256 }) => sha256 ?? []) ?? []
  return (
    differs('commit', named?.code?.commit, run.code?.commit) ??
    differs('repository', named?.code?.repository, run.code?.repository) ??
    differs('training set', trainingSet, run.trainingSet) ??
    (artifact && digests.length > 0 && !digests.includes(artifact.sha256)
      ? `no artifact of the run has the digest of the version’s, ${artifact.sha256}`
      : undefined) ??
    (run.status === 'failed' || run.status === 'killed'
      ? `the run is told to have ${run.status === 'failed' ? 'failed' : 'been killed'}`
      : undefined)
  )
}

function codeOf({ version, run }: Made): string | undefined {
  const code = { ...run?.code, ...version.run?.code }
  const parts = [code.repository, code.commit ?? code.sha256, code.entryPoint].filter((part) => part !== undefined)
  if (parts.length === 0) return undefined
  return parts.join(' ') + (code.dirty ? ' with changes that no commit has' : '')
}

function codeItem(audited: Audited): Item {
  const { version, run, live } = audited
  const code = codeOf(audited)
  const now = live && codeOf(live)
  if (code === undefined)
    return {
      what: 'code',
      name: 'not recorded',
      value: 'not recorded',
      truth: 'missing',
      check: 'neither the version nor its run names code',
      now: 'unknown',
      records: [],
    }
  const dirty = version.run?.code?.dirty ?? run?.code?.dirty
  return {
    what: 'code',
    name: version.run?.code?.commit ?? run?.code?.commit ?? version.run?.code?.sha256 ?? code,
    value: code,
    truth: 'asserted',
    check: dirty
      ? 'the tree held changes: the commit alone does not give this model'
      : 'the repository is not ours to look into',
    now: now === undefined ? 'unknown' : now === code ? 'same' : 'changed',
    ...(now === undefined ? {} : { nowValue: now }),
    records: [version.seq],
  }
}

/** Something that a producer states as names and values. */
function statedItem(
  audited: Audited,
  what: 'environment' | 'parameters',
  of: (made: Made) => object | undefined,
): Item {
  const { version, run, live } = audited
  const stated = of(audited)
  if (stated === undefined || Object.keys(stated).length === 0)
    return {
      what,
      name: what,
      value: 'not recorded',
      truth: 'missing',
      check: 'none are told',
      now: 'unknown',
      records: [],
    }
  const text = written(stated)
  const other = live && of(live)
  const now = other === undefined ? 'unknown' : written(other) === text ? 'same' : 'changed'
  return {
    what,
    name: what,
    value: text.length > 120 ? plural(text.split('\n').length, 'value') : text.replaceAll('\n', ', '),
    truth: 'asserted',
    check: 'its producer’s word',
    now,
    ...(now === 'changed'
      ? { nowValue: `those of ${live!.name} differ`, diff: unifiedDiff(text, written(other!)).split('\n') }
      : {}),
    text,
    records: run ? [version.seq, ...run.records.map(({ seq }) => seq)] : [version.seq],
  }
}

/** A value a line, by name: `packages.numpy: 2.4.1`. */
function written(value: object, under = ''): string {
  return Object.entries(value)
    .flatMap(([name, each]: [string, unknown]) =>
      typeof each === 'object' && each !== null && !Array.isArray(each)
        ? written(each, `${under}${name}.`)
        : `${under}${name}: ${typeof each === 'string' ? each : JSON.stringify(each)}`,
    )
    .sort()
    .join('\n')
}

async function artifactItem({ artifacts, scoring }: AuditParts, { version, live, name }: Audited): Promise<Item> {
  const { model, artifact } = version
  const form = formOf(version)
  const digest = (of: ModelVersion): string => of.artifact?.sha256 ?? JSON.stringify(of.model ?? null)
  const now = live === undefined ? 'unknown' : digest(live.version) === digest(version) ? 'same' : 'changed'
  const nowValue = live === undefined || live.name === name ? {} : { nowValue: `${live.name}: ${formOf(live.version)}` }
  const scorable = await scoring.scorerOf(version)
  const able = scorable.able ? 'it can be scored again' : `it cannot be scored again: ${scorable.why}`
  if (model)
    return {
      what: 'artifact',
      name: form,
      value: `${plural(model.features.length, 'feature')}, in the record itself`,
      truth: 'recomputed',
      check: `the record holds it; ${able}`,
      now,
      ...nowValue,
      records: [version.seq],
    }
  if (!artifact)
    return {
      what: 'artifact',
      name: 'not recorded',
      value: 'not recorded',
      truth: 'missing',
      check: 'neither the model nor a digest of it is recorded',
      now: 'unknown',
      records: [],
    }
  const flaw = await artifacts.flaw(artifact.sha256)
  const size = await artifacts.size(artifact.sha256)
  return {
    what: 'artifact',
    name: form,
    value: `sha256 ${artifact.sha256}${size === undefined ? '' : `, ${plural(size, 'byte')}`}${artifact.uri === undefined ? '' : `, ${artifact.uri}`}`,
    truth: flaw === undefined ? 'recomputed' : flaw === 'altered' ? 'contradicted' : 'missing',
    check:
      flaw === undefined
        ? `its bytes were hashed again and have the digest on record; ${able}`
        : flaw === 'altered'
          ? 'the stored bytes have another digest'
          : 'it is not in the artifact store',
    now: flaw === undefined ? now : 'gone',
    ...nowValue,
    digest: artifact.sha256,
    records: [version.seq],
  }
}
