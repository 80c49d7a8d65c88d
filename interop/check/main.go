// Command check verifies a log of ours with libraries that we did not write: golang.org/x/mod/sumdb for notes, tiles
// and proofs, github.com/transparency-dev/formats for checkpoints, cosignatures and proof files.
//
//	go run . --vkey FILE [--log URL-OR-FOLDER] [--old CHECKPOINT] [--proof FILE.tlog-proof --entry FILE] [--witness VKEY]
//
// It prints one line a check, and exits 1 if one fails.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	var o options
	flag.StringVar(&o.log, "log", "", "URL or folder of the log")
	flag.StringVar(&o.vkey, "vkey", "", "file with the log's verifier key")
	flag.StringVar(&o.origin, "origin", "", "origin of the log, if not the name of its key")
	flag.StringVar(&o.witness, "witness", "", "file with the verifier key of a witness that must have cosigned")
	flag.StringVar(&o.proof, "proof", "", "tlog-proof file")
	flag.StringVar(&o.entry, "entry", "", "file with the exact bytes of the entry that --proof is about")
	flag.StringVar(&o.old, "old", "", "older signed checkpoint of the log")
	flag.Parse()

	c := &checker{}
	if err := c.run(o); err != nil {
		c.say(false, "setup", err.Error())
	}
	if c.failed || c.checks == 0 {
		os.Exit(1)
	}
}

type options struct {
	log, vkey, origin, witness, proof, entry, old string
}

type checker struct {
	verifier note.Verifier
	witness  []note.Verifier
	origin   string
	checks   int
	failed   bool
}

func (c *checker) say(ok bool, what, detail string) {
	c.checks++
	c.failed = c.failed || !ok
	mark := "ok  "
	if !ok {
		mark = "FAIL"
	}
	fmt.Printf("%s %s: %s\n", mark, what, detail)
}

func (c *checker) run(o options) error {
	vkey, err := os.ReadFile(o.vkey)
	if err != nil {
		return fmt.Errorf("--vkey: %w", err)
	}
	if c.verifier, err = note.NewVerifier(strings.TrimSpace(string(vkey))); err != nil {
		return fmt.Errorf("--vkey: %w", err)
	}
	c.origin = c.verifier.Name()
	if o.origin != "" {
		c.origin = o.origin
	}
	if o.witness != "" {
		key, err := os.ReadFile(o.witness)
		if err != nil {
			return fmt.Errorf("--witness: %w", err)
		}
		witness, err := f_note.NewVerifier(strings.TrimSpace(string(key)))
		if err != nil {
			return fmt.Errorf("--witness: %w", err)
		}
		c.witness = append(c.witness, witness)
	}
	if o.log == "" && o.old != "" {
		return fmt.Errorf("--old needs --log")
	}
	if (o.proof == "") != (o.entry == "") {
		return fmt.Errorf("--proof and --entry go together")
	}

	var tree *tlog.Tree
	if o.log != "" {
		tree = c.checkLog(o.log)
	}
	if o.old != "" && tree != nil {
		c.checkGrowth(o.log, o.old, *tree)
	}
	if o.proof != "" {
		c.checkProof(o.proof, o.entry, o.log, tree)
	}
	return nil
}

// checkLog verifies the current checkpoint, and recomputes its root from the tiles of the right edge.
func (c *checker) checkLog(log string) *tlog.Tree {
	content, err := read(log, "checkpoint")
	if err != nil {
		c.say(false, "checkpoint", err.Error())
		return nil
	}
	tree, err := c.open("checkpoint", content)
	if err != nil {
		c.say(false, "checkpoint", err.Error())
		return nil
	}
	c.say(true, "checkpoint", fmt.Sprintf("%s of %d entries is signed", c.origin, tree.N))
	if tree.N == 0 {
		return tree
	}
	last, err := tlog.ProveRecord(tree.N, tree.N-1, tlog.TileHashReader(*tree, &tiles{log}))
	if err != nil {
		c.say(false, "tiles", err.Error())
		return tree
	}
	c.say(true, "tiles", fmt.Sprintf("the signed root follows from them; last entry proved by %d hashes", len(last)))
	return tree
}

// checkGrowth proves from the tiles that the log begins with an older state of itself.
func (c *checker) checkGrowth(log, file string, tree tlog.Tree) {
	content, err := os.ReadFile(file)
	if err != nil {
		c.say(false, "growth", err.Error())
		return
	}
	old, err := c.open("growth", content)
	if err == nil && old.N > tree.N {
		err = fmt.Errorf("the log had %d entries and now has %d", old.N, tree.N)
	}
	if err == nil && old.N > 0 {
		var growth tlog.TreeProof
		growth, err = tlog.ProveTree(tree.N, old.N, tlog.TileHashReader(tree, &tiles{log}))
		if err == nil {
			err = tlog.CheckTree(growth, tree.N, tree.Hash, old.N, old.Hash)
		}
	}
	if err != nil {
		c.say(false, "growth", err.Error())
		return
	}
	c.say(true, "growth", fmt.Sprintf("the first %d of %d entries are unchanged", old.N, tree.N))
}

// checkProof verifies a proof file, and that the log still holds the same entry at its place.
func (c *checker) checkProof(file, entryFile, log string, tree *tlog.Tree) {
	content, err := os.ReadFile(file)
	var entry []byte
	if err == nil {
		entry, err = os.ReadFile(entryFile)
	}
	var p proof.TLogProof
	if err == nil {
		err = p.Unmarshal(content)
	}
	var proved *tlog.Tree
	if err == nil {
		proved, err = c.open("proof", p.Checkpoint)
	}
	if err != nil {
		c.say(false, "proof", err.Error())
		return
	}
	hashes := make(tlog.RecordProof, len(p.Hashes))
	for i, hash := range p.Hashes {
		hashes[i] = hash
	}
	leaf := tlog.RecordHash(entry)
	if err := tlog.CheckRecord(hashes, proved.N, proved.Hash, int64(p.Index), leaf); err != nil {
		c.say(false, "proof", err.Error())
		return
	}
	c.say(true, "proof", fmt.Sprintf("entry %d is in the tree of %d", p.Index, proved.N))
	if tree == nil {
		return
	}
	current, err := tlog.ProveRecord(tree.N, int64(p.Index), tlog.TileHashReader(*tree, &tiles{log}))
	if err == nil {
		err = tlog.CheckRecord(current, tree.N, tree.Hash, int64(p.Index), leaf)
	}
	if err != nil {
		c.say(false, "entry", err.Error())
		return
	}
	c.say(true, "entry", fmt.Sprintf("entry %d is in the log of %d", p.Index, tree.N))
}

// open verifies a signed checkpoint: the log must have signed it, and the witness if one is asked for.
func (c *checker) open(what string, content []byte) (*tlog.Tree, error) {
	checkpoint, _, opened, err := f_log.ParseCheckpoint(content, c.origin, c.verifier, c.witness...)
	if err != nil {
		return nil, err
	}
	for _, witness := range c.witness {
		at, found := "", false
		for _, s := range opened.Sigs {
			if s.Name == witness.Name() && s.Hash == witness.KeyHash() {
				found = true
				if time, err := f_note.CoSigV1Timestamp(s); err == nil {
					at = " at " + time.UTC().Format("2006-01-02T15:04:05Z")
				}
			}
		}
		if !found {
			return nil, fmt.Errorf("%s has not cosigned", witness.Name())
		}
		c.say(true, what, fmt.Sprintf("cosigned by %s%s", witness.Name(), at))
	}
	if len(checkpoint.Hash) != tlog.HashSize || checkpoint.Size > 1<<53-1 {
		return nil, fmt.Errorf("a root of %d bytes and a size of %d", len(checkpoint.Hash), checkpoint.Size)
	}
	return &tlog.Tree{N: int64(checkpoint.Size), Hash: tlog.Hash(checkpoint.Hash)}, nil
}
