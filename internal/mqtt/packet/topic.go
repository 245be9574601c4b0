// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"strings"
	"unicode/utf8"
)

// maxText is the largest UTF-8 string and the largest binary field, in bytes.
const maxText = 65_535

// ValidTopic tells whether topic is a topic name: 1 to 65535 bytes of UTF-8 without U+0000, "+" and "#"
// [MQTT-4.7.3-1] [MQTT-4.7.3-2] [MQTT-4.7.3-3] [MQTT-4.7.0-1].
func ValidTopic(topic string) bool {
	return len(topic) <= maxText && textFault(topic) == "" && topicFault(topic) == ""
}

// ValidFilter tells whether filter is a topic filter: 1 to 65535 bytes of UTF-8 without U+0000, "#" only as the whole last
// level and "+" only as a whole level [MQTT-4.7.1-1] [MQTT-4.7.1-2]. It does not look into $share: see SplitShare.
func ValidFilter(filter string) bool {
	return len(filter) <= maxText && textFault(filter) == "" && filterFault(filter) == ""
}

// SplitShare splits a shared subscription's filter $share/group/rest. shared says that filter begins with "$share/", and ok
// that it is valid: the group at least one character, without "+" and "#", and rest a valid filter [MQTT-4.8.2-1]
// [MQTT-4.8.2-2]. A filter that is not shared comes back as rest. Shared subscriptions belong to MQTT 5: on 3.1.1 a server
// may take "$share" for an ordinary first level.
func SplitShare(filter string) (group, rest string, shared, ok bool) {
	tail, shared := strings.CutPrefix(filter, "$share/")
	if !shared {
		return "", filter, false, ValidFilter(filter)
	}
	group, rest, ok = strings.Cut(tail, "/")
	if !ok || group == "" || strings.ContainsAny(group, "+#") || !ValidFilter(filter) || !ValidFilter(rest) {
		return "", "", true, false
	}
	return group, rest, true, true
}

// Match tells whether filter selects topic; both are valid, and a shared filter has gone through SplitShare. Levels are
// compared byte for byte, "+" stands for one level, "#" for any number of them, its parent included. A filter that begins
// with a wildcard selects no topic that begins with "$" [MQTT-4.7.2-1].
func Match(filter, topic string) bool {
	if filter == "" || topic == "" {
		return false
	}
	if topic[0] == '$' && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	for {
		want, wantRest, wantMore := strings.Cut(filter, "/")
		if want == "#" && !wantMore {
			return true
		}
		level, rest, more := strings.Cut(topic, "/")
		if want != "+" && want != level {
			return false
		}
		switch {
		case !wantMore:
			return !more
		case !more:
			return wantRest == "#"
		}
		filter, topic = wantRest, rest
	}
}

// textFault says what is wrong with a UTF-8 string of the standard, or "".
func textFault(s string) string {
	for i := range len(s) {
		switch c := s[i]; {
		case c == 0:
			return "U+0000 in it [MQTT-1.5.4-2]"
		case c >= utf8.RuneSelf:
			if !utf8.ValidString(s[i:]) {
				return "not well-formed UTF-8 [MQTT-1.5.4-1]"
			}
			if strings.IndexByte(s[i:], 0) >= 0 {
				return "U+0000 in it [MQTT-1.5.4-2]"
			}
			return ""
		}
	}
	return ""
}

// topicFault says what is wrong with a well-formed text as a topic name, or "".
func topicFault(s string) string {
	switch {
	case s == "":
		return "empty [MQTT-4.7.3-1]"
	case strings.IndexByte(s, '+') >= 0 || strings.IndexByte(s, '#') >= 0:
		return "wildcard in a topic name [MQTT-3.3.2-2]"
	}
	return ""
}

// filterFault says what is wrong with a well-formed text as a topic filter, or "".
func filterFault(s string) string {
	if s == "" {
		return "empty [MQTT-4.7.3-1]"
	}
	for more := true; more; {
		var level string
		level, s, more = strings.Cut(s, "/")
		switch {
		case strings.IndexByte(level, '#') >= 0 && (level != "#" || more):
			return `"#" must be the whole last level [MQTT-4.7.1-1]`
		case strings.IndexByte(level, '+') >= 0 && level != "+":
			return `"+" must be a whole level [MQTT-4.7.1-2]`
		}
	}
	return ""
}
