// SPDX-License-Identifier: Apache-2.0

package parleytest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// Build compiles cmd/parley into dir and returns the path of the binary.
// The go command's cache makes a repetition cheap, but a test process should
// call it once, in TestMain.
//
// Two variables of the environment alter it: PARLEY_BINARY names a binary to
// test instead of building one, PARLEY_RACE=1 builds with the race detector.
func Build(dir string) (binary string, err error) {
	if binary = os.Getenv("PARLEY_BINARY"); binary != "" {
		if binary, err = filepath.Abs(binary); err != nil {
			return "", fmt.Errorf("PARLEY_BINARY: %w", err)
		}
		if _, err = os.Stat(binary); err != nil {
			return "", fmt.Errorf("PARLEY_BINARY: %w", err)
		}
		return binary, nil
	}
	binary = filepath.Join(dir, "parley")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	args := []string{"build", "-o", binary}
	if os.Getenv("PARLEY_RACE") == "1" {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "parley/cmd/parley")...).CombinedOutput()
	if err != nil {
		return "", errors.Join(fmt.Errorf("building parley: %w", err), errors.New(string(out)))
	}
	return binary, nil
}
