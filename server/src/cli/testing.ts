import { Client, type Accounting, type EventResult, type Ingested } from '@whence/sdk'
import { runCli } from './cli.ts'
import type { Families } from './commands.ts'
import type { Context } from './context.ts'

/** What a command did: its exit code, and what it wrote. */
export type Ran = { code: number; stdout: string; stderr: string; context: Context }

/** Runs a command line against a client that answers from `answers`: for `"GET /v1/status"` the value to answer with. */
export async function run(
  argv: string[],
  answers: Answers | Client = {},
  changes: Partial<Context> = {},
  more: Families = {},
): Promise<Ran> {
  let [stdout, stderr] = ['', '']
  const client = answers instanceof Client ? answers : fakeClient(answers)
  const context: Context = {
    stdout: (text) => (stdout += text),
    stderr: (text) => (stderr += text),
    stdin: (async function* () {})(),
    isTTY: { stdin: false, stdout: false, stderr: false },
    columns: 100,
    color: false,
    env: {},
    now: () => new Date('2026-03-20T10:00:00Z'),
    cwd: process.cwd(),
    connect: async () => ({ client, close: async () => {} }),
    ask: async () => '',
    onInterrupt: () => () => {},
    ...changes,
  }
  const code = await runCli(argv, context, more)
  return { code, stdout, stderr, context }
}

export type Asked = { path: string; query: URLSearchParams; body: Buffer }
export type Answers = Record<string, unknown>

/** `answers` by method and path; a function is called with the request. An `Error`-like `{status, error}` is a refusal. */
export function fakeClient(answers: Answers): Client {
  return new Client({
    url: 'http://fake',
    key: 'wk_fake',
    async fetch(url, { method, body }) {
      const { pathname, searchParams } = new URL(url)
      const path = decodeURIComponent(pathname)
      const given = answers[`${method} ${path}`]
      const asked: Asked = { path, query: searchParams, body: Buffer.from((body as string) ?? '') }
      const answer: unknown = typeof given === 'function' ? await (given as (asked: Asked) => unknown)(asked) : given
      if (answer === undefined) return refusal(404, 'not_found', `nothing is at ${method} ${path}`)
      if (answer instanceof Response) return answer
      return typeof answer === 'string' ? new Response(answer) : Response.json(answer)
    },
  })
}

export function refusal(status: number, code: string, message: string): Response {
  return Response.json({ error: { code, message } }, { status })
}

/** A stream that records what it can read, quarantines the rest, and recognises what it has seen at the same place. */
export class FakeStream {
  readonly events = new Map<string, string>()
  requests = 0

  take({ query, body }: Asked): Ingested {
    this.requests++
    const offset = Number(query.get('line') ?? 1)
    const accounting: Accounting = {
      received: 0,
      passed: 0,
      flagged: 0,
      quarantined: 0,
      dropped: 0,
      duplicate: 0,
      conflict: 0,
      refused: 0,
    }
    const results: EventResult[] = []
    const blank: number[] = []
    for (const [i, text] of body.toString('latin1').replace(/\n$/, '').split('\n').entries()) {
      const line = offset + i
      if (text === '') {
        blank.push(line)
        continue
      }
      accounting.received++
      const place = `${query.get('file')}:${line}`
      const seq = this.events.size
      const receipt = { seq, leaf: '0'.repeat(64), recorded: '2026-03-20T10:00:00.000000Z' }
      const before = this.events.get(place)
      const status = before === undefined ? 'recorded' : before === text ? 'duplicate' : 'conflict'
      if (status !== 'recorded') {
        accounting[status]++
        if (status === 'conflict') results.push({ line, status, receipt: { ...receipt, status } })
        continue
      }
      this.events.set(place, text)
      const outcome = isObject(text) ? 'passed' : 'quarantined'
      accounting[outcome]++
      if (outcome === 'quarantined') {
        const violation = { rule: 'json.syntax', type: 'Content-Malformed', keyword: 'syntax', path: '' }
        const violations = [{ ...violation, message: 'no JSON', outcome: 'quarantine' as const }]
        results.push({ line, status, receipt: { ...receipt, status }, outcome, violations })
      }
    }
    return { stream: 'clicks', contract: 'clicks@1.0.0', accounting, blank, results }
  }

  /** The events as they arrived, by line. */
  get lines(): [number, string][] {
    return [...this.events].map(([place, text]) => [
      Number(place.split(':').at(-1)),
      Buffer.from(text, 'latin1').toString(),
    ])
  }
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
