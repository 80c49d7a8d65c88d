import { z } from 'zod'

/** A time as RFC 3339 with a zone, for example `2026-03-20T10:00:00Z`. Answers use UTC and six fraction digits. */
export const Time = z
  .string()
  .regex(/^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$/, 'must be an RFC 3339 time with a zone')

/** A position on the ledger: the number of records before it. `asOf: 100` means "knowing records 0 to 99". */
export const Seq = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/)

/** A subject's id: 16 random bytes in hex, made by Whence for a first-seen identifier. It says nothing about the person. */
export const SubjectId = z.string().regex(/^[0-9a-f]{32}$/)

/** The readable form of a version: `name@3` or `name@v3`. */
export const Versioned = z.string().regex(/^[A-Za-z0-9_.:/-]{1,128}@v?[0-9][0-9A-Za-z.+-]{0,40}$/)

export const Name = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,127}$/, 'letters, digits, "_", "-" and "." only')

/** What an id may not be: an address takes `.` and `..` for steps between folders, so that nobody could ask for it. */
export const isStep = (id: string): boolean => id === '.' || id === '..'
