// What every area of the client has.
import { Transport } from '../transport.ts'
import type { ClientOptions } from '../transport.ts'

/** What each area of the client is made from: a call is a method that asks one endpoint. */
export abstract class Calls {
  protected readonly transport: Transport

  constructor(options: ClientOptions) {
    this.transport = new Transport(options)
  }
}
