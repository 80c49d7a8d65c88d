// The secrets of webhooks, read where their files say that they are. They are never kept, shown or logged.
import type { SecretAt } from '../../rules/outcomes/webhook.ts'

export interface SecretPlaces {
  environment(name: string): string | undefined
  /** A file in the folder of webhooks, by its name. */
  file(name: string): Uint8Array | undefined
}

/** What is shorter could be guessed. */
const SHORTEST = { token: 32, basic: 20, signature: 1 }

/** Undefined where there is none, or one that is too short to be one. */
export function secretOf(places: SecretPlaces, at: SecretAt, use: keyof typeof SHORTEST): Uint8Array | undefined {
  const found = 'env' in at ? places.environment(at.env) : Buffer.from(places.file(at.file) ?? []).toString('utf8')
  const text = found?.trim() ?? ''
  return text.length >= SHORTEST[use] ? Buffer.from(text) : undefined
}

export function lackOf(at: SecretAt, use: keyof typeof SHORTEST): string {
  const least = SHORTEST[use] > 1 ? ` of at least ${SHORTEST[use]} characters` : ''
  return 'env' in at
    ? `set ${at.env} to a ${use}${least} in the environment of the server`
    : `put a ${use}${least} into the file webhooks/${at.file} beside the keys`
}
