/**
 * A cell of a CSV file (RFC 4180) that a spreadsheet shows as text: where it would be read as a formula an apostrophe stands
 * before it. The wide signs too: a spreadsheet of East Asian settings takes them for the narrow ones.
 */
export function csvCell(text: string): string {
  const safe = /^(?:[\t\r\n]|\s*[=+\-@＝＋－＠])/.test(text) ? `'${text}` : text
  return safe === '' || /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** As `csvCell`, of what may be a number: one with its sign is no formula, and stays one. */
export function csvValue(value: string | number | boolean): string {
  const text = String(value)
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) ? text : csvCell(text)
}
