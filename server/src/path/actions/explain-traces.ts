// What spans on record say of an action, beside what its proposal says. A span is the word of whoever sent it; where both
// speak of the same, they are held against each other by digest.
import type { ActionExplanation, CopyPart, SpanContent, TraceAction } from '@whence/sdk'
import { hash } from 'node:crypto'
import { isFault } from '../../fault.ts'
import type { OpenedAction } from './recorded.ts'
import type { Traces } from './traces.ts'

type Told = ActionExplanation['traces'][number]

export interface TracesTold {
  readonly traces: Told[]
  readonly alerts: string[]
}

/** The copy is held as it was proposed, before any review. */
export async function tracesOf(traces: Traces, { proposal }: OpenedAction): Promise<TracesTold> {
  const id = traces.fingerprint(proposal.id)
  try {
    const found = await traces.of({ action: proposal.id })
    const told = found.flatMap(({ trace, spans, actions, more }): Told[] => {
      const said = actions.find((one) => one.id === id)
      return said === undefined
        ? []
        : [{ trace, spans: spans.length, ...(more ? { more } : {}), said, held: heldAgainst(traces, proposal, said) }]
    })
    const alerts = told.flatMap(({ trace, held }) =>
      held.flatMap(({ what, agrees }) =>
        agrees ? [] : [`The trace ${trace} says another ${what} than the proposal.`],
      ),
    )
    return { traces: told, alerts }
  } catch (error) {
    if (!isFault(error, 'altered')) throw error
    return { traces: [], alerts: [`A span that names this action is altered: ${error.message}`] }
  }
}

/** Only what both state in a form that can be compared. */
function heldAgainst(
  traces: Traces,
  { model, prompt, output, campaign, channel }: OpenedAction['proposal'],
  said: TraceAction,
): Told['held'] {
  const held: Told['held'] = []
  const compare = (what: string, ours: string | undefined, theirs: string | undefined): void => {
    // A name that looked personal stands as a digest.
    if (ours === undefined || theirs === undefined) return
    held.push({ what, agrees: theirs === ours || theirs === traces.fingerprint(ours) })
  }
  compare('model', model?.name, said.model?.name)
  compare('campaign', campaign, said.campaign)
  compare('channel', channel, said.channel)
  compare('prompt template', prompt?.template, said.prompt?.template)
  compare('prompt version', prompt?.version, said.prompt?.version)
  // A prompt comes in many forms (messages, roles): another digest says nothing, the same one says all.
  for (const [what, sha256, content] of [
    ['prompt', prompt?.sha256, said.contents?.input],
    ['system prompt', prompt?.systemSha256, said.contents?.system],
  ] as const)
    if (sha256 !== undefined && isOf(traces, sha256, content)) held.push({ what, agrees: true })
  for (const { part, text } of output?.copy ?? ([] as CopyPart[])) {
    const content = said.contents?.[`copy.${part}`]
    if (content !== undefined) held.push({ what: `copy ${part}`, agrees: isOf(traces, hash('sha256', text), content) })
  }
  return held
}

function isOf(traces: Traces, sha256: string, content: SpanContent | undefined): boolean {
  const digest = traces.fingerprintOf(sha256)
  return content !== undefined && (content.digest === digest || content.text === digest)
}
