// A unified diff of two texts, line by line.

const CONTEXT = 3
/** Beyond this many lines on a side the whole is shown as replaced: the table would be too large. */
const MOST_LINES = 4000

type Line = { mark: ' ' | '-' | '+'; text: string }

/** As `diff -u` gives it, without the names of files; empty when the texts are equal. */
export function unifiedDiff(before: string, after: string): string {
  if (before === after) return ''
  const lines = compared(split(before), split(after))
  const changed = lines.flatMap(({ mark }, at) => (mark === ' ' ? [] : [at]))
  // Changes that stand closer than twice the context share a hunk.
  const groups: [number, number][] = []
  for (const at of changed) {
    const last = groups.at(-1)
    if (last && at - last[1] <= 2 * CONTEXT) last[1] = at
    else groups.push([at, at])
  }
  const hunks = groups.flatMap(([first, last]) => {
    const [from, to] = [Math.max(0, first - CONTEXT), Math.min(lines.length, last + CONTEXT + 1)]
    return [header(lines, from, to), ...lines.slice(from, to).map(({ mark, text }) => mark + text)]
  })
  return hunks.join('\n')
}

function split(text: string): string[] {
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function header(lines: readonly Line[], from: number, to: number): string {
  const count = (upTo: number, start: number, mark: '-' | '+'): number =>
    lines.slice(start, upTo).filter((line) => line.mark === ' ' || line.mark === mark).length
  const place = (mark: '-' | '+'): string => {
    const n = count(to, from, mark)
    return `${mark}${count(from, 0, mark) + (n === 0 ? 0 : 1)},${n}`
  }
  return `@@ ${place('-')} ${place('+')} @@`
}

/** By the longest common subsequence of what lies between the equal beginning and the equal end. */
function compared(before: readonly string[], after: readonly string[]): Line[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start++
  let end = 0
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  )
    end++
  const [a, b] = [before.slice(start, before.length - end), after.slice(start, after.length - end)]
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ mark: ' ', text }))
  return [...same(before.slice(0, start)), ...between(a, b), ...same(before.slice(before.length - end))]
}

function between(a: readonly string[], b: readonly string[]): Line[] {
  const gone = (text: string): Line => ({ mark: '-', text })
  const come = (text: string): Line => ({ mark: '+', text })
  if (a.length > MOST_LINES || b.length > MOST_LINES) return [...a.map(gone), ...b.map(come)]
  // length[i][j]: of the longest common subsequence of a from i and b from j.
  const width = b.length + 1
  const length = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      length[i * width + j] =
        a[i] === b[j]
          ? length[(i + 1) * width + j + 1]! + 1
          : Math.max(length[(i + 1) * width + j]!, length[i * width + j + 1]!)
  const lines: Line[] = []
  let [i, j] = [0, 0]
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      lines.push({ mark: ' ', text: a[i]! })
      i++
      j++
    } else if (length[(i + 1) * width + j]! >= length[i * width + j + 1]!) lines.push(gone(a[i++]!))
    else lines.push(come(b[j++]!))
  }
  return [...lines, ...a.slice(i).map(gone), ...b.slice(j).map(come)]
}
