/** An id as people write it: it is understood without its percent signs too, as long as only one node has it then. */
export function plainId(id: string): string {
  return id.replace(/%(23|25|3A)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}
