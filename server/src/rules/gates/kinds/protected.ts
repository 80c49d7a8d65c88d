// Protected attributes in targeting: in the names of labels and segments, in their values, and in what often stands for
// them. It reads names; what a model learned from innocent ones it cannot see.
import type { Finding } from '@whence/sdk'
import { matches } from '../../files/policy-file.ts'
import type { GateOf } from '../chain.ts'
import type { Gate } from '../gate.ts'
import { phraseWords } from '../reading.ts'
import { seen } from './finding.ts'
import { protectedWords, proxyWords } from './protected-words.ts'
import type { ProtectedName } from './protected-words.ts'

interface Wordlist {
  readonly attribute: ProtectedName
  readonly proxy: boolean
  /** As `phraseWords` gives them: with a space at the beginning, and one at the end where the word ends. */
  readonly words: readonly string[]
}

export function protectedGate({ attributes, proxies, allow }: GateOf<'protected'>): Gate {
  const lists: Wordlist[] = attributes.flatMap((attribute) => [
    { attribute, proxy: false, words: wordsOf(protectedWords[attribute]) },
    ...(proxies && proxyWords[attribute] ? [{ attribute, proxy: true, words: wordsOf(proxyWords[attribute]) }] : []),
  ])
  return ({ facts: { proposal } }) => {
    const findings: Finding[] = []
    const look = (where: string, name: string, also?: unknown): void => {
      if (allow.some((pattern) => matches(pattern, name))) return
      for (const { attribute, proxy, words } of lists) {
        // A value says what it is (`segment: catholics`), but a value is no stand-in.
        const said = typeof also === 'string' && !proxy ? [name, also] : [name]
        if (!said.some((text) => has(parted(text), words))) continue
        const message = proxy
          ? `${where} "${name}" often stands for ${called(attribute)}`
          : `${where} "${name}" speaks of ${called(attribute)}`
        findings.push({ code: `protected.${proxy ? 'proxy.' : ''}${attribute}`, message })
      }
    }
    for (const segment of proposal.segments ?? []) look('segment', segment)
    for (const [name, value] of Object.entries(proposal.targeting ?? {})) look('targeting', name, value)
    for (const name of Object.keys(proposal.inputs?.features ?? {})) look('feature', name)
    return seen(findings)
  }
}

const called = (attribute: ProtectedName): string => attribute.replaceAll('_', ' ')

/** The words of a name, however it is written: `lastName`, `last_name`, `last-name`. */
function parted(name: string): string {
  return phraseWords(
    name
      .slice(0, 500)
      .replace(/(?<=[a-z0-9])(?=[A-Z])/g, ' ')
      .replace(/(?<=\p{L})(?=\d)|(?<=\d)(?=\p{L})/gu, ' '),
  )
}

function wordsOf(list: string): string[] {
  return list
    .split(' ')
    .map((word) => (word.endsWith('*') ? phraseWords(word.slice(0, -1)).trimEnd() : phraseWords(word)))
}

function has(text: string, words: readonly string[]): boolean {
  return words.some((word) => text.includes(word))
}
