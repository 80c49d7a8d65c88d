import type { FollowedRecord } from '../projection/follower.ts'
import type { Statement } from './statement.ts'

/** What a record of a kind says about lineage. Throws where it cannot be read: then it says nothing. */
export type StatementReader = (record: FollowedRecord) => readonly Statement[]
