// The pin: the last checkpoint, kept outside the data folder, so that an older copy of the whole folder is noticed.
import { hash } from 'node:crypto'
import type { Files } from '../../store/files.ts'

export interface Pin {
  read(): string | undefined
  write(checkpoint: string): Promise<void>
  readonly path: string
}

/** `folder` is the user's state folder; one file a log. */
export function openPin(files: Files, folder: string, origin: string): Pin {
  const path = `${folder}/${hash('sha256', origin, 'hex').slice(0, 32)}.checkpoint`
  return {
    path,
    read() {
      const bytes = files.read(path)
      return bytes && Buffer.from(bytes).toString('utf8')
    },
    write: (checkpoint) => files.replace(path, Buffer.from(checkpoint), { mode: 0o600 }),
  }
}
