import { attribution } from './attribution/example.ts'
import { email } from './email/example.ts'
import type { Example } from './example.ts'
import { offers } from './offers/example.ts'

export { compareSnapshot, countAgain, type Comparison, type Counted } from './comparison.ts'
export { MissingData, type Example, type Files } from './example.ts'
export { realData } from './real-data.ts'
export { tellStory } from './rollback/story.ts'
export { predictionId } from './recording.ts'

export const examples: Readonly<Record<string, Example>> = { email, attribution, offers }
