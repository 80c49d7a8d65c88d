import assert from 'node:assert/strict'
import { test } from 'node:test'
import { explanationPage } from './explanation-page.ts'
import { contradicted, erased, explained, hostile } from './explanation.fixture.ts'
import { html } from './html.ts'

const reports = { explained, contradicted, erased, hostile }

/** What a reader sees, in its order. */
function words(page: string): string {
  const body = page.slice(page.indexOf('<body'))
  return body
    .replace(/<[^>]*>/g, ' ')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)))
    .replace(/\s+/g, ' ')
}

test('says the sentence, what is missing, and the decision, in this order', () => {
  const text = words(explanationPage(explained))
  const order = [
    'Customer 42 scored 0.83',
    'No consent receipt',
    'Decision 0.8312',
    'Reasons',
    'Inputs',
    'Events',
    'Where the model came from',
    'Every claim',
    'Evidence',
    'What the marks mean',
  ]
  let last = -1
  for (const part of order) {
    const at = text.indexOf(part, last + 1)
    assert.ok(at > last, part)
    last = at
  }
})

test('says what is altered and contradicted before the sentence', () => {
  const text = words(explanationPage(contradicted))
  const sentence = text.indexOf('Customer 42 was scored')
  for (const alert of ['Record 61,603 (event/1) is altered', 'clicks_30d was served as 5', 'is altered: its digest']) {
    assert.ok(text.indexOf(alert) > 0 && text.indexOf(alert) < sentence, alert)
  }
  assert.match(text, /0\.8312 for “opens subject line A” contradicted recomputed from its model and inputs: 0\.7911/)
  assert.match(text, /5 , differs 5 , differs 3 contradicted 6 7 9/)
})

test('shows behind each input its events, with campaign, creative, time, consent flag and contract verdict', () => {
  const page = explanationPage(explained)
  const text = words(page)
  assert.match(text, /1 2026-02-24 09:12:44 Newsletter 11 subscribers-de · esp-simulator not said passed, 9 rules/)
  assert.match(text, /5 2026-03-14 12:05:31 Spring Sale \/ creative B .{0,40} yes flagged: user_agent\.format/)
  for (const [, target] of page.matchAll(/href="#([^"]+)"/g)) {
    assert.ok(page.includes(`id="${target}"`), `nothing is at #${target}`)
  }
})

test('says once what holds for several events, the worst claims first', () => {
  const text = words(explanationPage(contradicted))
  const claims = text.slice(text.indexOf('Every claim'))
  assert.match(
    claims,
    /8 events passed under email_events@1\.0\.0 judged again with the same outcome recomputed intact/,
  )
  assert.ok(claims.indexOf('contradicted') < claims.indexOf('missing'))
  assert.ok(claims.indexOf('missing') < claims.indexOf('recomputed intact'))
})

test('says what would have changed the decision, and what that does not say', () => {
  const text = words(explanationPage(explained))
  assert.match(
    text,
    /What would have changed it The decision is yes: 0\.8312 is at least 0\.7\. .* clicks_30d 3 0 0\.6412 recomputed/,
  )
  assert.match(
    text,
    /of one input at a time, over values that occur in the snapshot; .* not what would happen to a person/,
  )
  const steady = { ...explained.counterfactual!, changes: [] }
  assert.match(
    words(explanationPage({ ...explained, counterfactual: steady })),
    /No value of any one input that occurs/,
  )
})

test('says that nothing is anchored until it is', () => {
  assert.match(words(explanationPage(explained)), /not yet independently anchored/)
  assert.doesNotMatch(words(explanationPage(erased)), /not yet independently anchored/)
  assert.match(words(explanationPage(erased)), /anchored 2026-03-23 at https:\/\/witness\.example/)
})

test('shows no value of an erased person', () => {
  const text = words(explanationPage(erased))
  assert.match(text, /erased The keys of this person were destroyed/)
  assert.doesNotMatch(text, /0\.8312|Spring Sale|customer 42/)
})

test('needs nothing from elsewhere, and runs no script', () => {
  for (const report of Object.values(reports)) {
    const page = explanationPage(report)
    for (const [tag, name] of page.matchAll(/<([a-z]+)(?:[^>"]|"[^"]*")*>/gi)) {
      assert.doesNotMatch(name!, /^(script|link|img|iframe|object|embed|form|base|a:)$/i)
      assert.doesNotMatch(tag.replace(/"[^"]*"/g, '""'), /\s(src|on\w+|style|srcset|action)=/i)
    }
    assert.doesNotMatch(page, /@import|url\(/)
    for (const [, target] of page.matchAll(/href="([^"]*)"/g)) assert.match(target!, /^#/)
    assert.match(page, /Content-Security-Policy" content="default-src &#39;none&#39;/)
    assert.equal(page.match(/<style>/g)?.length, 1)
  }
})

test('escapes whatever others have named', () => {
  const page = explanationPage(hostile)
  assert.ok(page.includes('&#60;script&#62;alert(1)&#60;/script&#62;'))
  assert.ok(!page.includes('<b>Bold'))
  assert.doesNotMatch(page, /[\u001b\u202e]/)
  assert.equal(page.match(/<\/title>/g)?.length, 1)
  assert.equal(page.match(/<\/style>/g)?.length, 1)
})

test('is a document: one title, headings under it, named columns, labelled sections', () => {
  for (const report of Object.values(reports)) {
    const page = explanationPage(report)
    assert.match(page, /^<!doctype html>\n<html lang="en">/)
    assert.equal(page.match(/<h1/g)?.length, 1)
    assert.equal(page.match(/<main/g)?.length, 1)
    assert.equal(page.match(/<table/g)?.length, page.match(/<thead/g)?.length)
    const ids = [...page.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!)
    assert.equal(new Set(ids).size, ids.length)
    for (const [, id] of page.matchAll(/aria-labelledby="([^"]+)"/g)) assert.ok(ids.includes(id!), id!)
  }
})

test('claims no more than it knows', () => {
  for (const report of Object.values(reports)) {
    assert.doesNotMatch(words(explanationPage(report)), /complian|lawful|legal|tamper|guarantee|prove[sn]/i)
  }
})

test('html escapes values in content and attributes, and leaves out what is absent', () => {
  const hurt = `"'<&>\``
  assert.equal(
    html`<a b="${hurt}">${[hurt, 1, undefined, false, html`<i>${null}</i>`]}</a>`.text,
    '<a b="&#34;&#39;&#60;&#38;&#62;&#96;">&#34;&#39;&#60;&#38;&#62;&#96;1<i></i></a>',
  )
})
