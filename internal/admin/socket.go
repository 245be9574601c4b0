// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SocketFile is the name of the socket in the data directory.
const SocketFile = "admin.sock"

// maxSocketPath is the longest path that the systems' socket addresses hold (Linux 107 bytes, macOS 103), with a few to
// spare.
const maxSocketPath = 100

// Socket is the admin socket of a running server.
type Socket struct {
	path string
	http *http.Server
	done chan struct{}
}

// Listen opens the socket of a data directory and serves ops on it until Close. The caller owns the directory: a socket
// found there is one that an earlier process left.
func Listen(dir string, ops Operations, log *slog.Logger) (*Socket, error) {
	listener, err := listenSocket(dir)
	if err != nil {
		return nil, fmt.Errorf("admin: opening %s: %w", filepath.Join(dir, SocketFile), err)
	}
	s := &Socket{
		path: filepath.Join(dir, SocketFile),
		http: &http.Server{
			Handler:           Handler(ops),
			ReadHeaderTimeout: 10 * time.Second,
			ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		},
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin socket failed", "err", err)
		}
	}()
	return s, nil
}

// Close removes the socket and waits for operations under way, until ctx ends.
func (s *Socket) Close(ctx context.Context) error {
	err := os.Remove(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if shut := s.http.Shutdown(ctx); shut != nil {
		_ = s.http.Close()
		err = errors.Join(err, fmt.Errorf("admin: an operation was still under way: %w", shut))
	}
	<-s.done
	return err
}

// listenSocket makes the socket in a directory that nobody else may enter, and moves it to its place when its mode is
// right: there is no moment at which others could connect.
func listenSocket(dir string) (net.Listener, error) {
	private, err := os.MkdirTemp(dir, ".admin-") // mode 0700
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(private)
	short, release, err := shorten(private)
	if err != nil {
		return nil, err
	}
	defer release()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(short, SocketFile), Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false) // it goes to another place
	made := filepath.Join(private, SocketFile)
	if err = os.Chmod(made, 0o600); err == nil {
		err = os.Rename(made, filepath.Join(dir, SocketFile))
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// dialSocket connects to the socket of a data directory.
func dialSocket(ctx context.Context, dir string) (net.Conn, error) {
	if _, err := os.Stat(filepath.Join(dir, SocketFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotServing
	}
	short, release, err := shorten(dir)
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	defer release()
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(short, SocketFile))
	switch {
	case err == nil:
		return conn, nil
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, fs.ErrNotExist):
		return nil, ErrNotServing // a process that was killed has left it
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("admin: %s belongs to another user; run the command as the user that the server runs as: %w", filepath.Join(dir, SocketFile), err)
	}
	return nil, fmt.Errorf("admin: %w", err)
}

// shorten returns a path of dir that leaves room for a socket's name: dir itself, or where that is too long a symbolic
// link to it in a directory that nobody else may enter. release removes the link; connections outlive it.
func shorten(dir string) (short string, release func(), err error) {
	if len(dir)+1+len(SocketFile) <= maxSocketPath {
		return dir, func() {}, nil
	}
	long, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	private, err := os.MkdirTemp("", "parley-")
	if err != nil {
		return "", nil, err
	}
	release = func() { _ = os.RemoveAll(private) }
	short = filepath.Join(private, "d")
	if err := os.Symlink(long, short); err != nil {
		release()
		return "", nil, fmt.Errorf("the path of the data directory is too long for a socket (%d bytes), and no shorter link to it can be made: %w", len(dir), err)
	}
	if len(short)+1+len(SocketFile) > maxSocketPath {
		release()
		return "", nil, fmt.Errorf("the paths of the data directory and of TMPDIR are too long for a socket (%d bytes); use shorter ones", len(short))
	}
	return short, release, nil
}
