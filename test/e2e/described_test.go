// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"os/exec"
	"testing"

	"parley/test/parleytest"
)

// The descriptions that a server gives of itself are what others' tools take them for.
func TestDescriptionsAreValid(t *testing.T) {
	t.Parallel()
	require(t, "node")
	binary, err := parleytest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := parleytest.New(t, parleytest.Config{Binary: binary})
	s.Start()
	cmd := exec.CommandContext(t.Context(), "node", "validate.mjs", "http://"+s.Addr("http"))
	cmd.Dir = "apidocs"
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	t.Logf("%s", out)
}
