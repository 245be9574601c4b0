// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"strings"
	"testing"

	"parley/internal/mqtt/packet"
)

// matches are mostly the examples of section 4.7.
var matches = []struct {
	filter, topic string
	want          bool
}{
	{"sport/tennis/player1/#", "sport/tennis/player1", true},
	{"sport/tennis/player1/#", "sport/tennis/player1/ranking", true},
	{"sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true},
	{"sport/tennis/player1/#", "sport/tennis/player10", false},
	{"sport/#", "sport", true},
	{"sport/#", "sport/", true},
	{"#", "a/b/c", true},
	{"#", "/", true},
	{"sport/tennis/+", "sport/tennis/player1", true},
	{"sport/tennis/+", "sport/tennis/player1/ranking", false},
	{"sport/+", "sport", false},
	{"sport/+", "sport/", true},
	{"+/+", "/finance", true},
	{"/+", "/finance", true},
	{"+", "/finance", false},
	{"+/tennis/#", "sport/tennis", true},
	{"+/#", "sport", true},
	{"a/+/c", "a//c", true},
	{"a/b", "a/b", true},
	{"a/b", "a/B", false},
	{"a/b", "a/b/", false},
	{"a/b", "a", false},
	{"a", "a/b", false},
	{"/a", "a", false},
	{"#", "$SYS/x", false},
	{"+/monitor/Clients", "$SYS/monitor/Clients", false},
	{"+/#", "$SYS", false},
	{"$SYS/#", "$SYS/monitor", true},
	{"$SYS/#", "$SYS", true},
	{"$SYS/monitor/+", "$SYS/monitor/Clients", true},
	{"a/#", "a/$b", true},
	{"a/+", "a/$b", true},
	{"", "a", false},
	{"a", "", false},
	{"#", "", false},
}

func TestMatch(t *testing.T) {
	for _, c := range matches {
		if got := packet.Match(c.filter, c.topic); got != c.want {
			t.Errorf("Match(%q, %q) is %t", c.filter, c.topic, got)
		}
	}
}

func TestValid(t *testing.T) {
	for _, c := range []struct {
		s             string
		topic, filter bool
	}{
		{"a", true, true},
		{"/", true, true},
		{"a//b", true, true},
		{"Ærø/日本 語", true, true},
		{"$SYS/x", true, true},
		{"#", false, true},
		{"+", false, true},
		{"a/#", false, true},
		{"+/+/#", false, true},
		{"/+/", false, true},
		{"", false, false},
		{"a#", false, false},
		{"#/", false, false},
		{"#/a", false, false},
		{"a/#/b", false, false},
		{"##", false, false},
		{"a+", false, false},
		{"++", false, false},
		{"a/+b/c", false, false},
		{"a\x00", false, false},
		{"é\x00", false, false},
		{"a\xff", false, false},
		{"\xed\xa0\x80", false, false},
		{strings.Repeat("a", 65535), true, true},
		{strings.Repeat("a", 65536), false, false},
	} {
		name := c.s[:min(len(c.s), 20)]
		if got := packet.ValidTopic(c.s); got != c.topic {
			t.Errorf("ValidTopic(%q) is %t", name, got)
		}
		if got := packet.ValidFilter(c.s); got != c.filter {
			t.Errorf("ValidFilter(%q) is %t", name, got)
		}
	}
}

func TestSplitShare(t *testing.T) {
	for _, c := range []struct {
		filter, group, rest string
		shared, ok          bool
	}{
		{"a/b", "", "a/b", false, true},
		{"a#", "", "a#", false, false},
		{"$share", "", "$share", false, true},
		{"$shared/g/a", "", "$shared/g/a", false, true},
		{"$share/g/a/#", "g", "a/#", true, true},
		{"$share/g//a", "g", "/a", true, true},
		{"$share/g/#", "g", "#", true, true},
		{"$share/", "", "", true, false},
		{"$share/g", "", "", true, false},
		{"$share/g/", "", "", true, false},
		{"$share//a", "", "", true, false},
		{"$share/+/a", "", "", true, false},
		{"$share/g#/a", "", "", true, false},
		{"$share/g/a#", "", "", true, false},
		{"$share/g\x00/a", "", "", true, false},
	} {
		group, rest, shared, ok := packet.SplitShare(c.filter)
		if group != c.group || rest != c.rest || shared != c.shared || ok != c.ok {
			t.Errorf("SplitShare(%q) is %q, %q, %t, %t", c.filter, group, rest, shared, ok)
		}
	}
}
