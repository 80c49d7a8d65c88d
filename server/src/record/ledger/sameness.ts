/**
 * Whether two contents say the same: equal as JSON, whatever their white space and the order of their names. What is read
 * as the same JSON may still differ, in digits that a double does not hold or in a repeated key: that is not the same.
 */
export function saysTheSame(one: Uint8Array, other: Uint8Array): boolean {
  const [first, second] = [textOf(one), textOf(other)]
  try {
    return sortedTokens(first) === sortedTokens(second) && sortedJson(first) === sortedJson(second)
  } catch {
    return false
  }
}

function textOf(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString('utf8')
}

function sortedTokens(text: string): string {
  return (text.match(/"(?:[^"\\]|\\.)*"|[-+.\w]+|[^\s"]/g) ?? []).sort().join('\n')
}

function sortedJson(text: string): string {
  return JSON.stringify(JSON.parse(text), (_key, item: unknown) =>
    item && typeof item === 'object' && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  )
}
