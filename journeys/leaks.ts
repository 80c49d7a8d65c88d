// Looking for a text where it should not be.
/** A text as it might stand in a file. */
export function forms(text: string): Buffer[] {
  const bytes = Buffer.from(text)
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  )
  return [
    bytes,
    Buffer.from(text, 'utf16le'),
    Buffer.from(bytes.toString('hex')),
    Buffer.from(bytes.toString('hex').toUpperCase()),
    ...base64.map((each) => Buffer.from(each)),
  ]
}

/** Those of the texts that stand in these bytes, in whatever form. */
export function found(bytes: Buffer, among: readonly string[]): string[] {
  return among.filter((text) => forms(text).some((form) => form.length >= 6 && bytes.includes(form)))
}
