// Reads a folder of a Scripta log (checkpoint, tiles, entries, one proof) with what the Go project checks its own
// checksum database with, and prints what it found. Nothing of Scripta is used.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func fail(format string, args ...any) { must(0, fmt.Errorf(format, args...)) }

type tiles struct{ folder string }

func (tiles) Height() int                     { return 8 }
func (tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t tiles) ReadTiles(asked []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range asked {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func signedTree(folder, name string, verifier note.Verifier) tlog.Tree {
	text := must(os.ReadFile(filepath.Join(folder, name)))
	opened := must(note.Open(text, note.VerifierList(verifier)))
	lines := strings.Split(opened.Text, "\n")
	if lines[0] != verifier.Name() {
		fail("the checkpoint is of %s", lines[0])
	}
	tree := tlog.Tree{N: must(strconv.ParseInt(lines[1], 10, 64))}
	copy(tree.Hash[:], must(base64.StdEncoding.DecodeString(lines[2])))
	return tree
}

func entries(folder string, size int64) [][]byte {
	var all [][]byte
	for n := int64(0); n*256 < size; n++ {
		path := fmt.Sprintf("tile/entries/%03d", n)
		if width := size - n*256; width < 256 {
			path += fmt.Sprintf(".p/%d", width)
		}
		for bundle := must(os.ReadFile(filepath.Join(folder, path))); len(bundle) > 0; {
			length := int(binary.BigEndian.Uint16(bundle))
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	return all
}

func main() {
	folder := os.Args[1]
	verifier := must(note.NewVerifier(strings.TrimSpace(os.Args[2])))
	tree := signedTree(folder, "checkpoint", verifier)
	reader := tlog.TileHashReader(tree, tiles{folder})
	all := entries(folder, tree.N)
	if int64(len(all)) != tree.N {
		fail("%d entries under a checkpoint of %d", len(all), tree.N)
	}
	for index, entry := range all {
		proof := must(tlog.ProveRecord(tree.N, int64(index), reader))
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(index), tlog.RecordHash(entry)); err != nil {
			fail("entry %d: %v", index, err)
		}
	}
	earlier := signedTree(folder, "earlier", verifier)
	growth := must(tlog.ProveTree(tree.N, earlier.N, reader))
	if err := tlog.CheckTree(growth, tree.N, tree.Hash, earlier.N, earlier.Hash); err != nil {
		fail("from %d to %d: %v", earlier.N, tree.N, err)
	}
	lines := strings.Split(string(bytes.SplitN(must(os.ReadFile(filepath.Join(folder, "proof"))), []byte("\n\n"), 2)[0]), "\n")
	index := must(strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64))
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		var hash tlog.Hash
		copy(hash[:], must(base64.StdEncoding.DecodeString(line)))
		proof = append(proof, hash)
	}
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(all[index])); err != nil {
		fail("the proof of %d: %v", index, err)
	}
	fmt.Printf("%d entries, from %d, proof of %d\n", tree.N, earlier.N, index)
}
