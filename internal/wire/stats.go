// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// ChooseRole is the payload of admin/users/{user_id}/promote and demote.
type ChooseRole struct {
	Envelope
	Reason string `json:"reason,omitempty" doc:"why" max:"1000" example:"on call from May"`
}

// Texts implements Payload.
func (p *ChooseRole) Texts() []Text {
	return []Text{{Field: "reason", Value: &p.Reason, Form: Remark, Optional: true}}
}

// Stats answers admin/stats. Counters begin with the server's start: rates are the difference of two readings.
type Stats struct {
	Reply
	Version     string           `json:"version" doc:"of the server" example:"0.9.0"`
	Epoch       int64            `json:"epoch"`
	Timestamp   Timestamp        `json:"timestamp" doc:"when this was read"`
	StartedAt   Timestamp        `json:"started_at" doc:"when the server was started"`
	Uptime      float64          `json:"uptime" doc:"seconds since then" min:"0" example:"86400.5"`
	CountedAt   Timestamp        `json:"counted_at" doc:"when accounts, rooms, messages, sessions and storage were counted: some seconds ago at most"`
	Accounts    AccountStats     `json:"accounts" doc:"without erased ones"`
	Rooms       RoomStats        `json:"rooms" doc:"without deleted ones, announcements and users' own logs"`
	Messages    int64            `json:"messages" doc:"in all logs: deleted ones too, system messages and what was cut not" min:"0" example:"1250000"`
	Connections ConnectionStats  `json:"connections" doc:"open ones"`
	Sessions    SessionStats     `json:"sessions" doc:"of MQTT"`
	Storage     StorageStats     `json:"storage" doc:"bytes on the disk"`
	Requests    map[string]int64 `json:"requests" doc:"over MQTT, since the start, by outcome: ok, or the code of the refusal" example:"{\"ok\":48213,\"rate_limited\":7}"`
	Commits     CommitStats      `json:"commits" doc:"since the start"`
	Push        PushStats        `json:"push" doc:"notifications, webhooks among them"`
	Webhooks    WebhookStats     `json:"webhooks" doc:"webhooks that are sent everything in their user's rooms"`
}

// AccountStats counts accounts.
type AccountStats struct {
	Total          int64 `json:"total" doc:"all of them" min:"0" example:"420"`
	Administrators int64 `json:"administrators" doc:"with that role" min:"0" example:"2"`
	Active         int64 `json:"active" doc:"seen within 24 hours, as others see it" min:"0" example:"137"`
}

// RoomStats counts rooms by type.
type RoomStats struct {
	Public  int64 `json:"public" doc:"that everybody may join" min:"0" example:"31"`
	Private int64 `json:"private" doc:"for those who are invited" min:"0" example:"58"`
	Direct  int64 `json:"direct" doc:"private conversations" min:"0" example:"902"`
}

// ConnectionStats counts connections by door.
type ConnectionStats struct {
	MQTT      int `json:"mqtt" doc:"MQTT over TCP" min:"0" example:"12"`
	MQTTS     int `json:"mqtts" doc:"MQTT over TLS" min:"0" example:"40"`
	WebSocket int `json:"websocket" doc:"MQTT over WebSocket, with TLS or without" min:"0" example:"96"`
	SSE       int `json:"sse" doc:"streams of Server-Sent Events" min:"0" example:"3"`
}

// SessionStats counts sessions.
type SessionStats struct {
	Away int64 `json:"away" doc:"that wait for their client to come back" min:"0" example:"51"`
}

// StorageStats are sizes.
type StorageStats struct {
	Database  int64 `json:"database" doc:"with its write-ahead log" min:"0" example:"734003200"`
	Search    int64 `json:"search" doc:"the index of searches" min:"0" example:"209715200"`
	Files     int64 `json:"files" doc:"the files that were uploaded" min:"0" example:"52428800"`
	FileCount int64 `json:"file_count" doc:"how many files that are" min:"0" example:"318"`
}

// CommitStats are about what was made durable. The times reach from a commit's first change to the end of its fsync; they are
// estimated from a histogram.
type CommitStats struct {
	Total   uint64  `json:"total" doc:"commits" example:"20511"`
	Changes uint64  `json:"changes" doc:"requests in them, refused ones too" example:"48220"`
	Events  uint64  `json:"events" doc:"events that came of them" example:"47903"`
	Failed  uint64  `json:"failed" doc:"changes that could not be made durable" example:"0"`
	Queue   int     `json:"queue" doc:"changes that wait now" min:"0" example:"0"`
	P50     float64 `json:"p50" doc:"seconds: half of the commits took less" min:"0" example:"0.0011"`
	P95     float64 `json:"p95" doc:"seconds" min:"0" example:"0.0024"`
	P99     float64 `json:"p99" doc:"seconds" min:"0" example:"0.0041"`
}

// PushStats are about notifications of who is away.
type PushStats struct {
	Queue   int    `json:"queue" doc:"that wait now" min:"0" example:"4"`
	Calls   int    `json:"calls" doc:"calls under way" min:"0" example:"1"`
	Sent    uint64 `json:"sent" doc:"taken by the other side since the start" example:"901"`
	Failed  uint64 `json:"failed" doc:"attempts that failed since the start" example:"12"`
	Dropped uint64 `json:"dropped" doc:"given up since the start" example:"0"`
}

// WebhookStats are about webhooks that follow their users' rooms.
type WebhookStats struct {
	Behind  int    `json:"behind" doc:"rooms of webhooks with events that were not taken yet, now" min:"0" example:"2"`
	Calls   int    `json:"calls" doc:"calls under way" min:"0" example:"1"`
	Sent    uint64 `json:"sent" doc:"events taken by the other side since the start" example:"20417"`
	Failed  uint64 `json:"failed" doc:"attempts that failed since the start" example:"7"`
	Skipped uint64 `json:"skipped" doc:"times that events were passed over since the start, being too old or cut" example:"0"`
}

// StatsOf shows figures of what is stored.
func StatsOf(c *chat.Counts, at chat.Time) *Stats {
	return &Stats{Reply: Reply{Status: "success"}, CountedAt: Timestamp(at), Messages: c.Messages, Requests: map[string]int64{},
		Accounts: AccountStats{Total: c.Accounts, Administrators: c.Administrators, Active: c.Active},
		Rooms:    RoomStats{Public: c.PublicRooms, Private: c.PrivateRooms, Direct: c.DirectRooms},
		Sessions: SessionStats{Away: c.AwaySessions},
		Storage:  StorageStats{Database: c.DatabaseBytes, Search: c.IndexBytes, Files: c.FileBytes, FileCount: c.Files}}
}
