// SPDX-License-Identifier: Apache-2.0

/** Figures of the server, as `admin/stats` tells them; the parts that are shown. */
export interface Stats {
  version: string
  timestamp: number
  started_at: number
  accounts: { total: number; administrators: number; active: number }
  rooms: { public: number; private: number; direct: number }
  messages: number
  connections: { mqtt: number; mqtts: number; websocket: number; sse: number }
  storage: { database: number; search: number; files: number; file_count: number }
  requests: Record<string, number> // by outcome, since the start
  commits: { events: number; failed: number; p50: number; p95: number; p99: number }
  push: { queue: number; sent: number; failed: number; dropped: number }
  webhooks: { behind: number; sent: number; failed: number; skipped: number } // those that follow rooms
}

/** How many events a minute there were between two readings; undefined where they tell nothing of it. */
export function perMinute(before: Stats | undefined, now: Stats): number | undefined {
  if (!before || before.started_at !== now.started_at) return undefined
  const seconds = now.timestamp - before.timestamp
  if (seconds <= 0) return undefined
  return Math.round(((now.commits.events - before.commits.events) / seconds) * 60)
}
