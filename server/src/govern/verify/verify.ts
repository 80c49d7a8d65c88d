// Verification of what lies in a data folder: the tree, and everything beside it that the tree commits to.
import { fullTile, TILE_WIDTH, tilePath, verifyLog } from '@whence/ledger'
import type { TileName } from '@whence/ledger'
import type { Verification } from '@whence/sdk'
import { hash } from 'node:crypto'
import { Fault } from '../../fault.ts'
import { decodeLine, SEGMENT, streamNumber } from '../../record/ledger/archive.ts'
import type { IndexLine } from '../../record/ledger/archive.ts'
import { decodeEntry, isMember } from '../../record/ledger/entry.ts'
import type { Entry } from '../../record/ledger/entry.ts'
import type { Ledger } from '../../record/ledger/ledger.ts'
import { identityOf, placeBytes } from '../../record/subjects/seal.ts'
import type { Files } from '../../store/files.ts'
import type { KeyStore } from '../../store/keys.ts'

type Problem = Verification['problems'][number]

/** Something more to check, with what it looked at. */
export interface Check {
  (): Promise<{ problems: Problem[]; checked: Record<string, number> }>
}

const NO_SUBJECT = '0'.repeat(32)

/**
 * Checks the published log against its signed checkpoint, each index line and payload against its entry, every sealed
 * payload against its key and commitment, the key store, and whatever `more` adds. Names every problem by file.
 */
export async function verifyData(
  parts: { files: Files; folder: string; ledger: Ledger; keys: KeyStore },
  more: readonly Check[],
  onProgress: (done: number, size: number) => void = () => {},
): Promise<Verification> {
  const { files, folder, ledger, keys } = parts
  await ledger.publish()
  const problems: Problem[] = []
  const checked = { entries: 0, payloads: 0, opened: 0, erased: 0, keys: 0 }
  const size = ledger.published
  let accounted = 0
  /** Where the payload before ends in its segment. */
  let end = 0
  const log = await verifyLog((path) => files.read(`${folder}/log/${path}`), ledger.vkey, {
    onProgress: (done: number) => onProgress(done, size),
    onEntry: (seq: number, bytes: Uint8Array) => {
      checked.entries++
      try {
        const entry = decodeEntry(bytes)
        const problem = checkRecord(seq, entry)
        if (problem) problems.push(problem)
        if (/^(erasure|expiry)\//.test(entry.kind)) accounted += unreadable(ledger, seq)
      } catch (error) {
        problems.push({ path: 'payloads', code: 'altered', message: `record ${seq}: ${(error as Error).message}` })
      }
    },
  })
  if (checked.erased > accounted) {
    problems.push({
      path: 'payloads/index',
      code: 'altered',
      message: `${checked.erased} records are marked as erased, but the log accounts for ${accounted}: erasures were faked`,
    })
  }
  problems.unshift(...log.problems.map(({ path, code, message }) => ({ path: `log/${path}`, code, message })))
  problems.push(...earlierTiles(files, `${folder}/log`, size))

  const keyProblems = keys.check()
  problems.push(...keyProblems)
  checked.keys = [...keys.slots()].length
  const counts: Record<string, number> = { ...checked }
  for (const check of more) {
    const found = await check()
    problems.push(...found.problems)
    for (const [name, n] of Object.entries(found.checked)) counts[name] = (counts[name] ?? 0) + n
  }
  return { ok: problems.length === 0, size, problems, checked: counts }

  function checkRecord(seq: number, entry: Entry): Problem | undefined {
    const path = ledger.payloadPath(seq).slice(folder.length + 1)
    const line = decodeLine(ledger.lineBytes(seq))
    const flaw = lineFlaw(
      line,
      entry,
      identityOf(ledger.subjects.idKey, placeBytes(entry)),
      seq % SEGMENT === 0 ? line.offset : end,
    )
    end = line.offset + line.length
    if (flaw) return { path: 'payloads/index', code: 'altered', message: `record ${seq}: ${flaw}` }
    const expected = entry.sealed ?? entry.payload!
    const stored = ledger.payload(seq)
    if (stored.length !== expected.bytes || hash('sha256', stored, 'hex') !== expected.sha256) {
      return {
        path,
        code: 'altered',
        message: `record ${seq}: the stored payload is not the one on record: its SHA-256 differs`,
      }
    }
    checked.payloads++
    if (line.erased) {
      checked.erased++
      return undefined
    }
    try {
      ledger.open(seq)
      checked.opened++
      return undefined
    } catch (error) {
      // The payload is the one on record: then what leads to its key is not.
      return { path: 'payloads/index', code: 'altered', message: Fault.from(error).message }
    }
  }
}

/**
 * A tile that was published before it was full stays until it is: whoever holds an older checkpoint asks for it. It must
 * be how the present one begins, which the tree vouches for.
 */
function earlierTiles(files: Files, folder: string, size: number): Problem[] {
  const problems: Problem[] = []
  const check = (level: TileName['level'], count: number): void => {
    const name: TileName = { level, index: Math.floor(count / TILE_WIDTH), width: count % TILE_WIDTH }
    const full = tilePath(fullTile(name))
    const present =
      name.width > 0 ? (files.read(`${folder}/${tilePath(name)}`) ?? files.read(`${folder}/${full}`)) : undefined
    for (const width of present ? files.list(`${folder}/${full}.p`) : []) {
      const bytes = Number(width) < name.width ? files.read(`${folder}/${full}.p/${width}`) : undefined
      if (!bytes || Buffer.from(bytes).equals(present!.subarray(0, bytes.length))) continue
      problems.push({
        path: `log/${full}.p/${width}`,
        code: 'altered',
        message: 'the partial tile is not how the present one begins',
      })
    }
  }
  check('entries', size)
  for (let level = 0, count = size; count > 0; level++, count = Math.floor(count / TILE_WIDTH)) check(level, count)
  return problems
}

/** What of an index line contradicts its entry, or the line before, whose payload ends at `end`. */
function lineFlaw(line: IndexLine, entry: Entry, identity: Uint8Array, end: number): string | undefined {
  const { sealed, payload } = entry
  if (line.length !== (sealed ?? payload)?.bytes) return 'its index line has another length'
  if (line.offset !== end) return 'its index line has another offset'
  if (line.stream !== streamNumber(entry.stream)) return 'its index line names another stream'
  if (!sealed && !line.identity.equals(identity)) return 'its index line has another identity'
  if (!sealed && line.commit.toString('hex') !== payload?.sha256.slice(0, 32))
    return 'its index line has another commitment'
  if (line.sealed !== (sealed !== undefined)) return 'its index line says otherwise whether it is sealed'
  if (sealed) {
    if (line.identity.toString('hex') !== entry.id) return 'its index line has another identity'
    if (line.commit.toString('hex') !== sealed.commit.slice(0, 32)) return 'its index line has another commitment'
    if (line.erased !== (line.subject === NO_SUBJECT))
      return 'its index line lacks its subject, and no erasure is noted'
  }
  if (line.member !== isMember(entry)) return 'its index line says otherwise whether it belongs to its stream'
  return undefined
}

/** How many records an erasure or an expiry says that it made unreadable. */
function unreadable(ledger: Ledger, seq: number): number {
  const opened = ledger.open(seq)
  if (opened.state !== 'open') return 0
  return (JSON.parse(Buffer.from(opened.content).toString('utf8')) as { recordsUnreadable: number }).recordsUnreadable
}
