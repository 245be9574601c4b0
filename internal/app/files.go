// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/blob"
	"parley/internal/chat"
)

// filesDir is where the bytes of files are in the data directory.
const filesDir = "files"

// collectEvery is how often files that nobody shares are looked for.
const collectEvery = 10 * time.Minute

func openFiles(data string, service *chat.Service, tickets *auth.Tickets) (*api.Files, error) {
	path, err := filepath.Abs(filepath.Join(data, filesDir))
	if err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	blobs, err := blob.Open(path)
	if err != nil {
		return nil, err
	}
	return api.NewFiles(service, blobs, tickets), nil
}

// collect removes files that nobody shares, until ctx ends.
func collect(ctx context.Context, files *api.Files, log *slog.Logger) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		n, err := files.Collect(ctx)
		if n > 0 {
			log.Info("files: removed what nobody shares", "files", n)
		}
		if err != nil && ctx.Err() == nil {
			log.Error("files: removing what nobody shares", "error", err)
		}
	}
}
