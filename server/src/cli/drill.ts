// `whence drill`: a playbook, run on a copy. The copy is served by a private server whose world outside is a rehearsal, and
// is deleted afterwards; the original is read and nothing else.
import { hash } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { claimedCheckpoint } from '@whence/ledger'
import { createClient } from '@whence/sdk'
import type { CauseKind, Client, Degree, Rollback } from '@whence/sdk'
import { readConfig } from '../config.ts'
import type { Config } from '../config.ts'
import { Fault } from '../fault.ts'
import { drillText } from '../govern/reports/drill-text.ts'
import type { Drill } from '../govern/reports/drill-text.ts'
import { plural, printable } from '../govern/reports/text.ts'
import { matches } from '../rules/files/policy-file.ts'
import { playbookForm } from '../rules/playbooks/playbook.ts'
import { Rehearsal } from '../store/connectors/rehearsal.ts'
import { walk } from '../store/files.ts'
import { readLock } from '../store/lock.ts'
import { BACKED_UP, copyAll } from './backup.ts'
import { dataFolder, flag, positionals, printJson, text, type Args, type Command } from './command.ts'
import type { Context } from './context.ts'
import { makeCopy, sweepCopies } from './drill-copies.ts'
import { patientFetch } from './patient-fetch.ts'
import { causeOf, causes } from './rollback/rollback.ts'
import { Steps } from './steps.ts'

export type StartDrill = (
  config: Config,
  options: { private: true; rebuild: () => void; outside: Rehearsal },
) => Promise<{ url: string; token: string; stop(): Promise<void> }>

export const drill = (start: StartDrill): Command => ({
  name: 'drill',
  summary: 'run a playbook on a copy, and time it',
  usage: 'drill PLAYBOOK [--cause CAUSE]',
  options: {
    cause: { type: 'string', value: 'CAUSE', help: 'of what (default: the last alarm that the playbook follows)' },
    in: { type: 'string', value: 'DIR', help: 'where the copy is made (default: the folder for temporary files)' },
  },
  details: `${causes}
PLAYBOOK is the name of one in force, or a file: it then comes into force on the copy only. The copy has everything,
the keys too, and is deleted in the end; what a drill that was killed has left is removed by the next drill there, and
by the next "whence up" where it lies in the folder for temporary files. It reaches nobody: connected systems are replaced by ones that do what they are told
and show it, nobody is told, no scorer is asked, and no sender claims what is released. So the times are those of Whence
alone. They are computed from the records of the copy. Ends with 1 when a step failed, or the original has changed.`,
  async run(context, args) {
    const [playbook] = positionals(args, 'PLAYBOOK')
    if (args.values.url !== undefined)
      throw new Fault('usage', 'A drill copies a data folder and starts a server of its own: leave --url out.')
    const cause = text(args, 'cause') === undefined ? undefined : causeOf(text(args, 'cause')!)
    const config = readConfig(dataFolder(context, args), context.env)
    const folder = text(args, 'in') === undefined ? tmpdir() : resolve(context.cwd, text(args, 'in')!)
    const left = await sweepCopies(folder)
    if (left > 0) context.stderr(`whence: ${plural(left, 'copy', 'copies')} of drills that were killed removed\n`)
    const work = await makeCopy(folder).catch((error: unknown) => {
      throw new Fault('usage', 'The copy cannot be made there: name another folder with --in.', { cause: error })
    })
    let interrupted = false
    const forget = context.onInterrupt(() => (interrupted = true))
    const goOn = (): void => {
      if (interrupted) throw new Fault('usage', 'The drill was interrupted; its copy is deleted.')
    }
    try {
      const told = await rehearse(start, { context, args, config, work: work.path, playbook: playbook!, cause, goOn })
      if (flag(args, 'json')) printJson(context, told)
      else context.stdout(drillText(printable(told), context.color))
      return told.state === 'done' && (told.original.unchanged || told.original.grown !== undefined) ? 0 : 1
    } finally {
      forget()
      await work.remove()
    }
  },
})

interface Rehearsing {
  context: Context
  args: Args
  config: Config
  work: string
  playbook: string
  cause: { kind: CauseKind; name: string } | undefined
  goOn(): void
}

async function rehearse(start: StartDrill, given: Rehearsing): Promise<Drill> {
  const { context, args, config, work, goOn } = given
  const steps = new Steps(context, flag(args, 'json'))
  const before = await stateOf(config)
  const copy = copyConfig(config, work)
  const files = await steps.step(
    'copy',
    () => copyTo(config, copy, before.checkpoint),
    (n) => [`${n} files, ${before.size} records`],
  )
  goOn()
  const outside = new Rehearsal()
  const server = await steps.step(
    'start',
    () => start(copy, { private: true, rebuild: () => {}, outside }),
    () => ['a private server on the copy, with its tables made again'],
  )
  try {
    goOn()
    const client = createClient({ url: server.url, key: server.token, fetch: patientFetch })
    const { name, degrees, monitors } = await playbookOf(client, given)
    const cause = given.cause ?? (await lastAlarm(client, name, monitors))
    const request = {
      ...cause,
      // Another time it is another drill, also where the original has one of the same cause.
      reason: `a drill of ${name}, ${context.now().toISOString()}`,
      degrees,
      playbook: name,
    }
    const plan = await steps.step(
      'plan',
      () => client.planRollback(request),
      (one) => [`${one.steps.length} steps; ${one.scope.actions} decisions about ${one.scope.people} people`],
    )
    goOn()
    const rollback = await steps.step(
      'apply',
      () => client.applyRollback({ ...request, plan: plan.id }),
      (one) => [{ ok: one.state === 'done', line: one.state }],
    )
    const after = await stateOf(config)
    return {
      playbook: name,
      cause: `${cause.kind}:${cause.name}`,
      says: plan.scope.says,
      state: rollback.state,
      files,
      records: before.size,
      actions: plan.scope.actions,
      people: plan.scope.people,
      ...timed(rollback),
      outside: outside.heard,
      cannot: plan.cannot,
      follows: plan.follows,
      original: {
        size: before.size,
        root: before.root,
        unchanged: before.root === after.root && before.size === after.size && before.files === after.files,
        // Its own server may have gone on meanwhile.
        ...(after.size > before.size ? { grown: after.size } : {}),
        compared: before.files === undefined ? 'size and root' : 'size, root and every file',
      },
    }
  } finally {
    await server.stop()
  }
}

/** How long each step took: from the record before it to its own. */
function timed({ begun, steps }: Rollback): Pick<Drill, 'steps' | 'seconds'> {
  let last = Date.parse(begun)
  const all = steps.map(({ do: what, state, says, recorded, seq }) => {
    const at = Date.parse(recorded)
    const seconds = (at - last) / 1000
    last = at
    return { do: what, state, says, seconds, record: seq }
  })
  return { steps: all, seconds: (last - Date.parse(begun)) / 1000 }
}

/** The playbook in force, or the one in a file, which comes into force on the copy. */
async function playbookOf(
  client: Client,
  { context, playbook }: Rehearsing,
): Promise<{ name: string; degrees: Degree[]; monitors: string[] }> {
  if (!/\.ya?ml$/.test(playbook)) return client.playbook(playbook)
  const file = resolve(context.cwd, playbook)
  const content = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Fault('usage', `${playbook} cannot be read.`, { cause })
  })
  const { name } = playbookForm.parse(content, playbook)
  await client.apply({ files: [{ path: playbook, text: content }] })
  return client.playbook(name)
}

async function lastAlarm(
  client: Client,
  name: string,
  monitors: readonly string[],
): Promise<{ kind: CauseKind; name: string }> {
  const { alarms } = await client.alarms({ limit: 1000 })
  const found = alarms.find(({ monitor }) => monitors.some((pattern) => matches(pattern, monitor)))
  if (!found)
    throw new Fault('usage', `No alarm is on record that the playbook ${name} follows: say of what, with --cause.`)
  return { kind: 'alarm', name: String(found.seq) }
}

interface State {
  checkpoint: Buffer
  size: number
  root: string
  /** Digest of every file's name, length and time; only where no server may be writing. */
  files: string | undefined
}

async function stateOf({ data, keys }: Config): Promise<State> {
  const checkpoint = await readFile(join(data, 'log', 'checkpoint')).catch(() => {
    throw new Fault('not_found', `${data} holds no published log yet`)
  })
  const { size, root } = claimedCheckpoint(checkpoint)
  return { checkpoint, size, root: Buffer.from(root).toString('hex'), files: await filesOf([data, keys]) }
}

async function filesOf(folders: readonly string[]): Promise<string | undefined> {
  if (readLock(folders[0]!) !== undefined) return undefined
  const lines: string[] = []
  for (const folder of new Set(folders)) {
    for (const path of (await walk(folder)).toSorted()) {
      const found = await stat(join(folder, path)).catch(() => undefined)
      lines.push(`${path} ${found?.size} ${found?.mtimeMs}`)
    }
  }
  return hash('sha256', lines.join('\n'))
}

/** A place of its own for everything: data, keys, pins and tables. */
function copyConfig(config: Config, work: string): Config {
  const [data, keys] = [join(work, 'data'), join(work, 'keys')]
  const { kek } = config
  return {
    ...config,
    data,
    keys,
    state: join(work, 'state'),
    databaseUrl: undefined,
    tablesLocation: undefined,
    connectorSecrets: {},
    scorerSecrets: {},
    kek: kek.kind === 'file' && kek.path.startsWith(`${config.keys}/`) ? { ...kek, path: join(keys, 'kek') } : kek,
  }
}

/** As a backup: the checkpoint is read first and written last. */
async function copyTo(from: Config, to: Config, checkpoint: Buffer): Promise<number> {
  const files = await copyAll(from.data, to.data, BACKED_UP, new Set(['log/checkpoint']))
  const names = ['log.key', 'secrets', 'subjects', 'erasures', 'kek', 'erasing']
  const keys = await copyAll(from.keys, to.keys, names, new Set(), 0o600)
  await mkdir(join(to.data, 'log'), { recursive: true })
  await writeFile(join(to.data, 'log', 'checkpoint'), checkpoint)
  return files + keys + 1
}
