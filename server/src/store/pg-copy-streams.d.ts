declare module 'pg-copy-streams' {
  import type { Writable } from 'node:stream'
  import type { Connection, Submittable } from 'pg'

  export function from(statement: string): Writable & Submittable & { submit(connection: Connection): void }
}
