// What is kept of a span: structure, numbers and names; of everything that was said, a digest. The same span gives the same
// content, whatever is configured: masked texts stand beside it.
import { ActionType } from '@whence/sdk'
import type { FeatureValue, KeyedDigest, SpanAction, SpanContent, SpanSaid } from '@whence/sdk'
import { hash } from 'node:crypto'
import { formatTime } from '../../record/time.ts'
import type { Content, SpanFacts } from './facts.ts'
import { isLabel, isMeasure } from './label.ts'
import type { Mask } from './label.ts'

export interface Keeping {
  /** The keyed digest of a SHA-256 in hex. */
  readonly digest: (sha256: string) => KeyedDigest
  readonly mask: Mask
}

/** Entries of a list that are kept. */
const MOST = 100
/** Characters of a masked text that are kept, and those behind them that are masked with them: none is cut in two. */
const MOST_MASKED = 20_000
const BEHIND = 500

export function keepSpan(facts: SpanFacts, keeping: Keeping): SpanSaid {
  const { said } = facts
  const label = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : isLabel(text, keeping.mask) ? text : digestOf(text, keeping)
  const digest = (text: string | undefined): KeyedDigest | undefined =>
    text === undefined ? undefined : digestOf(text, keeping)
  return present({
    trace: facts.trace,
    span: facts.span,
    parent: facts.parent,
    kind: facts.kind,
    start: formatTime(facts.start),
    end: formatTime(facts.end),
    status: facts.status,
    error: label(said.text('error.type')),
    service: label(facts.service),
    environment: label(facts.environment),
    operation: label(said.text('gen_ai.operation.name')),
    provider: label(facts.provider),
    model: filled({
      requested: label(said.text('gen_ai.request.model')),
      answered: label(said.text('gen_ai.response.model')),
    }),
    configuration: filled(configurationOf(facts, keeping)),
    agent: filled({
      id: label(said.text('gen_ai.agent.id')),
      name: label(said.text('gen_ai.agent.name')),
      version: label(said.text('gen_ai.agent.version')),
    }),
    tool: filled({ name: label(said.text('gen_ai.tool.name')), type: label(said.text('gen_ai.tool.type')) }),
    prompt: filled({
      template: label(said.text('whence.prompt.template', 'gen_ai.prompt.name')),
      version: label(said.text('whence.prompt.version', 'gen_ai.prompt.version')),
    }),
    usage: filled(facts.usage),
    finish: some(facts.finish.slice(0, MOST).flatMap((reason) => label(reason) ?? [])),
    ids: filled({
      conversation: digest(said.text('gen_ai.conversation.id')),
      response: digest(said.text('gen_ai.response.id')),
      call: digest(said.text('gen_ai.tool.call.id')),
      data: digest(said.text('gen_ai.data_source.id')),
    }),
    contents: filled(
      Object.fromEntries([...facts.contents].map(([name, content]) => [name, keepContent(content, keeping)])),
    ),
    calls: some(
      facts.calls.slice(0, MOST).map((call) =>
        present({
          id: digest(call.id),
          name: label(call.name),
          arguments: call.arguments && keepContent(call.arguments, keeping),
        }),
      ),
    ),
    evaluations: some(
      facts.evaluations.slice(0, MOST).map(({ name, score, label: said, explanation }) =>
        present({
          name: label(name),
          score: score !== undefined && isMeasure(score, keeping.mask) ? score : undefined,
          label: label(said),
          explanation: explanation && keepContent(explanation, keeping),
        }),
      ),
    ),
    action: filled(actionOf(facts, keeping, label)),
    lost: facts.lost > 0 ? facts.lost : undefined,
  })
}

/**
 * The texts of a span, masked. Of a chain of thought there is the digest only, and of what is no text too: nobody knows
 * what an encoded value holds.
 */
export function maskedTexts(facts: SpanFacts, mask: Mask): Record<string, string> {
  return Object.fromEntries(
    [...facts.contents].flatMap(([name, { text }]) =>
      name === 'thought' || text === undefined ? [] : [[name, shortened(text, mask)]],
    ),
  )
}

function shortened(text: string, mask: Mask): string {
  if (text.length <= MOST_MASKED + BEHIND) return mask(text).toWellFormed()
  return `${mask(text.slice(0, MOST_MASKED + BEHIND))
    .slice(0, -BEHIND)
    .toWellFormed()} […]`
}

export function digestOf(text: string, { digest }: Pick<Keeping, 'digest'>): KeyedDigest {
  return digest(hash('sha256', text))
}

function keepContent({ sha256, bytes, text }: Content, keeping: Keeping): SpanContent {
  return present({
    bytes,
    digest: keeping.digest(sha256),
    text: text === undefined ? undefined : digestOf(text, keeping),
  })
}

function configurationOf({ configuration }: SpanFacts, keeping: Keeping): Record<string, FeatureValue> {
  const keep = (name: string, value: string | number | boolean): FeatureValue => {
    if (typeof value === 'boolean') return value
    if (typeof value === 'number') return isMeasure(value, keeping.mask) ? value : digestOf(String(value), keeping)
    // Sequences at which a model stops are pieces of text.
    return name !== 'stop_sequences' && isLabel(value, keeping.mask) ? value : digestOf(value, keeping)
  }
  return Object.fromEntries(Object.entries(configuration).map(([name, value]) => [name, keep(name, value)]))
}

function actionOf(
  { said }: SpanFacts,
  keeping: Keeping,
  label: (text: string | undefined) => string | undefined,
): SpanAction {
  const id = said.text('whence.action.id')
  const type = ActionType.safeParse(said.text('whence.action.type')).data
  return present({
    id: id === undefined ? undefined : digestOf(id, keeping),
    type,
    propose: said.flag('whence.action.propose') && id !== undefined && type !== undefined ? true : undefined,
    actor: filled({
      type: label(said.text('whence.actor.type')),
      id: label(said.text('whence.actor.id')),
      configuration: label(said.text('whence.actor.configuration')),
    }),
    environment: label(said.text('whence.environment')),
    campaign: label(said.text('whence.campaign')),
    creative: label(said.text('whence.creative')),
    channel: label(said.text('whence.channel')),
    purpose: label(said.text('whence.purpose')),
    risk: label(said.text('whence.risk')),
    retention: label(said.text('whence.retention')),
    snapshots: some(
      said
        .numbers('whence.inputs.snapshots')
        .filter((seq) => Number.isInteger(seq) && seq >= 0 && isMeasure(seq, keeping.mask))
        .slice(0, MOST),
    ),
    predictions: some(
      said
        .texts('whence.inputs.predictions')
        .slice(0, MOST)
        .map((id) => digestOf(id, keeping)),
    ),
  })
}

type Present<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** Without what is undefined. */
function present<T extends object>(value: T): Present<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Present<T>
}

/** Undefined where nothing in it is said. */
function filled<T extends object>(value: T): Present<T> | undefined {
  const rest = present(value)
  return Object.keys(rest).length > 0 ? rest : undefined
}

function some<T>(list: readonly T[]): T[] | undefined {
  return list.length > 0 ? [...list] : undefined
}
