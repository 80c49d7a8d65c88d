// The gates that read copy: terms, personal data, merge tags, disguises, brand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { codes, verdictsOf } from '../testing.ts'
import type { FactsGiven } from '../testing.ts'

const list = `
kind: TermList
name: words
terms:
  - risk free
  - { phrase: viagra, severity: high }
  - { phrase: 'guarante*', severity: low }
  - { pattern: '\\bact\\s+now\\b', name: act-now }
  - { pattern: 'FREE', caseSensitive: true, name: shouting }
`

const g = async (gate: string, given: FactsGiven | Record<string, string>, terms: string[] = [list]) => {
  const facts: FactsGiven = 'copy' in given || 'proposal' in given ? given : { copy: given as Record<string, string> }
  return (await verdictsOf(`  - { name: g, ${gate} }`, facts, { terms }))['g']!
}
const terms = 'kind: terms, lists: [words]'

test('terms: what counts depends on severity, and all that is found is told', async () => {
  const mild = await g(terms, { text: 'guaranteed' })
  assert.deepEqual([mild.outcome, codes(mild)], ['pass', ['terms.words']])
  assert.equal((await g(`${terms}, atLeast: low`, { text: 'guaranteed' })).outcome, 'hold')
  assert.equal((await g(`${terms}, atLeast: high`, { text: 'risk-free' })).outcome, 'pass')
  assert.equal((await g(`${terms}, finds: refuse`, { text: 'Risk Free!' })).outcome, 'refuse')
  assert.deepEqual((await g(terms, { text: 'x' })).inputs, { lists: ['words@v1'] })
})

test('terms: a place is that of the text as it came', async () => {
  const html = '<p>Buy <b>v</b>i<i>ag</i>r&#97; &amp; risk\u00ad free</p>'
  const { findings } = await g(terms, { html })
  assert.deepEqual(
    findings.map(({ part, start, end }) => [part, html.slice(start, end)]),
    [
      ['html', 'v</b>i<i>ag</i>r&#97;'],
      ['html', 'risk\u00ad free'],
    ],
  )
})

test('terms: hidden text, comments and alternative texts are read too', async () => {
  for (const html of [
    '<!-- viagra -->',
    '<img alt="viagra">',
    '<div style="display:none">viagra</div>',
    '<p hidden>viagra',
  ])
    assert.equal((await g(terms, { html })).outcome, 'hold', html)
  assert.equal(
    (await g(terms, { html: '<style>.viagra{}</style><p>hello</p>' })).outcome,
    'pass',
    'nobody reads a style',
  )
})

test('terms: markup that was made to confuse hides nothing', async () => {
  for (const html of [
    '<p title="a>b">viagra',
    '<b/x=">">viagra',
    '<!--><p>viagra',
    '<p>via<!-- -->gra',
    '<p>via<wbr>gra',
    '<p>&#118;&#x69;agra</p>',
    '</p></p></b>viagra',
    '<title>viagra</title>',
    '<textarea>viagra',
    '<a href="x">via</a><a>gra</a>',
    'a < b and viagra',
    '<svg><text>viagra</text></svg>',
    '<![CDATA[ viagra ]]>',
    '<p\r\nclass=x\r\n>vi\u200bagra',
  ])
    assert.equal((await g(terms, { html })).outcome, 'hold', html)
})

test('terms: a word is a word', async () => {
  for (const text of ['unrisk free', 'risk freedom', 'the via, gra', 'react nowhere', 'free'])
    assert.equal((await g(terms, { text })).outcome, 'pass', text)
  assert.equal((await g(terms, { text: 'it is FREE' })).outcome, 'hold')
})

test('terms: a list that is not in force is no reason to let anything pass', async () => {
  const missing = await g('kind: terms, lists: [words, others]', { text: 'hello' })
  assert.deepEqual([missing.outcome, codes(missing)], ['hold', ['terms.no_list']])
})

test('personal data: whose it is decides', async () => {
  const copy = { text: 'from ana@example.net, call +1 415 555 2671' }
  const of = (whose: 'recipient' | 'other' | 'unknown') => ({ copy, contact: () => whose })
  assert.deepEqual(codes(await g('kind: pii', of('unknown'))), ['pii.email', 'pii.phone'])
  assert.deepEqual(codes(await g('kind: pii', of('other'))), ['pii.other_person.email', 'pii.other_person.phone'])
  assert.equal((await g('kind: pii', of('recipient'))).outcome, 'pass')
  assert.equal((await g('kind: pii, recipient: false', of('recipient'))).outcome, 'hold')
  const own = { copy, proposal: { address: 'Ana@Example.net', entity: '+1 (415) 555-2671' } }
  assert.equal((await g('kind: pii', own)).outcome, 'pass', 'the address that it is sent to')
})

test('personal data: identifiers are asked for as they are written, too', async () => {
  const asked: string[] = []
  const contact = (identifier: string) => {
    asked.push(identifier)
    return identifier === 'Ana@Example.net' ? ('other' as const) : ('unknown' as const)
  }
  const verdict = await g('kind: pii', { copy: { text: 'Ana@Example.net, call 020 7946 0018' }, contact })
  assert.deepEqual(codes(verdict), ['pii.other_person.email', 'pii.phone'])
  assert.deepEqual(asked, ['Ana@Example.net', '020 7946 0018', '+442079460018', '442079460018'])
})

test("personal data: the sender's own may be named, a look-alike may not", async () => {
  const allow = "kind: pii, allow: ['@example.net', '+1 415 555 2671', 'x@example.org']"
  assert.equal(
    (await g(allow, { text: 'a@example.net b@mail.example.net x@example.org (415) 555-2671 call +14155552671' }))
      .outcome,
    'pass',
  )
  for (const text of ['a@example.net.evil.example', 'a@notexample.net', 'y@example.org', 'call +1 415 555 2672'])
    assert.equal((await g(allow, { text })).outcome, 'hold', text)
})

test('personal data: nothing of it stands in what is told', async () => {
  const verdict = await g('kind: pii', { text: 'ana@example.net 4111 1111 1111 1111' })
  assert.ok(!/ana|4111/.test(JSON.stringify(verdict)))
  assert.deepEqual(verdict.inputs, { found: { email: 1, card: 1 } })
})

test('personal data: in links, alternative texts and hidden text', async () => {
  for (const html of [
    '<a href="mailto:ana@example.net">write</a>',
    '<a href="https://x.example/?e=ana%40example.net">x</a>',
    '<img alt="ana@example.net">',
    '<p>ana<b>@</b>example<wbr>.net</p>',
    '<p>ana&#64;example&period;net</p>',
    '<!-- ana@example.net -->',
  ])
    assert.equal((await g('kind: pii', { html })).outcome, 'hold', html)
})

test('merge tags that nobody filled in, as mailing systems write them', async () => {
  for (const text of [
    'Dear {{first_name}},',
    '{{{ name }}}',
    '{% if x %}',
    '*|FNAME|*',
    '%%first_name%%',
    '%FIRST_NAME%',
    '${name}',
    '[[name]]',
    '«Vorname»',
    '<%= name %>',
    '#{name}',
    '[First Name]',
    '%recipient.name%',
    'Hi undefined,',
    'Dear null!',
    'Hello -first_name-',
  ])
    assert.equal((await g('kind: merge_tags', { text })).outcome, 'refuse', text)
  assert.equal((await g('kind: merge_tags', { html: '<a href="https://x.example/{{id}}">x</a>' })).outcome, 'refuse')
  for (const text of [
    '100% off, 50%% more',
    'a [note], see [1]',
    '{ a: 1 }',
    'costs $5 {each}',
    '« Bonjour »',
    'https://x/%C3%A9%20b',
    'C# {x}',
    'Hi Nullmann,',
  ])
    assert.equal((await g('kind: merge_tags', { text })).outcome, 'pass', text)
  assert.equal((await g("kind: merge_tags, allow: ['*|UNSUB|*']", { text: '*|UNSUB|*' })).outcome, 'pass')
})

test('disguises are told, each by its name', async () => {
  const found = async (part: string, text: string) => [...new Set(codes(await g('kind: disguise', { [part]: text })))]
  assert.deepEqual(await found('text', 'vi\u200bagra'), ['disguise.invisible'])
  assert.deepEqual(await found('text', 'pay \u202e001 now'), ['disguise.direction'])
  assert.deepEqual(await found('text', 'pаypal'), ['disguise.scripts'])
  assert.deepEqual(await found('text', 'hi\u{e0068}\u{e0069}'), ['disguise.tags'])
  assert.deepEqual(await found('html', '<p>via<span style="display: none">x</span>gra</p>'), ['disguise.cut'])
  assert.deepEqual(await found('html', `<p hidden>${'secret '.repeat(200)}</p>`), ['disguise.hidden'])
})

test('honest text is no disguise', async () => {
  for (const text of [
    'Привет, друзья',
    'Καλημέρα',
    'שלום \u200f(!)',
    'می\u200cخواهم',
    '👩\u200d👩\u200d👧 family',
    '🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}',
    'Donau\u00addampf\u00adschiff',
    'β-carotene, 5 µm',
    'naïve café',
    '日本語のテキスト',
    'iPhone и Android',
  ])
    assert.equal((await g('kind: disguise', { text })).outcome, 'pass', text)
  const preheader = `<div style="display:none">Our spring news${'&zwnj;&nbsp;'.repeat(150)}</div><p>Hello</p>`
  assert.equal((await g('kind: disguise', { html: preheader })).outcome, 'pass', 'a preheader')
})

test('brand: what must be said, must not be said, and how long', async () => {
  const gate = `kind: brand, required: [{ says: 'Example Ltd' }, { says: { pattern: 'terms (apply|below)' }, parts: [text] }], forbidden: [{ says: 'cheapest' }], lengths: { subject: { least: 5, most: 20 } }`
  assert.equal((await g(gate, { subject: 'A fine day', text: 'Terms apply. EXAMPLE LTD' })).outcome, 'pass')
  assert.deepEqual(codes(await g(gate, { subject: 'Hey', text: 'the cheapest' })), [
    'brand.required',
    'brand.required',
    'brand.forbidden',
    'brand.length',
  ])
  assert.equal(
    (await g(gate, { subject: '👩‍👩‍👧'.repeat(10), text: 'Terms apply, Example Ltd' })).outcome,
    'pass',
    'length is in characters',
  )
  const hidden = '<p>hello</p><p style="display:none">Example Ltd</p>'
  assert.deepEqual(codes(await g("kind: brand, required: [{ says: 'Example Ltd' }]", { html: hidden })), [
    'brand.required',
  ])
})

test('brand: a way to leave must be seen', async () => {
  const gate = 'kind: brand, unsubscribe: true'
  for (const copy of [
    { html: '<a href="https://x.example/u/1">Unsubscribe</a>' },
    { html: '<a href="https://x.example/unsubscribe?u=1">here</a>' },
    { html: '<a href="https://x.example/a">Vom Newsletter <b>ab</b>melden</a>' },
    { html: '<a href="https://x.example/a">Se désinscrire</a>' },
    { text: 'Reply STOP to end' },
    { text: 'To opt out: https://x.example/o' },
  ])
    assert.equal((await g(gate, copy)).outcome, 'pass', JSON.stringify(copy))
  for (const copy of [
    { html: '<p>unsubscribe</p>' },
    { html: '<a href="#">Unsubscribe</a>' },
    { html: '<a href="https://x.example/unsubscribe"></a>' },
    { html: '<div style="display:none"><a href="https://x.example/unsubscribe">Unsubscribe</a></div>' },
    { html: '<!-- <a href="https://x.example/unsubscribe">Unsubscribe</a> -->' },
    { text: 'Do not stop dreaming' },
  ])
    assert.deepEqual(codes(await g(gate, copy)), ['brand.unsubscribe'], JSON.stringify(copy))
})

test('brand: the language of what is long enough to tell', async () => {
  const gate = 'kind: brand, languages: [en]'
  const german = 'Guten Tag, wir freuen uns sehr, Ihnen unser neues Angebot für den Frühling vorstellen zu dürfen.'
  const english =
    'Good morning, we are very happy to show you our new offers for the spring, and hope that you like them.'
  assert.deepEqual(codes(await g(gate, { text: german })), ['brand.language'])
  assert.equal((await g(gate, { text: english })).outcome, 'pass')
  assert.equal((await g('kind: brand, languages: [de]', { text: german })).outcome, 'pass')
  assert.equal((await g(gate, { text: 'Hallo Welt' })).outcome, 'pass', 'too short to tell')
})

test('a long copy of anything is read to its end', async () => {
  const gates = [
    'terms, lists: [words]',
    'pii',
    'merge_tags',
    'disguise',
    'brand, languages: [en], unsubscribe: true, required: [{ says: hello }]',
  ]
  const chain = gates.map((gate, n) => `  - { name: g${n}, kind: ${gate} }`).join('\n')
  for (const piece of [
    '<b>',
    '<a href=x>',
    '<p style="',
    '&amp;',
    '{{',
    'v i a g ',
    'ж',
    '</i>',
    '<!--',
    '\u200b',
    'e\u0301',
    '%A%',
  ]) {
    const html = piece.repeat(Math.floor(250_000 / piece.length))
    const verdicts = await verdictsOf(chain, { copy: { html } }, { terms: [list] })
    assert.ok(
      Object.values(verdicts).every(({ findings }) => !findings.some(({ code }) => code === 'gate.failed')),
      piece,
    )
  }
})
