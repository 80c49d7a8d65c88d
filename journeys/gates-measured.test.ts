// The gates that read copy, held against texts that others wrote; bench/gates-measured.ts writes the tables.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { disguised, filledIn, labelled, precision, realEmails, recall, spam } from '../bench/gates-measured.ts'
import { realData } from '../examples/real-data.ts'

const folder = realData()
const skip = existsSync(join(folder, 'text')) ? false : 'the texts are not in ../shared/data'

test('labelled texts: nine in ten of each kind are found, and little else', { skip }, () => {
  const { texts, by } = labelled(folder)
  assert.equal(texts, 100)
  for (const [entity, tally] of by) {
    assert.ok(recall(tally) >= 0.9, `${entity}: ${JSON.stringify(tally)}`)
    assert.ok(precision(tally) >= 0.9, `${entity}: ${JSON.stringify(tally)}`)
  }
  assert.ok(by.get('PHONE_NUMBER')!.found >= 9 && by.get('CREDIT_CARD')!.found >= 9, 'the labels were read')
})

test('sentences filled in with people of many countries: nine in ten of each kind are found', { skip }, () => {
  const tallies = filledIn(folder)
  assert.deepEqual([...tallies.keys()], ['email', 'phone', 'card', 'iban'])
  for (const [type, tally] of tallies) {
    assert.ok(tally.found + tally.missed >= 300, type)
    assert.ok(recall(tally) >= 0.9, `${type}: ${JSON.stringify(tally)}`)
    assert.ok(precision(tally) >= 0.95, `${type}: ${JSON.stringify(tally)}`)
  }
})

test('fewer than one in fifty real marketing e-mails is held by the chain of the example', { skip }, async () => {
  const { emails, held, stopped } = await realEmails(folder)
  assert.equal(emails, 52)
  assert.ok(held / emails < 1 / 50, JSON.stringify([...stopped]))
})

test('rules of SpamAssassin are taken, and call next to no honest message spam', { skip }, () => {
  const { taken, by } = spam(folder)
  assert.ok(taken > 140)
  const { wrong, ham, found, missed } = by.get('medium')!
  assert.equal(found + missed, 747)
  assert.equal(ham, 4827)
  assert.ok(wrong / ham < 0.001)
})

test('a word of a list is found in every disguise, and in no honest e-mail', { skip }, () => {
  const { words, by, innocent } = disguised(folder)
  assert.ok(words > 200)
  for (const [name, tally] of by) assert.ok(recall(tally) >= 0.95, `${name}: ${JSON.stringify(tally)}`)
  assert.equal(innocent.found, 0)
})
