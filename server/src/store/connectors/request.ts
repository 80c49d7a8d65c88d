// One request to a connected system, within a time and a size, wherever it leads.

/** Why nothing can be told of what a connected system meant. `busy`: it says that it cannot now. `refused`: it says no. */
export interface NoReply {
  readonly failure: 'timeout' | 'unreachable' | 'busy' | 'refused' | 'unintelligible'
  /** One sentence without anything of the answer's content: that may be personal. */
  readonly reason: string
}

/** An answer in JSON. `undefined`: it has nothing there (404, 410). */
export type Reply = { readonly value: unknown } | NoReply

/** How a system is reached, and how much patience it is owed. */
export interface Reached {
  /** Without a slash at its end. */
  readonly url: string
  readonly authorization: string | undefined
  readonly timeoutMs: number
}

/** A longer answer is not read to its end. */
const MOST_BYTES = 1 << 20

export interface Asked {
  readonly method: 'GET' | 'PUT' | 'DELETE'
  /** Segments of the path, as they are; they are escaped here. */
  readonly path: readonly string[]
  readonly query?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** Never throws. Redirects are not followed: what is sent goes where the file says, or nowhere. */
export async function request(
  { url, authorization, timeoutMs }: Reached,
  { method, path, query, body }: Asked,
): Promise<Reply> {
  // A step like `..` would change whom the request is about, even escaped.
  if (path.some((segment) => segment === '' || segment === '.' || segment === '..' || !segment.isWellFormed()))
    return { failure: 'refused', reason: 'it cannot be asked for something of this name' }
  const search = query === undefined ? '' : `?${new URLSearchParams(query)}`
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(`${url}/${path.map(encodeURIComponent).join('/')}${search}`, {
      method,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
      signal,
    })
    const { status } = response
    if (status < 200 || status >= 300) {
      await response.body?.cancel()
      return notDone(status, method)
    }
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      // Leaving the loop cancels what is still to come.
      if (bytes > MOST_BYTES)
        return { failure: 'unintelligible', reason: `its answer is longer than ${MOST_BYTES} bytes` }
      chunks.push(chunk)
    }
    return read(Buffer.concat(chunks), method)
  } catch {
    // Why exactly says where the system lives; that is the operator's to find out.
    if (signal.aborted) return { failure: 'timeout', reason: `nothing came within ${timeoutMs} ms` }
    return { failure: 'unreachable', reason: 'it cannot be reached, or broke off' }
  }
}

function notDone(status: number, method: string): Reply {
  if (status === 404 || status === 410)
    return method === 'PUT' ? { failure: 'refused', reason: `it answers ${status}` } : { value: undefined }
  if (status === 401 || status === 403)
    return { failure: 'refused', reason: `it answers ${status}: it does not take the credentials` }
  if (status === 408 || status === 429 || status >= 500) return { failure: 'busy', reason: `it answers ${status}` }
  if (status >= 300 && status < 400) return { failure: 'refused', reason: 'it redirects, which is not followed' }
  return { failure: 'refused', reason: `it answers ${status}` }
}

function read(bytes: Buffer, method: string): Reply {
  // What is written need not be answered in words: the state is asked for afterwards.
  if (method !== 'GET') return { value: null }
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown }
  } catch {
    return { failure: 'unintelligible', reason: 'its answer is no JSON' }
  }
}

/** The `authorization` header of credentials. */
export function authorizationOf(
  secrets: { token: string } | { user: string; password: string } | undefined,
): string | undefined {
  if (secrets === undefined) return undefined
  if ('token' in secrets) return `Bearer ${secrets.token}`
  return `Basic ${Buffer.from(`${secrets.user}:${secrets.password}`).toString('base64')}`
}
