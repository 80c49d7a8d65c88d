import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { fold, joined, lower, uncut, unleet, words } from './fold.ts'
import { readHtml } from './html.ts'
import { Mapped } from './mapped.ts'
import { Phrases } from './phrases.ts'
import { plain } from './plain.ts'

const any = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc
    .array(fc.constantFrom('a', ' ', '\u200b', '\u0301', 'ﬁ', 'Ａ', '👍', '\ud800', 'İ', 'ß', '-', '1', '.', 'Ж', '\n'))
    .map((pieces) => pieces.join('')),
)

/** Every piece of the rewritten text stands for a piece of the original, and they go forward together. */
function traced(text: string, mapped: Mapped): void {
  let at = 0
  for (let n = 0; n < mapped.text.length; n++) {
    const { start, end } = mapped.origin(n, n + 1)
    assert.ok(start >= at && end >= start && end <= text.length, `${n}: ${start} ${end} after ${at}`)
    at = start
  }
}

test('however a text is rewritten, every piece is traced to its place', () => {
  fc.assert(
    fc.property(any, (text) => {
      const read = plain(text)
      const folded = fold(read)
      const inWords = words(folded)
      for (const form of [read, folded, lower(read), inWords, joined(inWords), uncut(folded), unleet(inWords)])
        if (form) traced(text, form)
    }),
    { numRuns: 500 },
  )
})

test('what was brought to the usual form stays as it is', () => {
  fc.assert(
    fc.property(any, (text) => {
      const once = fold(plain(text)).text
      assert.equal(fold(plain(once)).text, once)
      const inWords = words(new Mapped(once)).text
      assert.equal(words(new Mapped(inWords)).text, inWords)
    }),
  )
})

test('a page is read to its end, whatever it is, and traced', () => {
  const piece = fc.constantFrom(
    '<p>',
    '</p>',
    '<b',
    '>',
    '<!--',
    '-->',
    '&amp;',
    '&#x41;',
    '&',
    ';',
    '<a href="',
    '"',
    'x',
    ' ',
    '<script>',
    '</script>',
    '<p hidden>',
    "<i style='display:none'>",
    '</i>',
    '<title>',
    '<![CDATA[',
    ']]>',
    '\r\n',
    '\u0000',
    '<td',
    '<textarea>',
    '&notit;',
    '&#0;',
    '&#x110000;',
    '👍',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const html = pieces.join('')
      const { visible, hidden, attributes, links, cuts } = readHtml(html)
      for (const text of [visible, hidden, attributes]) traced(html, text)
      for (const { start, end } of [...links, ...cuts]) assert.ok(start >= 0 && end >= start && end <= html.length)
    }),
    { numRuns: 500 },
  )
})

test('text without markup is read as it is', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }).filter((text) => !/[<&\r\0]/.test(text)),
      (text) => {
        assert.equal(readHtml(text).visible.text, text)
      },
    ),
  )
})

test('phrases are found wherever a search one by one finds them', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(
      fc.array(letters, { minLength: 1, maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', 'b', ' ') }),
      (phrases, text) => {
        const expected: string[] = []
        phrases.forEach((phrase, n) => {
          for (let at = text.indexOf(phrase); at >= 0; at = text.indexOf(phrase, at + 1)) expected.push(`${n} ${at}`)
        })
        const found = new Phrases(phrases).find(text, 100_000)
        assert.deepEqual(found.map(({ phrase, start }) => `${phrase} ${start}`).toSorted(), expected.toSorted())
        for (const { phrase, start, end } of found) assert.equal(text.slice(start, end), phrases[phrase])
      },
    ),
    { numRuns: 500 },
  )
})
