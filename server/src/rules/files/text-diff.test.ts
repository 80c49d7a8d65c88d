import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unifiedDiff } from './text-diff.ts'

test('equal texts have no difference', () => {
  assert.equal(unifiedDiff('a\nb\n', 'a\nb'), '')
})

test('a changed line stands in its context, with where it is', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9'].join('\n')
  assert.equal(unifiedDiff(before, before.replace('5', 'five')), '@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8')
})

test('what is added to nothing, and removed from the end, is placed as diff -u places it', () => {
  assert.equal(unifiedDiff('', 'a\nb'), '@@ -0,0 +1,2 @@\n+a\n+b')
  assert.equal(unifiedDiff('a\nb', 'a'), '@@ -1,2 +1,1 @@\n a\n-b')
})

test('changes far apart have a hunk each', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}`)
  const after = lines.toSpliced(2, 1, 'two').toSpliced(25, 1)
  assert.deepEqual(unifiedDiff(lines.join('\n'), after.join('\n')).match(/^@@.*$/gm), [
    '@@ -1,6 +1,6 @@',
    '@@ -23,7 +23,6 @@',
  ])
})

test('a diff applied to the first text gives the second, whatever they are', () => {
  let seed = 7
  const random = (n: number): number => (seed = (seed * 48_271) % 2_147_483_647) % n
  for (let round = 0; round < 200; round++) {
    const text = (): string[] => Array.from({ length: random(12) }, () => 'abc'[random(3)]!)
    const [before, after] = [text(), text()]
    assert.deepEqual(applied(before, unifiedDiff(before.join('\n'), after.join('\n'))), after)
  }
})

function applied(before: readonly string[], diff: string): string[] {
  const result: string[] = []
  let at = 0
  for (const line of diff === '' ? [] : diff.split('\n')) {
    const place = /^@@ -(\d+),(\d+)/.exec(line)
    if (place) while (at < Number(place[1]) - (place[2] === '0' ? 0 : 1)) result.push(before[at++]!)
    else if (line[0] === '+') result.push(line.slice(1))
    else {
      assert.equal(line.slice(1), before[at], 'a line that the text does not have')
      if (line[0] === ' ') result.push(before[at]!)
      at++
    }
  }
  return [...result, ...before.slice(at)]
}
