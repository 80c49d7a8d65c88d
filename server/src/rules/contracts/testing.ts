// A contract in a few words, for tests.
import { parseContract } from './contract.ts'
import type { Contract } from './contract.ts'

/**
 * A contract of version 1.0.0 with the given properties, one a line in YAML flow style, and `whence` section.
 *
 * `contractOf(['name: a, logicalType: string'], 'onViolation: flag')`
 */
export function contractOf(properties: readonly string[], whence = '', version = '1.0.0'): Contract {
  return parseContract(contractText(properties, whence, version), 'test.yaml')
}

/** The text of such a contract: its properties begin on line 9. */
export function contractText(properties: readonly string[], whence = '', version = '1.0.0'): string {
  return `apiVersion: v3.1.0
kind: DataContract
id: touchpoints
version: ${version}
status: active
schema:
  - name: touchpoints
    properties:
${properties.map((property) => `      - { ${property} }`).join('\n')}
customProperties:
  - { property: whence, value: { ${whence} } }
`
}
