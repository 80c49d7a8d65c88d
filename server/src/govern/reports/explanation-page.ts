import type { Explanation } from '@whence/sdk'
export function explanationPage(e: Explanation): string {
  return e.id
}
