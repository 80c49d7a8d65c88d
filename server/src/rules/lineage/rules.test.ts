import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { eventRules } from './rules.ts'

test('the documentation lists every rule, on the side of those that refuse or of those that do not', () => {
  const text = readFileSync(new URL('../../../../docs/spec/lineage.md', import.meta.url), 'utf8')
  const [, refusing = '', accepting = ''] =
    /Refused for everyone:\n([^]*?)\nAccepted, with a violation([^]*?)\n## /.exec(text) ?? []
  const listed = (part: string) =>
    [...part.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([^`]+)`/g)].map(([, rule]) => rule!),
    )
  const of = (refuses: boolean) => Object.entries(eventRules).filter(([, rule]) => 'refuses' in rule === refuses)
  assert.deepEqual(
    listed(refusing).toSorted(),
    of(true)
      .map(([rule]) => rule)
      .toSorted(),
  )
  assert.deepEqual(
    listed(accepting)
      .filter((rule) => rule !== 'facet.NAME')
      .toSorted(),
    of(false)
      .map(([rule]) => rule)
      .toSorted(),
  )
})
