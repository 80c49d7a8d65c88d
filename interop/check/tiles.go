package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// tiles reads the tiles of a log for tlog.TileHashReader, which itself verifies them against the signed root.
type tiles struct{ log string }

func (t *tiles) Height() int { return 8 }

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	contents := make([][]byte, len(wanted))
	for i, tile := range wanted {
		content, err := read(t.log, path(tile))
		if errors.Is(err, fs.ErrNotExist) && tile.W < 256 {
			// The partial tile may be gone once the full one exists.
			full := tile
			full.W = 256
			content, err = read(t.log, path(full))
			if err == nil && len(content) == 256*tlog.HashSize {
				content = content[:tile.W*tlog.HashSize]
			}
		}
		if err != nil {
			return nil, err
		}
		contents[i] = content
	}
	return contents, nil
}

// path is the path of C2SP tlog-tiles, which says nothing of the height: it is always 8.
func path(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
}

var client = http.Client{Timeout: 30 * time.Second}

// read reads a file of a log from an address or from a folder. A missing file is fs.ErrNotExist.
func read(log, path string) ([]byte, error) {
	if !strings.HasPrefix(log, "http://") && !strings.HasPrefix(log, "https://") {
		return os.ReadFile(filepath.Join(strings.TrimPrefix(log, "file://"), filepath.FromSlash(path)))
	}
	response, err := client.Get(strings.TrimSuffix(log, "/") + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		return io.ReadAll(io.LimitReader(response.Body, 1<<20))
	case http.StatusNotFound:
		return nil, fmt.Errorf("%s: %w", path, fs.ErrNotExist)
	default:
		return nil, fmt.Errorf("%s: the log answers %s", path, response.Status)
	}
}
