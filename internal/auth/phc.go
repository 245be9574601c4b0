// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Parameters of new hashes. OWASP's least for one pass more than one is 19 MiB and 2 passes (18 ms of one core here);
// 32 MiB take some 35 ms, which is what a login may cost, and keep the memory of a server that hashes on every core
// within reason.
const (
	argonMemory  = 32 * 1024 // KiB
	argonPasses  = 2
	argonThreads = 1 // one core each: how many run at once is bounded elsewhere
	saltSize     = 16
	keySize      = 32
)

// Bounds of stored parameters: a damaged hash must not take all memory.
const (
	maxArgonMemory  = 1024 * 1024 // KiB
	maxArgonPasses  = 64
	maxArgonThreads = 64
	maxPartSize     = 128 // of salt and key, in bytes
)

// phc is a hash of a password with what it takes to compute it again, in the PHC string format:
// $argon2id$v=19$m=32768,t=2,p=1$SALT$KEY, in base64 without padding.
type phc struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
	salt    []byte
	key     []byte
}

// newPHC hashes a password with the present parameters and a new salt.
func newPHC(password string) *phc {
	h := &phc{memory: argonMemory, passes: argonPasses, threads: argonThreads, salt: make([]byte, saltSize)}
	rand.Read(h.salt) // never fails
	h.key = h.derive(password, keySize)
	return h
}

// matchless returns a hash that no password matches and that takes as long to compare as any.
func matchless() *phc {
	h := &phc{memory: argonMemory, passes: argonPasses, threads: argonThreads, salt: make([]byte, saltSize), key: make([]byte, keySize)}
	rand.Read(h.salt)
	rand.Read(h.key)
	return h
}

func (h *phc) derive(password string, size int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.passes, h.memory, h.threads, uint32(size))
}

// matches hashes the password and compares.
func (h *phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.derive(password, len(h.key)), h.key) == 1
}

func (h *phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.key))
}

var errPHC = errors.New("auth: the stored password hash is damaged; set a new password")

// parsePHC reads a stored hash. Its errors do not quote it.
func parsePHC(s string) (*phc, error) {
	parts := strings.Split(s, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, errPHC
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return nil, errPHC
	}
	memory, ok1 := parameter(params[0], "m=", maxArgonMemory)
	passes, ok2 := parameter(params[1], "t=", maxArgonPasses)
	threads, ok3 := parameter(params[2], "p=", maxArgonThreads)
	salt, ok4 := part(parts[4])
	key, ok5 := part(parts[5])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return nil, errPHC
	}
	return &phc{memory: memory, passes: passes, threads: uint8(threads), salt: salt, key: key}, nil
}

func parameter(s, prefix string, most uint32) (uint32, bool) {
	digits, ok := strings.CutPrefix(s, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	return uint32(n), ok && err == nil && n >= 1 && uint32(n) <= most
}

func part(s string) ([]byte, bool) {
	b, err := base64.RawStdEncoding.Strict().DecodeString(s)
	return b, err == nil && len(b) >= 8 && len(b) <= maxPartSize
}

// outdated tells whether a hash was made with less than the present parameters.
func (h *phc) outdated() bool {
	return h.memory < argonMemory || h.passes < argonPasses || len(h.salt) < saltSize || len(h.key) < keySize
}
