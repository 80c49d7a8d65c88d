// The exact feature definitions of a model version: its views as they stood, and the contracts that they were judged by.
import type { ModelVersion } from '@whence/sdk'
import { Fault } from '../../fault.ts'
import type { ViewVersion } from '../../path/features/view-book.ts'
import { unifiedDiff } from '../../rules/files/text-diff.ts'
import type { Audited, AuditParts, Item } from './audited.ts'
import { openedOr } from './audited.ts'

export async function auditDefinitions(parts: AuditParts, audited: Audited): Promise<Item[]> {
  const { version, training } = audited
  const names = training ? training.views.map(({ view }) => view) : viewOf(version)
  if (names.length === 0)
    return [
      {
        what: 'view',
        name: 'not recorded',
        value: 'not recorded',
        truth: 'missing',
        check: 'neither a training set nor a view is named',
        now: 'unknown',
        records: [],
      },
    ]
  const contracts = new Map(training?.inputs.map(({ stream, contract }) => [stream, contract]))
  const items: Item[] = []
  for (const name of names) items.push(await viewItem(parts, audited, name, contracts))
  for (const [stream, contract] of contracts) items.push(contractItem(parts, stream, contract))
  return items
}

function viewOf({ view }: ModelVersion): string[] {
  return view === undefined ? [] : [view.replace(/@v?(\d+)$/, '@v$1')]
}

async function viewItem(
  { views }: AuditParts,
  { training }: Audited,
  name: string,
  contracts: ReadonlyMap<string, string>,
): Promise<Item> {
  const item = { what: 'view' as const, name, digest: training?.views.find(({ view }) => view === name)?.fingerprint }
  let then: ViewVersion
  try {
    then = await views.get(name)
  } catch (error) {
    const check = Fault.from(error).message
    return { ...shown(item), value: name, truth: 'missing', check, now: 'unknown', records: [] }
  }
  const newest = await views.get(then.name).catch((error: unknown) => Fault.from(error))
  const state =
    newest instanceof Fault
      ? { now: 'gone' as const, nowValue: 'out of force' }
      : newest.version === then.version && newest.text === then.text
        ? { now: 'same' as const, nowValue: `${then.name}@v${newest.version} is the newest` }
        : {
            now: 'changed' as const,
            nowValue: `the newest is ${then.name}@v${newest.version}`,
            diff: lines(unifiedDiff(then.text, newest.text)),
          }
  // Compiled again, under the contracts of then where they are known: the same fingerprint is the same calculation.
  const compiled = await views
    .compiled(then, contracts.size > 0 ? contracts : undefined)
    .catch((error: unknown) => Fault.from(error))
  const agrees =
    !(compiled instanceof Fault) &&
    compiled.fingerprint === then.fingerprint &&
    (item.digest === undefined || item.digest === then.fingerprint)
  return {
    ...shown(item),
    value: `${then.name}@v${then.version}, ${then.fingerprint.slice(0, 24)}…`,
    digest: then.fingerprint,
    truth: agrees ? 'recomputed' : 'contradicted',
    check: agrees
      ? 'compiled again from its text and contracts, it has the fingerprint on record'
      : compiled instanceof Fault
        ? compiled.message
        : `compiled again it has the fingerprint ${compiled.fingerprint}`,
    ...state,
    text: then.text,
    records: [then.seq],
  }
}

function contractItem({ contracts }: AuditParts, stream: string, name: string): Item {
  const item = { what: 'contract' as const, name: `${name} of ${stream}` }
  const then = openedOr(() => contracts.recorded(stream, name))
  if (then instanceof Fault)
    return { ...item, value: name, truth: 'missing', check: then.message, now: 'unknown', records: [] }
  const now = openedOr(() => contracts.inForce(stream))
  const state =
    now instanceof Fault
      ? { now: 'gone' as const }
      : now.seq === then.seq
        ? { now: 'same' as const, nowValue: 'in force' }
        : {
            now: 'changed' as const,
            nowValue: `${now.contract.id}@${now.contract.version} is in force`,
            diff: lines(unifiedDiff(then.text, now.text)),
          }
  return {
    ...item,
    value: `record ${then.seq}`,
    truth: 'recomputed',
    check: 'its text is the one that the signed log has',
    ...state,
    text: then.text,
    records: [then.seq],
  }
}

const lines = (diff: string): string[] => diff.split('\n')

/** Without members that are absent. */
function shown<Value extends object>(value: Value): { [Key in keyof Value]: Exclude<Value[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never
}
