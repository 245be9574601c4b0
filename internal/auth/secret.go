// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// SecretFile is the name of the secret's file in the data directory.
const SecretFile = "secret.key"

// secretSize is the length of a secret in bytes: as long as the digest that HMAC-SHA256 makes with it.
const secretSize = 32

// Secret is what a server signs with. It is made at the first start and never defaulted. Whoever has it can be anybody.
type Secret [secretSize]byte

// Key derives the key for one purpose, so that what is signed for one purpose proves nothing for another.
func (s Secret) Key(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, s[:], nil, "parley "+purpose, secretSize)
	if err != nil {
		panic("auth: " + err.Error()) // only for lengths that SHA-256 cannot give
	}
	return key
}

// String keeps the secret out of logs.
func (s Secret) String() string { return "(secret)" }

// GoString keeps the secret out of logs.
func (s Secret) GoString() string { return "(secret)" }

// LoadSecret reads the secret of a data directory, and makes one where there is none. The caller owns the directory. A
// file that others may read, or that has another length, is an error.
func LoadSecret(dir string) (Secret, error) {
	path := filepath.Join(dir, SecretFile)
	s, err := readSecret(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeSecret(path)
	}
	return s, err
}

func readSecret(path string) (Secret, error) {
	f, err := os.Open(path)
	if err != nil {
		return Secret{}, fmt.Errorf("auth: reading the server's secret: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Secret{}, fmt.Errorf("auth: reading the server's secret: %w", err)
	}
	// Reading by the group is let through: container platforms mount secrets that way.
	if perm := info.Mode().Perm(); perm&0o037 != 0 && runtime.GOOS != "windows" {
		return Secret{}, fmt.Errorf("auth: %s has mode %04o, so that others could sign tokens; run chmod 600 on it", path, perm)
	}
	var buf [secretSize + 1]byte
	n := 0
	for n < len(buf) {
		k, err := f.Read(buf[n:])
		n += k
		if err != nil {
			break
		}
	}
	if n != secretSize {
		return Secret{}, fmt.Errorf("auth: %s is not %d bytes long; restore it, or remove it to get a new one, which voids all tokens", path, secretSize)
	}
	return Secret(buf[:secretSize]), nil
}

// makeSecret writes a new secret so that after a crash there is either none or a whole one.
func makeSecret(path string) (s Secret, err error) {
	rand.Read(s[:]) // never fails
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, SecretFile+".*") // mode 0600
	if err != nil {
		return Secret{}, fmt.Errorf("auth: making the server's secret: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			s, err = Secret{}, fmt.Errorf("auth: making the server's secret: %w", err)
		}
	}()
	_, err = f.Write(s[:])
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return s, err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return s, err
	}
	if d, openErr := os.Open(dir); openErr == nil {
		_ = d.Sync() // not every system can; then the name becomes durable a little later
		_ = d.Close()
	}
	return s, nil
}
