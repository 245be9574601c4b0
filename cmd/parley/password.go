// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

// maxPasswordLine bounds what is read as a password, in bytes; the server's own bound is far lower.
const maxPasswordLine = 64 << 10

// readPassword asks for a new password twice where the standard input is a terminal, and takes its first line otherwise.
func readPassword(p *process, user string) (string, error) {
	fd := int(p.stdin.Fd())
	if !term.IsTerminal(fd) {
		line, err := bufio.NewReader(io.LimitReader(p.stdin, maxPasswordLine)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", fmt.Errorf("reading the password from the standard input: %w", err)
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			return "", errors.New("there is no password on the standard input; give one there, or use --no-password")
		}
		return line, nil
	}
	ask := func(prompt string) (string, error) {
		fmt.Fprintf(p.stderr, prompt, user)
		password, err := term.ReadPassword(fd)
		fmt.Fprintln(p.stderr)
		if err != nil {
			return "", fmt.Errorf("reading the password: %w", err)
		}
		return string(password), nil
	}
	first, err := ask("Password for %s: ")
	if err != nil {
		return "", err
	}
	if first == "" {
		return "", errors.New("the password is empty; use --no-password for an account that signs in with tokens only")
	}
	second, err := ask("Password for %s, again: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two passwords are not the same; nothing was changed")
	}
	return first, nil
}
