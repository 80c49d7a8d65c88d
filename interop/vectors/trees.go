package main

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

type root struct {
	Size int64     `json:"size"`
	Root tlog.Hash `json:"root"`
}

func trees(t *tree) []root {
	var roots []root
	for size := range int64(130) {
		roots = append(roots, root{size, t.root(size)})
	}
	for _, size := range []int64{254, 255, 256, 257, 258, 511, 512, 513, 1000, 4095, 4096, 4097, 65535, 65536, 65537, 70000} {
		roots = append(roots, root{size, t.root(size)})
	}
	return roots
}

type inclusion struct {
	Index int64            `json:"index"`
	Size  int64            `json:"size"`
	Leaf  tlog.Hash        `json:"leaf"`
	Root  tlog.Hash        `json:"root"`
	Proof tlog.RecordProof `json:"proof"`
	Why   string           `json:"why,omitempty"`
}

type consistency struct {
	From     int64          `json:"from"`
	FromRoot tlog.Hash      `json:"fromRoot"`
	Size     int64          `json:"size"`
	Root     tlog.Hash      `json:"root"`
	Proof    tlog.TreeProof `json:"proof"`
	Why      string         `json:"why,omitempty"`
}

type proofs struct {
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

func validProofs(t *tree) proofs {
	var p proofs
	include := func(index, size int64) { p.Inclusion = append(p.Inclusion, prove(t, index, size)) }
	consist := func(from, size int64) { p.Consistency = append(p.Consistency, proveGrowth(t, from, size)) }
	for size := int64(1); size <= 9; size++ {
		for index := range size {
			include(index, size)
			consist(index+1, size)
		}
	}
	for _, size := range []int64{255, 256, 257, 1000, 65535, 65536, 65537, 70000} {
		for _, index := range []int64{0, size / 3, size - 1} {
			include(index, size)
			consist(index+1, size)
		}
	}
	return p
}

func prove(t *tree, index, size int64) inclusion {
	p := inclusion{Index: index, Size: size, Leaf: tlog.RecordHash(entry(index)), Root: t.root(size)}
	p.Proof = must(tlog.ProveRecord(size, index, t))
	check(tlog.CheckRecord(p.Proof, size, p.Root, index, p.Leaf))
	return p
}

func proveGrowth(t *tree, from, size int64) consistency {
	p := consistency{From: from, FromRoot: t.root(from), Size: size, Root: t.root(size)}
	p.Proof = must(tlog.ProveTree(size, from, t))
	check(tlog.CheckTree(p.Proof, size, p.Root, from, p.FromRoot))
	return p
}

func invalidProofs(t *tree) proofs {
	var p proofs
	for _, size := range []int64{2, 7, 257} {
		index := size / 2
		for why, alter := range map[string]func(*inclusion){
			"a changed hash":      func(p *inclusion) { p.Proof[0][0] ^= 1 },
			"a hash left out":     func(p *inclusion) { p.Proof = p.Proof[1:] },
			"a hash too many":     func(p *inclusion) { p.Proof = append(p.Proof, p.Leaf) },
			"the hashes reversed": func(p *inclusion) { slices.Reverse(p.Proof); p.Proof = append(p.Proof, p.Root) },
			"another leaf":        func(p *inclusion) { p.Leaf[31] ^= 0x80 },
			"another index":       func(p *inclusion) { p.Index = 0 },
			"an index beyond":     func(p *inclusion) { p.Index = p.Size },
			"another root":        func(p *inclusion) { p.Root[5] ^= 4 },
			"another size":        func(p *inclusion) { p.Size *= 2 },
		} {
			bad := prove(t, index, size)
			alter(&bad)
			bad.Why = why
			mustRefuse(why, tlog.CheckRecord(bad.Proof, bad.Size, bad.Root, bad.Index, bad.Leaf))
			p.Inclusion = append(p.Inclusion, bad)
		}
	}
	for _, size := range []int64{3, 9, 257} {
		from := size/2 + 1
		for why, alter := range map[string]func(*consistency){
			"a changed hash":         func(p *consistency) { p.Proof[0][0] ^= 1 },
			"a hash left out":        func(p *consistency) { p.Proof = p.Proof[1:] },
			"a hash too many":        func(p *consistency) { p.Proof = append(p.Proof, p.Root) },
			"another older root":     func(p *consistency) { p.FromRoot[31] ^= 0x80 },
			"another root":           func(p *consistency) { p.Root[5] ^= 4 },
			"another older size":     func(p *consistency) { p.From-- },
			"the trees the way back": func(p *consistency) { p.From, p.Size = p.Size, p.From },
		} {
			bad := proveGrowth(t, from, size)
			alter(&bad)
			bad.Why = why
			mustRefuse(why, tlog.CheckTree(bad.Proof, bad.Size, bad.Root, bad.From, bad.FromRoot))
			p.Consistency = append(p.Consistency, bad)
		}
	}
	// Maps come in any order; the file must not.
	slices.SortFunc(p.Inclusion, func(a, b inclusion) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	slices.SortFunc(p.Consistency, func(a, b consistency) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return p
}

type growth struct {
	From  int64             `json:"from"`
	Size  int64             `json:"size"`
	Tiles map[string]string `json:"tiles"`
}

// tiles lists the paths of the tiles that a growth brings, and the SHA-256 of each.
func tiles(t *tree) []growth {
	var growths []growth
	for _, step := range [][2]int64{
		{0, 1}, {0, 3}, {0, 255}, {0, 256}, {0, 257}, {254, 255}, {255, 256}, {256, 257}, {255, 258},
		{600, 1100}, {65534, 65535}, {65535, 65536}, {65536, 65537}, {65535, 65537}, {69000, 70000},
	} {
		g := growth{From: step[0], Size: step[1], Tiles: map[string]string{}}
		for _, tile := range tlog.NewTiles(8, g.From, g.Size) {
			hash := sha256.Sum256(must(tlog.ReadTileData(tile, t)))
			g.Tiles[tilePath(tile)] = fmt.Sprintf("%x", hash)
		}
		growths = append(growths, g)
	}
	return growths
}

// tilePath is the path of C2SP tlog-tiles: without the height, which is always 8.
func tilePath(tile tlog.Tile) string {
	return "tile/" + strings.TrimPrefix(tile.Path(), "tile/8/")
}
