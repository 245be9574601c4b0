// SPDX-License-Identifier: Apache-2.0

package push

import (
	"crypto/ecdh"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"parley/internal/chat"
)

// Keys are what the server signs pushes with.
type Keys struct {
	vapid    *ecdh.PrivateKey
	webhooks []byte
}

// NewKeys makes Keys of the private key of VAPID, 32 bytes, and of the key that the secrets of webhooks are derived from.
func NewKeys(vapid, webhooks []byte) (*Keys, error) {
	key, err := ecdh.P256().NewPrivateKey(vapid)
	if err != nil {
		return nil, fmt.Errorf("push: the VAPID key is no private key on P-256: %w", err)
	}
	return &Keys{vapid: key, webhooks: webhooks}, nil
}

// Public is the public key of VAPID as browsers want it: the applicationServerKey, in base64url.
func (k *Keys) Public() string {
	return base64.RawURLEncoding.EncodeToString(k.vapid.PublicKey().Bytes())
}

func (k *Keys) private() string { return base64.RawURLEncoding.EncodeToString(k.vapid.Bytes()) }

// WebhookSecret is what the webhooks of a subscription are signed with, in the form of Standard Webhooks. It is derived from the
// subscription's id and stored nowhere.
func (k *Keys) WebhookSecret(subscription chat.ID) string {
	h := hmac.New(sha256.New, k.webhooks)
	h.Write(subscription[:])
	return "whsec_" + base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// String keeps the keys out of logs.
func (k *Keys) String() string { return "(keys)" }

// GoString keeps the keys out of logs.
func (k *Keys) GoString() string { return "(keys)" }
