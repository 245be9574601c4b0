// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"time"
)

// ActiveWithin is how long ago somebody was seen who counts as active.
const ActiveWithin = 24 * time.Hour

// Counts are figures of what is stored. What was erased or deleted is in none of them.
type Counts struct {
	Accounts       int64
	Administrators int64
	Active         int64 // seen since the time that was asked for, see Seen
	PublicRooms    int64
	PrivateRooms   int64
	DirectRooms    int64
	Messages       int64 // in all logs: tombstones too, system messages and what was cut not
	AwaySessions   int64 // MQTT sessions that wait for their client
	Files          int64
	// Bytes on the disk: the database with its write-ahead log, the index of searches, and the files that were uploaded.
	DatabaseBytes, IndexBytes, FileBytes int64
}

// StatsReader counts. It looks at every account and room: ask it now and then, not with each request.
type StatsReader interface {
	Counts(ctx context.Context, seenSince, now Time) (Counts, error)
}

// Counts counts what is stored, whoever asks. here counts who was last seen before a time and is there now; nil nobody.
func (s *Service) Counts(ctx context.Context, here func(before Time) int) (Counts, error) {
	now := s.now()
	since := now.Add(-ActiveWithin)
	c, err := s.store.Counts(ctx, since, now)
	if here != nil {
		c.Active += int64(here(since))
	}
	return c, err
}

// OnlyAdministrators refuses whoever is none.
func (s *Service) OnlyAdministrators(ctx context.Context, who Principal) error {
	return s.administrator(ctx, who)
}
