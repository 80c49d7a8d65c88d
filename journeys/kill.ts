// Kills the process that writes the ledger at random moments, under load, and looks whether anything acknowledged is lost.
//
//   node journeys/kill.ts [--kills N] [--seed N]
//
// The process (this file, as `write`) appends sealed events and says of each, after its acknowledgement, where it stands.
// After every kill the log is opened again: every record that was acknowledged since the last one must be there, with the
// leaf that its receipt named, and open; now and then, and at the end, all of them, and the log must verify and contain
// what it contained before. At last the same events are appended again: nothing may be added.
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { verifyGrowth, verifyLog } from '@whence/ledger'
import { readConfig } from '../server/src/config.ts'
import type { Placed } from '../server/src/record/ledger/writer.ts'
import type { Subject } from '../server/src/record/subjects/subjects.ts'
import { openLedger } from './site.ts'
import type { BareLedger } from './site.ts'

const BATCH = 40

export interface Killed {
  kills: number
  acknowledged: number
  lost: string[]
}

const bodyOf = (n: number): Buffer => Buffer.from(`{"id":"e-${n}","text":"${'x'.repeat(n % 300)}"}`)

async function append({ ledger }: BareLedger, first: number): Promise<Placed[]> {
  const drafts = Array.from({ length: BATCH }, (_, i) => {
    const n = first + i
    // People come and go, so that most frames carry new keys.
    const subject = ledger.subjects.mint('customer', `c-${n % 7 === 0 ? n : n % 100}`) as Subject
    return {
      kind: 'event/1',
      stream: 's',
      source: 'kill',
      id: `e-${n}`,
      time: 1_770_000_000_000_000,
      refs: { outcome: 'passed' },
      content: bodyOf(n),
      subject,
    }
  })
  return (await ledger.append(drafts, { actor: 'kill' })) as Placed[]
}

function open(folder: string): Promise<BareLedger> {
  return openLedger(readConfig(folder, { WHENCE_STATE: `${folder}-state`, WHENCE_DISK_RESERVE: '0' }), {
    publishEvery: 30,
  })
}

/** The process that is killed: appends from event `first` on, three batches at a time, for ever. */
async function write(folder: string, first: number): Promise<void> {
  const bare = await open(folder)
  let next = first
  const worker = async (): Promise<void> => {
    for (;;) {
      const from = next
      next += BATCH
      const placed = await append(bare, from)
      process.stdout.write(placed.map(({ seq, leaf }, i) => `${from + i} ${seq} ${leaf}\n`).join(''))
    }
  }
  process.stdout.write('ready\n')
  await Promise.all([worker(), worker(), worker()])
}

/** Runs the whole test; `say` hears how far it is. */
export async function killAgainAndAgain(
  kills: number,
  seed: number,
  say: (line: string) => void = () => {},
): Promise<Killed> {
  const root = await mkdtemp(join(tmpdir(), 'whence-kill-'))
  const folder = join(root, 'data')
  const acknowledged = new Map<number, { seq: number; leaf: string }>()
  const lost: string[] = []
  let state = seed >>> 0
  const random = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
  let next = 0
  let kept: string | undefined

  const look = (bare: BareLedger, n: number): void => {
    const { seq, leaf } = acknowledged.get(n)!
    try {
      if (bare.ledger.receiptOf(seq).leaf !== leaf) throw new Error('it has another leaf')
      const opened = bare.ledger.open(seq)
      if (opened.state !== 'open' || !Buffer.from(opened.content).equals(bodyOf(n)))
        throw new Error('its content differs')
    } catch (error) {
      lost.push(`event ${n}, record ${seq}: ${(error as Error).message}`)
    }
  }
  const verified = async (vkey: string): Promise<void> => {
    const read = (path: string) =>
      readFile(join(folder, 'log', path)).then(
        (bytes) => new Uint8Array(bytes),
        () => undefined,
      )
    const { problems, checkpoint } = await verifyLog(read, vkey)
    for (const { path, message } of problems) lost.push(`${path}: ${message}`)
    const now = Buffer.from((await read('checkpoint'))!).toString('utf8')
    if (kept !== undefined && checkpoint) {
      const growth = await verifyGrowth(kept, now, vkey, read)
      if (!growth.ok) lost.push(`the log did not grow: ${growth.message}`)
    }
    kept = now
  }

  try {
    for (let kill = 1; kill <= kills; kill++) {
      const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'write', folder, String(next)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const fresh: number[] = []
      const ended = new Promise((resolve) => child.once('close', resolve))
      const lines = createInterface({ input: child.stdout })
      const ready = new Promise<void>((resolve) => {
        lines.on('line', (line) => {
          const match = /^(\d+) (\d+) ([0-9a-f]{64})$/.exec(line)
          if (line === 'ready') resolve()
          if (!match) return
          const n = Number(match[1])
          acknowledged.set(n, { seq: Number(match[2]), leaf: match[3]! })
          fresh.push(n)
          next = Math.max(next, n + 1)
        })
      })
      // Every fourth dies while it starts and recovers, the others at work.
      if (kill % 4 !== 0) await Promise.race([ready, ended])
      await wait(random() * 300)
      child.kill('SIGKILL')
      await ended
      // What was sent and not acknowledged may be there or not: those ids are not used again.
      next += 3 * BATCH
      const bare = await open(folder)
      for (const n of fresh) look(bare, n)
      const { vkey } = bare.ledger
      await bare.stop()
      if (kill % 20 === 0 || kill === kills) {
        await verified(vkey)
        say(`${kill} of ${kills} kills, ${acknowledged.size} acknowledged, ${lost.length} lost`)
      }
    }
    const bare = await open(folder)
    for (const n of acknowledged.keys()) look(bare, n)
    const before = bare.ledger.size
    for (let first = 0; first < next; first += BATCH) {
      const known = Array.from({ length: BATCH }, (_, i) => first + i).every((n) => acknowledged.has(n))
      if (!known) continue
      for (const { status } of await append(bare, first))
        if (status !== 'duplicate') lost.push(`event ${first} …: sent again it was ${status}`)
    }
    if (bare.ledger.size !== before) lost.push(`sending again added ${bare.ledger.size - before} records`)
    await bare.stop()
    return { kills, acknowledged: acknowledged.size, lost }
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

if (import.meta.main) {
  if (process.argv[2] === 'write') {
    await write(process.argv[3]!, Number(process.argv[4]))
  } else {
    const { values } = parseArgs({
      options: { kills: { type: 'string', default: '200' }, seed: { type: 'string', default: '1' } },
    })
    const { kills, acknowledged, lost } = await killAgainAndAgain(Number(values.kills), Number(values.seed), (line) =>
      console.log(line),
    )
    for (const line of lost.slice(0, 20)) console.log(line)
    console.log(`${kills} kills, ${acknowledged} acknowledged, ${lost.length} lost`)
    process.exit(lost.length === 0 && acknowledged > 0 ? 0 : 1)
  }
}
