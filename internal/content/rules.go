// SPDX-License-Identifier: Apache-2.0

package content

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// Flags of a Verdict: why a moderator may want to look at a text.
const (
	FlagCaps           = "caps"
	FlagSuspiciousLink = "suspicious_link"
	FlagProfanity      = "profanity"
)

// Verdict is a text that passed.
type Verdict struct {
	// Text is what to store: trimmed, in form C, masked and lowered as the policy says.
	Text string
	// Flags mark the text for who looks at it, nil when there are none; a suspicious link
	// is for the moderation queue. What was masked or lowered is mended, and not flagged.
	Flags []string
	// Masked and Lowered tell that the policy altered the text.
	Masked, Lowered bool
}

// Rules judge texts by a policy. They are immutable and safe for concurrent use.
type Rules struct {
	policy  Policy
	hosts   hostSet
	matcher *Matcher
}

// New makes the Rules of a policy. The matcher may be nil only where the policy does
// not look for profanity. Errors name the part of the policy that is wrong.
func New(p Policy, m *Matcher) (*Rules, error) {
	if _, err := p.Profanity.MarshalText(); err != nil {
		return nil, err
	}
	if _, err := p.Caps.MarshalText(); err != nil {
		return nil, err
	}
	if p.Profanity != ActionOff && m == nil {
		return nil, fmt.Errorf("profanity policy %q needs word lists", p.Profanity)
	}
	if p.MaxLength < 0 {
		return nil, fmt.Errorf("max length %d is negative", p.MaxLength)
	}
	if p.MaxLength == 0 {
		p.MaxLength = DefaultMaxLength
	}
	hosts, err := newHostSet(p.SuspiciousHosts)
	if err != nil {
		return nil, err
	}
	p.SuspiciousHosts = nil // the set replaces it, and the caller's slice is not kept
	return &Rules{policy: p, hosts: hosts, matcher: m}, nil
}

// MaxLength is the longest message in code points.
func (r *Rules) MaxLength() int { return r.policy.MaxLength }

// Message judges the content of a message or a caption. The error is an *Error.
func (r *Rules) Message(text string) (Verdict, error) {
	return r.Text(text, r.policy.MaxLength)
}

// Text judges a text of several lines with a limit of its own, in code points: a room's
// description, the reason of a report. The error is an *Error.
func (r *Rules) Text(text string, limit int) (Verdict, error) {
	clean, err := Clean(text, limit)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Text: clean}
	if err := r.words(&v); err != nil {
		return Verdict{}, err
	}
	r.links(&v, clean)
	// The letters are counted before masking, the text is lowered after it.
	if r.policy.Caps != CapsOff && shouts(clean) {
		if r.policy.Caps == CapsLower {
			if low := lower(v.Text); low != v.Text {
				v.Text, v.Lowered = low, true
			}
		} else {
			v.Flags = append(v.Flags, FlagCaps)
		}
	}
	return v, nil
}

// Name judges the name of a room or the display name of a user: one line of at most
// limit code points. Capitals are not judged. The error is an *Error.
func (r *Rules) Name(text string, limit int) (Verdict, error) {
	clean, err := CleanName(text, limit)
	if err != nil {
		return Verdict{}, err
	}
	v := Verdict{Text: clean}
	if err := r.words(&v); err != nil {
		return Verdict{}, err
	}
	r.links(&v, clean)
	return v, nil
}

func (r *Rules) words(v *Verdict) error {
	switch r.policy.Profanity {
	case ActionMask:
		v.Text, v.Masked = r.matcher.Mask(v.Text)
	case ActionFlag:
		if r.matcher.Match(v.Text) {
			v.Flags = append(v.Flags, FlagProfanity)
		}
	case ActionReject:
		if r.matcher.Match(v.Text) {
			return &Error{Kind: Profanity, Message: "holds words that are not allowed here"}
		}
	}
	return nil
}

// links looks at the text before masking, because a mask can fall into a host.
func (r *Rules) links(v *Verdict, clean string) {
	if r.hosts.linked(clean) {
		v.Flags = append(v.Flags, FlagSuspiciousLink)
	}
}

// ErrorKind tells why a text was refused.
type ErrorKind string

// The kinds.
const (
	Empty            ErrorKind = "empty"
	TooLong          ErrorKind = "too_long"
	ControlCharacter ErrorKind = "control_character"
	InvalidUTF8      ErrorKind = "invalid_utf8"
	Profanity        ErrorKind = "profanity"
)

// Error is a refusal. Message is a predicate without a subject ("is empty"): the
// caller knows the field's name, this package does not. It never quotes the text.
type Error struct {
	Kind    ErrorKind
	Message string
}

// Error says "text " and the message.
func (e *Error) Error() string { return "text " + e.Message }

// KindOf returns the kind of a refusal, and "" for any other error or nil.
func KindOf(err error) ErrorKind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return ""
}

func tooLong(n, limit int) *Error {
	return &Error{Kind: TooLong, Message: fmt.Sprintf("has %d characters, at most %d are allowed", n, limit)}
}

// checkLength counts code points, and only where the bytes do not settle it already.
func checkLength(text string, limit int) *Error {
	if len(text) <= limit {
		return nil
	}
	if n := utf8.RuneCountInString(text); n > limit {
		return tooLong(n, limit)
	}
	return nil
}
