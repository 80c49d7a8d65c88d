// Command vectors writes the ledger vectors of this repository with the libraries of the Go project and of the
// transparency-dev project, so that our code is held to theirs.
//
//	go run . ../../vectors
//
// What it writes is the same on every run: keys come from fixed seeds.
package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run . FOLDER")
	}
	out := os.Args[1]
	valid, invalid := filepath.Join(out, "valid", "ledger"), filepath.Join(out, "invalid", "ledger")

	large := grow(70_000)
	writeJSON(filepath.Join(valid, "tree.json"), trees(large))
	writeJSON(filepath.Join(valid, "proofs.json"), validProofs(large))
	writeJSON(filepath.Join(invalid, "proofs.json"), invalidProofs(large))
	writeJSON(filepath.Join(valid, "tiles.json"), tiles(large))
	writeJSON(filepath.Join(valid, "notes.json"), validNotes())
	writeJSON(filepath.Join(invalid, "notes.json"), invalidNotes())
	writeJSON(filepath.Join(valid, "checkpoints.json"), validCheckpoints(large))
	writeJSON(filepath.Join(invalid, "checkpoints.json"), invalidCheckpoints(large))
	writeJSON(filepath.Join(valid, "tlog-proofs.json"), validTlogProofs(large))
	writeJSON(filepath.Join(invalid, "tlog-proofs.json"), invalidTlogProofs(large))

	files := logFiles(large, 600)
	for path, content := range files {
		writeFile(filepath.Join(valid, "log", path), content)
	}
	writeFile(filepath.Join(valid, "log.vkey"), []byte(demo.vkey+"\n"))
	writeJSON(filepath.Join(invalid, "logs.json"), damages(files))
}

// entry n of every log here.
func entry(n int64) []byte {
	return fmt.Appendf(nil, `{"n":%d}`, n)
}

// A tree keeps all its hashes, in the order of tlog.StoredHashIndex.
type tree struct{ hashes []tlog.Hash }

func grow(size int64) *tree {
	t := &tree{}
	for n := range size {
		t.hashes = append(t.hashes, must(tlog.StoredHashes(n, entry(n), t))...)
	}
	return t
}

func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = t.hashes[index]
	}
	return hashes, nil
}

func (t *tree) root(size int64) tlog.Hash {
	return must(tlog.TreeHash(size, t))
}

// A key from a fixed seed.
type key struct {
	name, skey, vkey string
	private          ed25519.PrivateKey
}

func seed(b byte) []byte {
	return bytes.Repeat([]byte{b}, ed25519.SeedSize)
}

func writeJSON(path string, value any) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	check(encoder.Encode(value))
	writeFile(path, text.Bytes())
}

func writeFile(path string, content []byte) {
	check(os.MkdirAll(filepath.Dir(path), 0o755))
	check(os.WriteFile(path, content, 0o644))
}

func base64Of(b []byte) string {
	return base64.StdEncoding.EncodeToString(b)
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// The library must refuse what we call invalid.
func mustRefuse(what string, err error) {
	if err == nil {
		log.Fatalf("the library accepts %s", what)
	}
}
