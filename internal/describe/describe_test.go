// SPDX-License-Identifier: Apache-2.0

package describe_test

import (
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/describe"
)

func docs(t *testing.T) *describe.Docs {
	t.Helper()
	d, err := describe.New(describe.Config{Router: api.New(api.Config{Now: time.Now}).Router(), Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every route, type and field says what it is; the error names those that do not.
func TestEverythingSaysWhatItIs(t *testing.T) { docs(t) }
