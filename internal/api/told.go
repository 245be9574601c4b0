// SPDX-License-Identifier: Apache-2.0

package api

import (
	"slices"
	"strings"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// The tags of a route that are for people who write clients.
const (
	tagStatuses = "statuses"
	tagWho      = "who"
	tagCodes    = "codes"
)

// answers says what the types of a route do not: the status of its replies, who may ask it, and the codes that it is refused
// with beside those that Codes adds. Words of a list are separated by spaces.
func answers(statuses, who, codes string) topic.Option {
	return topic.All(topic.Tag(tagStatuses, statuses), topic.Tag(tagWho, who), topic.Tag(tagCodes, codes))
}

// Statuses lists what the status of a reply of r can be.
func Statuses(r *Route) []string { return strings.Fields(r.Tag(tagStatuses)) }

// Who tells who may ask r.
func Who(r *Route) string { return r.Tag(tagWho) }

// Codes lists what r can be refused with, in the order of the table of codes.
func Codes(r *Route) []chat.Code {
	codes := []chat.Code{chat.BadRequest, chat.Unauthenticated, chat.Forbidden, chat.Banned, chat.TooLarge, chat.RateLimited, chat.Unavailable, chat.Internal}
	if !r.ReadOnly() {
		codes = append(codes, chat.Conflict) // of client_msg_id
	}
	if p, ok := r.NewIn().(wire.Payload); ok && len(p.Texts()) > 0 {
		codes = append(codes, chat.Rejected)
	}
	for _, c := range strings.Fields(r.Tag(tagCodes)) {
		codes = append(codes, chat.Code(c))
	}
	return slices.DeleteFunc(chat.Codes(), func(c chat.Code) bool { return !slices.Contains(codes, c) })
}
