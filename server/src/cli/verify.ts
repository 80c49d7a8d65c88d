import {
  isRowProof,
  leafHash,
  parseTlogProof,
  verifyGrowth,
  verifyLog,
  verifyProof,
  verifyRowProof,
} from '@whence/ledger'
import type { TileReader } from '@whence/ledger'
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../fault.ts'
import { number, paint, plural } from '../govern/reports/text.ts'
import { dataFolder, flag, positionals, printJson, text, withClient, type Args, type Command } from './command.ts'
import type { Context } from './context.ts'

interface Verdict {
  ok: boolean
  what: string
  size: number
  problems: readonly { path: string; code: string; message: string }[]
  checked?: Record<string, number>
  /** Where the verifier key came from. */
  key: string
}

export const verify: Command = {
  name: 'verify',
  summary: 'check a whole data folder, or offline a log folder, a log’s address, or a file of proofs',
  usage: 'verify [PATH|URL]',
  options: {
    vkey: { type: 'string', value: 'VKEY', help: 'the log’s verifier key, or a file that holds it' },
    old: { type: 'string', value: 'FILE', help: 'an older checkpoint, kept elsewhere: did the log only grow since?' },
  },
  details: `
Without an argument everything in the data folder is checked: the tree, every payload against its entry, every sealed
payload against its key and commitment, the key store, the column files and the feature snapshots, and the tables of actions,
what came of them, alarms and rollbacks, row by row, against the records.

With an argument nothing but the log's public key is trusted. Give the key with --vkey, from a place that the log's
operator does not control; without it the key beside the log is used, and the answer says so.`,
  async run(context, args) {
    const [target] = positionals(args, '[PATH|URL]')
    const verdict = target === undefined ? await everything(context, args) : await offline(context, args, target)
    if (flag(args, 'json')) printJson(context, verdict)
    else context.stdout(report(verdict, context))
    return verdict.ok ? 0 : 1
  },
}

async function everything(context: Context, args: Args): Promise<Verdict> {
  const { ok, size, problems, checked } = await withClient(context, args, (client) => client.verify())
  return { ok, what: 'data folder', size, problems, checked, key: 'the log’s own' }
}

async function offline(context: Context, args: Args, target: string): Promise<Verdict> {
  if (/^https?:\/\//.test(target)) {
    const key = text(args, 'key') ?? context.env.WHENCE_KEY
    const base = target.endsWith('/') ? target : `${target}/`
    return log(args, `log at ${target}`, async (path) => {
      const response = await fetch(new URL(path, base), { headers: key ? { authorization: `Bearer ${key}` } : {} })
      if (response.status === 404) return undefined
      if (!response.ok)
        throw new Fault(
          'unavailable',
          `${base}${path} answered ${response.status}${response.status === 401 ? ': give --key' : ''}`,
        )
      return new Uint8Array(await response.arrayBuffer())
    })
  }
  const path = resolve(context.cwd, target)
  const found = await stat(path).catch(() => undefined)
  if (!found)
    throw new Fault('usage', `${target} does not exist: give a log folder, a log's address or a file of proofs`)
  if (found.isFile()) return proofs(args, path, dataFolder(context, args))
  const inner = await stat(join(path, 'log', 'checkpoint')).catch(() => undefined)
  const folder = inner ? join(path, 'log') : path
  return log(args, `log in ${folder}`, (name) =>
    readFile(join(folder, name)).then((bytes) => new Uint8Array(bytes), missing),
  )
}

async function log(args: Args, what: string, read: TileReader): Promise<Verdict> {
  const { vkey, source } = await verifierKeyFrom(args, read)
  const { size, problems } = await verifyLog(read, vkey)
  const found: Verdict['problems'][number][] = [...problems]
  const old = text(args, 'old')
  if (old !== undefined) {
    const kept = await readFile(old, 'utf8').catch(() => {
      throw new Fault('usage', `${old} cannot be read: give a file that holds a signed checkpoint`)
    })
    const growth = await verifyGrowth(kept, (await read('checkpoint')) ?? '', vkey, read)
    if (!growth.ok) found.push({ path: old, code: growth.code, message: growth.message })
  }
  return { ok: found.length === 0, what, size, problems: found, key: source }
}

/**
 * A file of one tlog-proof, or several one after the other, each with its entry in the extra line; or of rows, each with
 * the tlog-proof of its batch.
 */
async function proofs(args: Args, path: string, folder: string): Promise<Verdict> {
  const { vkey, source } = await verifierKeyFrom(args, (name) =>
    readFile(join(folder, 'log', name)).then((bytes) => new Uint8Array(bytes), missing),
  )
  const texts = proofsIn(await readFile(path, 'utf8'))
  const problems: Verdict['problems'][number][] = []
  for (const [i, proof] of texts.entries()) {
    const where = `${path} (proof ${i + 1})`
    const text = proof.replace(/\n+$/, '\n')
    try {
      const verdict = isRowProof(text) ? await verifyRowProof(text, vkey) : await ofEntry(text, vkey)
      if (!verdict.ok) problems.push({ path: where, code: 'unproven', message: verdict.message })
    } catch (error) {
      problems.push({ path: where, code: 'malformed', message: (error as Error).message })
    }
  }
  return {
    ok: problems.length === 0,
    what: `${plural(texts.length, 'proof')} in ${path}`,
    size: texts.length,
    problems,
    key: source,
  }
}

/** The proofs of a file. That of a row holds another: the one of its batch. */
function proofsIn(file: string): string[] {
  const proofs: string[] = []
  for (const piece of file.split(/(?<=\n)(?=c2sp\.org\/tlog-proof@v1\n|whence\/row-proof@v1\n)/)) {
    const before = proofs.at(-1)
    if (before !== undefined && isRowProof(before) && !before.includes(INNER)) proofs.push(proofs.pop()! + piece)
    else proofs.push(piece)
  }
  return proofs
}

const INNER = '\nc2sp.org/tlog-proof@v1\n'

async function ofEntry(text: string, vkey: string): Promise<{ ok: true } | { ok: false; message: string }> {
  const { extra } = parseTlogProof(text)
  if (!extra) throw new Error('it carries no entry to be proved')
  const verdict = await verifyProof(text, extra, vkey)
  if (verdict.ok) return { ok: true }
  return { ok: false, message: `leaf ${Buffer.from(leafHash(extra)).toString('hex')}: ${verdict.message}` }
}

async function verifierKeyFrom(args: Args, read: TileReader): Promise<{ vkey: string; source: string }> {
  const given = text(args, 'vkey')
  if (given !== undefined) {
    const stored = await readFile(given, 'utf8').catch(() => undefined)
    return { vkey: (stored ?? given).trim(), source: 'given' }
  }
  const beside = await read('vkey')
  if (!beside) throw new Fault('usage', 'no verifier key is known: give --vkey (whence status shows it)')
  return {
    vkey: Buffer.from(beside).toString('utf8').trim(),
    source: 'the one beside the log: compare it with one from elsewhere',
  }
}

function report({ ok, what, size, problems, checked, key }: Verdict, { color }: Context): string {
  const { bold, dim, green, red } = paint(color)
  const lines = problems
    .slice(0, 50)
    .map(({ path, code, message }) => `  ${red(code.toUpperCase())}   ${path}: ${message}\n`)
  if (problems.length > 50) lines.push(`  … and ${plural(problems.length - 50, 'more problem')}\n`)
  const counts = Object.entries(checked ?? {})
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${number(n)} ${name}`)
    .join(' · ')
  const head = ok
    ? `  ${green('✓')} ${bold('intact')}   ${what}: ${number(size)} checked\n`
    : `  ${red('✗')} ${bold(plural(problems.length, 'problem'))}   ${what}\n`
  return [...lines, head, counts ? `    ${counts}\n` : '', `    ${dim(`verifier key: ${key}`)}\n`].join('')
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined
  throw error
}
