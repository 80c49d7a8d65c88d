// Asking a scorer over HTTP, within a time and a size, wherever it leads.

export interface ScorerRequest {
  readonly url: string
  readonly body: string
  readonly timeoutMs: number
  readonly mostBytes: number
  /** The name of the variable that holds a bearer token; `withSecrets` puts the secret in its place. */
  readonly token?: string
  readonly authorization?: string
}

export type ScorerResponse =
  | { readonly status: number; readonly body: string }
  | { readonly failure: 'timeout' | 'too_long' | 'unreachable' | 'redirect' | 'no_secret'; readonly reason: string }

/** Asks with the secret that a request names. Without it nobody is asked: a scorer that lets anybody in is not the one meant. */
export function withSecrets(
  ask: (request: ScorerRequest) => Promise<ScorerResponse>,
  secrets: Readonly<Record<string, string>>,
): (request: ScorerRequest) => Promise<ScorerResponse> {
  return async ({ token, ...request }) => {
    if (token === undefined) return ask(request)
    const secret = Object.hasOwn(secrets, token) ? secrets[token] : undefined
    if (!secret) return { failure: 'no_secret', reason: `${token} is not set in the environment of the server` }
    return ask({ ...request, authorization: `Bearer ${secret}` })
  }
}

/** Never throws. Redirects are not followed: the copy goes to the address that the policy names, or nowhere. */
export async function askScorer({
  url,
  body,
  timeoutMs,
  mostBytes,
  authorization,
}: ScorerRequest): Promise<ScorerResponse> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(authorization === undefined ? {} : { authorization }),
      },
      body,
      redirect: 'manual',
      signal,
    })
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel()
      return { failure: 'redirect', reason: 'it redirects, which is not followed' }
    }
    const chunks: Uint8Array[] = []
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      // Leaving the loop cancels what is still to come.
      if (bytes > mostBytes) return { failure: 'too_long', reason: `its answer is longer than ${mostBytes} bytes` }
      chunks.push(chunk)
    }
    return { status: response.status, body: Buffer.concat(chunks).toString('utf8') }
  } catch {
    // Why exactly says where the scorer lives; that is the operator's to find out.
    if (signal.aborted) return { failure: 'timeout', reason: `nothing within ${timeoutMs} ms` }
    return { failure: 'unreachable', reason: 'it cannot be reached' }
  }
}
