// SPDX-License-Identifier: Apache-2.0

package content

import (
	"fmt"
	"strings"
)

// DefaultMaxLength is the longest message in code points, where a Policy does not say.
const DefaultMaxLength = 4000

// Policy is what an operator decides. Its zero value is the default policy.
type Policy struct {
	// Profanity says what happens to words on the word lists.
	Profanity Action
	// Caps says what happens to a text that is mostly capitals.
	Caps CapsAction
	// SuspiciousHosts are host names or addresses ("example.com", "192.0.2.1",
	// "2001:db8::1"). A name stands for its subdomains too.
	SuspiciousHosts []string
	// MaxLength of a message in code points; 0 means DefaultMaxLength.
	MaxLength int
}

// Action is what happens to a word on the word lists.
type Action uint8

// The actions. ActionMask is the default.
const (
	ActionMask   Action = iota // replace it by asterisks
	ActionOff                  // do not look
	ActionReject               // refuse the text
	ActionFlag                 // let it pass, flagged
)

// CapsAction is what happens to a text that is mostly capitals.
type CapsAction uint8

// The actions. CapsFlag is the default.
const (
	CapsFlag  CapsAction = iota // let it pass, flagged
	CapsOff                     // do not look
	CapsLower                   // lower all of it but its links
)

var (
	actionNames = [...]string{ActionMask: "mask", ActionOff: "off", ActionReject: "reject", ActionFlag: "flag"}
	capsNames   = [...]string{CapsFlag: "flag", CapsOff: "off", CapsLower: "lower"}
)

// String returns the action's name in the configuration.
func (a Action) String() string { return name(actionNames[:], uint8(a)) }

// MarshalText returns the action's name. An unknown value is an error.
func (a Action) MarshalText() ([]byte, error) {
	return marshalName("profanity policy", actionNames[:], uint8(a))
}

// UnmarshalText sets the action by its name, in any case.
func (a *Action) UnmarshalText(text []byte) error {
	i, err := unmarshalName("profanity policy", actionNames[:], text)
	if err == nil {
		*a = Action(i)
	}
	return err
}

// String returns the action's name in the configuration.
func (a CapsAction) String() string { return name(capsNames[:], uint8(a)) }

// MarshalText returns the action's name. An unknown value is an error.
func (a CapsAction) MarshalText() ([]byte, error) {
	return marshalName("caps policy", capsNames[:], uint8(a))
}

// UnmarshalText sets the action by its name, in any case.
func (a *CapsAction) UnmarshalText(text []byte) error {
	i, err := unmarshalName("caps policy", capsNames[:], text)
	if err == nil {
		*a = CapsAction(i)
	}
	return err
}

func name(names []string, i uint8) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("unknown(%d)", i)
}

func marshalName(what string, names []string, i uint8) ([]byte, error) {
	if int(i) >= len(names) {
		return nil, fmt.Errorf("%s: unknown value %d", what, i)
	}
	return []byte(names[i]), nil
}

func unmarshalName(what string, names []string, text []byte) (uint8, error) {
	for i, n := range names {
		if strings.EqualFold(n, string(text)) {
			return uint8(i), nil
		}
	}
	return 0, fmt.Errorf("%s: %q is unknown, use one of %s", what, text, strings.Join(names, ", "))
}
