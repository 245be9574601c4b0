// SPDX-License-Identifier: Apache-2.0

export { applied } from './apply.ts'
export * from './auth.ts'
export * from './client.ts'
export * from './error.ts'
export * from './files.ts'
export { indexedDBOutbox } from './indexeddb.ts'
export { memoryOutbox, type OutboxStorage, type Outgoing } from './outbox.ts'
export * from './timeline.ts'
export * from './types.ts'
