import assert from 'node:assert/strict'
import { test } from 'node:test'
import { importTerms } from './importing.ts'
import { termListForm } from './term-list.ts'

const rule = (more: object) => ({
  name: 'R',
  target: 'body',
  pattern: 'x',
  flags: 'i',
  describe: null,
  score: null,
  ...more,
})

test('rules become patterns; their scores, severities', () => {
  const rules = [
    rule({ name: 'STRONG', pattern: '\\bFree  money\\b', score: [2.5, 1], describe: 'says "free money": #1' }),
    rule({ name: '__PART', pattern: 'b' }),
    rule({ name: 'CAPS', pattern: 'ACT NOW', flags: '' }),
    rule({ name: 'DOTS', pattern: 'a.b', flags: 'is' }),
    rule({ name: 'OFF', score: [0] }),
    rule({ name: 'HEAD', target: 'header:Subject' }),
    rule({ name: 'AROUND', pattern: 'a(?!b)' }),
    rule({ name: 'BACK', pattern: '(a)\\1' }),
    rule({ name: 'NOTHING', pattern: 'a*' }),
  ]
  const { list, yaml, skipped } = importTerms(JSON.stringify(rules), { name: 'r', source: 'somewhere' })
  assert.deepEqual(
    list.terms.map((term) => ('pattern' in term ? [term.name, term.severity, term.pattern, term.caseSensitive] : [])),
    [
      ['STRONG', 'high', '\\bFree  money\\b', false],
      ['__PART', 'low', 'b', false],
      ['CAPS', 'medium', 'ACT NOW', true],
      ['DOTS', 'medium', '(?s)a.b', false],
    ],
  )
  assert.deepEqual(
    skipped.map(({ term }) => term),
    ['OFF', 'HEAD', 'AROUND', 'BACK', 'NOTHING'],
  )
  assert.deepEqual(termListForm.parse(yaml, 'r.yaml'), list, 'what is written is what was read')
})

test('a phrase a line, with remarks, blank lines and repetitions', () => {
  const { list, skipped } = importTerms('# words\r\nfree money\n\n  free money \n!!!\n"quoted: yes"\n- dash\n', {
    name: 'l',
    language: 'en',
  })
  assert.deepEqual(list.terms, [{ phrase: 'free money' }, { phrase: '"quoted: yes"' }, { phrase: '- dash' }])
  assert.deepEqual(
    skipped.map(({ term }) => term),
    ['!!!'],
  )
})

test('what is neither is refused', () => {
  for (const text of ['', '#', '[]', '[{"name": 1}]', '{"a"', '[1'])
    assert.throws(() => importTerms(text, { name: 'x' }), { code: 'invalid' }, text)
})

test('a pattern that would take more than linear time is refused with its line', () => {
  const file = (term: string) => `kind: TermList\nname: x\nterms:\n  - a\n  - ${term}\n`
  for (const term of [
    "{ pattern: '(?=a)b' }",
    "{ pattern: '(a)\\1' }",
    "{ pattern: '(' }",
    "{ pattern: 'a*' }",
    "'!!!'",
  ])
    assert.throws(
      () => termListForm.parse(file(term), 'x.yaml'),
      { code: 'invalid', message: /^x.yaml line 5: / },
      term,
    )
  assert.ok(termListForm.parse(file("{ pattern: '(a+)+$' }"), 'x.yaml'))
})
