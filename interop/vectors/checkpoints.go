package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	f_log "github.com/transparency-dev/formats/log"
	f_note "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/formats/proof"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var errCosignature = errors.New("the library reads another time from our cosignature")

const witnessTime = 1_700_000_000

type cosigned struct {
	Witness string `json:"witness"`
	Time    uint64 `json:"time"`
}

type checkpoint struct {
	Why       string   `json:"why"`
	Key       string   `json:"key"`
	Witnesses []string `json:"witnesses,omitempty"`
	Note      string   `json:"note"`
	// Of a valid checkpoint.
	Origin       string     `json:"origin,omitempty"`
	Size         uint64     `json:"size,omitempty"`
	Root         string     `json:"root,omitempty"`
	Cosignatures []cosigned `json:"cosignatures,omitempty"`
}

func checkpointText(t *tree, origin string, size int64) string {
	return fmt.Sprintf("%s\n%d\n%s\n", origin, size, t.root(size))
}

func validCheckpoints(t *tree) []checkpoint {
	var all []checkpoint
	add := func(why, signed string, witnesses ...key) {
		parsed, _, opened, err := f_log.ParseCheckpoint([]byte(signed), demo.name, demo.verifier(), cosigners(witnesses)...)
		check(err)
		c := checkpoint{Why: why, Key: demo.vkey, Note: signed, Origin: parsed.Origin, Size: parsed.Size, Root: base64Of(parsed.Hash)}
		for _, k := range witnesses {
			c.Witnesses = append(c.Witnesses, must(f_note.VKeyToCosignatureV1(k.vkey)))
		}
		for _, s := range opened.Sigs {
			if s.Name == witness.name {
				c.Cosignatures = append(c.Cosignatures, cosigned{s.Name, witnessTime})
			}
		}
		all = append(all, c)
	}
	for _, size := range []int64{0, 1, 256, 70000} {
		add(fmt.Sprintf("of %d entries", size), sign(checkpointText(t, demo.name, size), demo))
	}
	three := sign(checkpointText(t, demo.name, 3), demo)
	add("cosigned", cosign(three, witness, witnessTime), witness)
	add("cosigned by an unknown witness", cosign(three, witness, witnessTime))
	add("signed by the log twice over, with two keys", sign(checkpointText(t, demo.name, 3), namesake, demo))
	return all
}

func invalidCheckpoints(t *tree) []checkpoint {
	var all []checkpoint
	add := func(why, signed string, witnesses ...key) {
		_, _, _, err := f_log.ParseCheckpoint([]byte(signed), demo.name, demo.verifier(), cosigners(witnesses)...)
		mustRefuse(why, err)
		c := checkpoint{Why: why, Key: demo.vkey, Note: signed}
		for _, k := range witnesses {
			c.Witnesses = append(c.Witnesses, must(f_note.VKeyToCosignatureV1(k.vkey)))
		}
		all = append(all, c)
	}
	text := checkpointText(t, demo.name, 3)
	good := sign(text, demo)
	root := t.root(3).String()
	add("another size", strings.Replace(good, "\n3\n", "\n4\n", 1))
	add("another root", strings.Replace(good, root[:4], "AAAA", 1))
	add("another origin", strings.Replace(good, "demo\n3", "demi\n3", 1))
	add("of another log, signed by this one", sign(checkpointText(t, "ledger.example/else", 3), demo))
	add("signed by another log", sign(text, other))
	add("signed by a witness alone", strings.Replace(cosign(good, witness, 1), strings.SplitAfter(good, "\n\n")[1], "", 1), witness)
	add("the cosignature of another checkpoint", good+strings.SplitAfter(cosign(sign(checkpointText(t, demo.name, 4), demo), witness, 1), "\n")[5], witness)
	add("no root", sign(demo.name+"\n3\n", demo))
	add("no size", sign(demo.name+"\n"+root+"\n", demo))
	add("a size that is no number", sign(demo.name+"\nthree\n"+root+"\n", demo))
	add("a negative size", sign(demo.name+"\n-3\n"+root+"\n", demo))
	add("a root that is not base64", sign(demo.name+"\n3\n!\n", demo))
	return all
}

func cosigners(keys []key) []note.Verifier {
	var all []note.Verifier
	for _, k := range keys {
		all = append(all, must(f_note.NewVerifierForCosignatureV1(k.vkey)))
	}
	return all
}

type tlogProof struct {
	Why   string `json:"why"`
	Key   string `json:"key"`
	Entry string `json:"entry"`
	Proof string `json:"proof"`
}

func validTlogProofs(t *tree) []tlogProof {
	var all []tlogProof
	for _, at := range [][2]int64{{0, 1}, {1, 3}, {255, 257}, {65535, 70000}} {
		all = append(all, tlogProof{fmt.Sprint(at), demo.vkey, string(entry(at[0])), tlogProofOf(t, at[0], at[1], nil)})
	}
	return append(all, tlogProof{"extra data", demo.vkey, string(entry(1)), tlogProofOf(t, 1, 3, []byte("extra"))})
}

func tlogProofOf(t *tree, index, size int64, extra []byte) string {
	p := proof.TLogProof{Index: uint64(index), ExtraData: extra}
	for _, h := range must(tlog.ProveRecord(size, index, t)) {
		p.Hashes = append(p.Hashes, h)
	}
	p.Checkpoint = []byte(sign(checkpointText(t, demo.name, size), demo))
	text := string(p.Marshal())
	check(verifyTlogProof(text, entry(index)))
	return text
}

func invalidTlogProofs(t *tree) []tlogProof {
	good := tlogProofOf(t, 1, 3, nil)
	var all []tlogProof
	for why, text := range map[string]string{
		"another index":              strings.Replace(good, "index 1", "index 0", 1),
		"an index beyond":            strings.Replace(good, "index 1", "index 3", 1),
		"no index":                   strings.Replace(good, "index 1\n", "", 1),
		"an index that is no number": strings.Replace(good, "index 1", "index one", 1),
		"another version":            strings.Replace(good, "proof@v1", "proof@v2", 1),
		"a hash left out":            strings.Replace(good, lineOf(good, 2), "", 1),
		"a hash twice":               strings.Replace(good, lineOf(good, 2), lineOf(good, 2)+lineOf(good, 2), 1),
		"the hashes exchanged":       strings.Replace(good, lineOf(good, 2)+lineOf(good, 3), lineOf(good, 3)+lineOf(good, 2), 1),
		"a short hash":               strings.Replace(good, lineOf(good, 2), lineOf(good, 2)[4:], 1),
		"no checkpoint":              strings.SplitAfter(good, "\n\n")[0],
		"a checkpoint not signed":    strings.Join(strings.SplitAfter(good, "\n\n")[:2], ""),
		"a checkpoint altered":       strings.Replace(good, "\n3\n", "\n2\n", 1),
		"cut off":                    good[:len(good)-10],
	} {
		mustRefuse(why, verifyTlogProof(text, entry(1)))
		all = append(all, tlogProof{why, demo.vkey, string(entry(1)), text})
	}
	mustRefuse("another entry", verifyTlogProof(good, entry(2)))
	all = append(all, tlogProof{"another entry", demo.vkey, string(entry(2)), good})
	slices.SortFunc(all, func(a, b tlogProof) int { return strings.Compare(a.Why, b.Why) })
	return all
}

func lineOf(text string, n int) string {
	return strings.SplitAfter(text, "\n")[n]
}

func verifyTlogProof(text string, entry []byte) error {
	var p proof.TLogProof
	if err := p.Unmarshal([]byte(text)); err != nil {
		return err
	}
	c, _, _, err := f_log.ParseCheckpoint(p.Checkpoint, demo.name, demo.verifier())
	if err != nil {
		return err
	}
	hashes := make(tlog.RecordProof, len(p.Hashes))
	for i, h := range p.Hashes {
		hashes[i] = h
	}
	return tlog.CheckRecord(hashes, int64(c.Size), tlog.Hash(c.Hash), int64(p.Index), tlog.RecordHash(entry))
}

// logFiles are the files of a whole log.
func logFiles(t *tree, size int64) map[string][]byte {
	files := map[string][]byte{"checkpoint": []byte(sign(checkpointText(t, demo.name, size), demo))}
	for _, tile := range tlog.NewTiles(8, 0, size) {
		files[tilePath(tile)] = must(tlog.ReadTileData(tile, t))
		if tile.L == 0 {
			files[strings.Replace(tilePath(tile), "tile/0/", "tile/entries/", 1)] = bundle(tile.N*256, tile.W)
		}
	}
	return files
}

func bundle(first int64, width int) []byte {
	var b []byte
	for n := first; n < first+int64(width); n++ {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(entry(n)))), entry(n)...)
	}
	return b
}

type damage struct {
	Why string `json:"why"`
	// The new content of files in base64, null for a file that is gone.
	Files map[string]*string `json:"files"`
	// The files that a verifier must name.
	Named []string `json:"named"`
}

func damages(files map[string][]byte) []damage {
	var all []damage
	add := func(why, path string, alter func([]byte) []byte) {
		var content *string
		if altered := alter(slices.Clone(files[path])); altered != nil {
			text := base64Of(altered)
			content = &text
		}
		all = append(all, damage{why, map[string]*string{path: content}, []string{path}})
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		add("a bit changed", path, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		add("gone", path, func([]byte) []byte { return nil })
		// A cut is small enough for the file of vectors only where little is left.
		add("cut off", path, func(b []byte) []byte { return b[:5] })
	}
	return all
}

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

func bigEndian(n uint64, length int) []byte {
	return binary.BigEndian.AppendUint64(nil, n)[8-length:]
}
