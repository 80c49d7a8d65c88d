/** Longer text is not tested but counts as a mismatch. */
export const longestTested = 65_536

/** Compiles a pattern. Throws when it cannot be used. */
export function compilePattern(source: string): (text: string) => boolean {
  const pattern = new RegExp(source, 'u')
  return (text) => text.length <= longestTested && pattern.test(text)
}
