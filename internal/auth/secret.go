// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/ecdh"
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

// The names of the secrets' files in the data directory.
const (
	SecretFile = "secret.key"
	VAPIDFile  = "vapid.key" // a file of its own: a new secret must not make browsers subscribe again
)

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
	return load(dir, SecretFile, "which voids all tokens", func() (s Secret, _ error) {
		rand.Read(s[:]) // never fails
		return s, nil
	})
}

// LoadVAPID reads the private key that the server shows itself to push services with (RFC 8292), and makes one where there is
// none: a scalar of P-256, 32 bytes. Errors are as of LoadSecret.
func LoadVAPID(dir string) (Secret, error) {
	return load(dir, VAPIDFile, "with which browsers have to subscribe again", func() (Secret, error) {
		key, err := ecdh.P256().GenerateKey(rand.Reader)
		if err != nil {
			return Secret{}, err
		}
		return Secret(key.Bytes()), nil
	})
}

// load reads a secret of a data directory, or makes it; cost is what a new one would.
func load(dir, name, cost string, fresh func() (Secret, error)) (Secret, error) {
	path := filepath.Join(dir, name)
	s, err := readSecret(path, cost)
	if !errors.Is(err, fs.ErrNotExist) {
		return s, err
	}
	if s, err = fresh(); err != nil {
		return Secret{}, fmt.Errorf("auth: making %s: %w", name, err)
	}
	return s, writeSecret(path, s)
}

func readSecret(path, cost string) (Secret, error) {
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
		return Secret{}, fmt.Errorf("auth: %s has mode %04o, so that others could sign as this server; run chmod 600 on it", path, perm)
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
		return Secret{}, fmt.Errorf("auth: %s is not %d bytes long; restore it, or remove it to get a new one, %s", path, secretSize, cost)
	}
	return Secret(buf[:secretSize]), nil
}

// writeSecret writes a new secret so that after a crash there is either none or a whole one.
func writeSecret(path string, s Secret) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("auth: making the server's secret: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
			err = fmt.Errorf("auth: making the server's secret: %w", err)
		}
	}()
	_, err = f.Write(s[:])
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	if d, openErr := os.Open(dir); openErr == nil {
		_ = d.Sync() // not every system can; then the name becomes durable a little later
		_ = d.Close()
	}
	return nil
}
