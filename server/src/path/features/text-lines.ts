// In which line of a file each character of a text stands that YAML has read from it.
import type { Scalar } from 'yaml'

/** The offsets in the text at which another line of the file begins, ascending; the first is 0. */
export type TextLines = readonly { from: number; line: number }[]

/**
 * YAML folds lines, takes indentation away and joins with spaces, but it neither adds nor drops a visible character
 * (escapes of double quotes apart, whose later lines may then be told one too early). So the characters that are not
 * white space are counted in both.
 */
export function textLines(file: string, { range, value, type }: Scalar, lineAt: (offset: number) => number): TextLines {
  const text = String(value)
  if (!range) return [{ from: 0, line: 1 }]
  const [start, end] = range
  // The header of a block (`>-`) and the opening quote are no part of the text.
  const first =
    type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED'
      ? file.indexOf('\n', start) + 1
      : type === 'PLAIN'
        ? start
        : start + 1
  const lines: { from: number; line: number }[] = []
  let at = first
  for (let i = 0; i < text.length; i++) {
    if (/\s/.test(text[i]!)) continue
    while (at < end && /\s/.test(file[at]!)) at++
    const line = lineAt(Math.min(at, end))
    if (lines.at(-1)?.line !== line) lines.push({ from: lines.length === 0 ? 0 : i, line })
    at++
  }
  return lines.length > 0 ? lines : [{ from: 0, line: lineAt(start) }]
}

export function lineOf(lines: TextLines, offset: number): number {
  return (lines.findLast(({ from }) => from <= offset) ?? lines[0]!).line
}
