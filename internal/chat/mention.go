// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxMentions bounds the members that one message mentions.
const MaxMentions = 50

// mentions lists the members of a room, without the sender, that a text names as @user_id, in the order of their first
// mention. A text without an @ costs nothing, any other at most two looks at the members for each name.
func mentions(tx Tx, r *Room, sender UserID, text string) ([]UserID, error) {
	if strings.IndexByte(text, '@') < 0 || r.Kind == AnnouncementsRoom {
		return nil, nil
	}
	var out []UserID
	var failure error
	member := func(u UserID) bool {
		m, err := tx.Member(r, u)
		if err != nil {
			failure = err
		}
		return m != nil
	}
	for _, name := range named(text) {
		if failure == nil && !member(UserID(name)) {
			short := sentenceless(name)
			if short == name || !member(UserID(short)) {
				continue
			}
			name = short
		}
		if failure != nil {
			return nil, failure
		}
		if u := UserID(name); u != sender && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out, nil
}

// named finds what stands behind an @ that no letter or digit stands before (that is an address), and could be a user id: at
// most MaxMentions different ones, in lower case.
func named(text string) []string {
	var out []string
	for i := 0; len(out) < MaxMentions; {
		at := strings.IndexByte(text[i:], '@')
		if at < 0 {
			return out
		}
		start := i + at + 1
		before, _ := utf8.DecodeLastRuneInString(text[:start-1])
		end := start
		for end < len(text) && isNameByte(text[end]) {
			end++
		}
		i = end
		name := strings.ToLower(text[start:end])
		if start > 1 && (unicode.IsLetter(before) || unicode.IsDigit(before) || before == '@') || !validName(name, false) {
			continue
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// sentenceless is a name without what may end the sentence: "@ann." is ann, unless somebody is called so.
func sentenceless(name string) string { return strings.TrimRight(name, "._-") }

// added are those of mentioned whom the text before did not name.
func added(mentioned []UserID, before string) []UserID {
	if len(mentioned) == 0 {
		return nil
	}
	names := named(before)
	return slices.DeleteFunc(slices.Clone(mentioned), func(u UserID) bool {
		return slices.ContainsFunc(names, func(name string) bool { return name == string(u) || sentenceless(name) == string(u) })
	})
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}
