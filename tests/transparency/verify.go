// A second verifier of the log's bundles, on Go's own packages for notes and logs. It shares nothing with the Rust code but the
// format that shared/transparency/src/bundle.rs describes.
//
//	verify KEY BUNDLE            checks signature and inclusion, prints each leaf's index and kind
//	verify -tamper KEY BUNDLE    changes every byte of the bundle in turn; none of the outcomes may be believed
package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var strict = base64.StdEncoding.Strict()

type leaf struct {
	index int64
	bytes []byte
}

// decimal reads a number in its one spelling.
func decimal(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != text {
		return 0, fmt.Errorf("%q is no number", text)
	}
	return n, nil
}

func hash(text string) (h tlog.Hash, err error) {
	bytes, err := strict.DecodeString(text)
	if err != nil || len(bytes) != len(h) {
		return h, fmt.Errorf("%q is no hash", text)
	}
	copy(h[:], bytes)
	return h, nil
}

// signed gives the head that the checkpoint speaks of, if the key has signed it.
func signed(checkpoint string, key note.Verifier) (size int64, root tlog.Hash, err error) {
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(key))
	if err != nil {
		return 0, root, err
	}
	for _, line := range strings.Split(strings.TrimPrefix(checkpoint, opened.Text+"\n"), "\n") {
		// Go takes signatures with stray bits at their end; there is one spelling here.
		if words := strings.Split(line, " "); len(words) == 3 {
			if _, err := strict.DecodeString(words[2]); err != nil {
				return 0, root, err
			}
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != key.Name() || lines[3] != "" {
		return 0, root, errors.New("no checkpoint of this log")
	}
	if size, err = decimal(lines[1]); err != nil {
		return 0, root, err
	}
	root, err = hash(lines[2])
	return size, root, err
}

func verify(bundle string, key note.Verifier) ([]leaf, error) {
	parts := strings.SplitN(bundle, "\n\n", 2)
	head := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(head) != 2 || head[0] != "transparency-bundle/1" || !strings.HasPrefix(head[1], "leaves ") {
		return nil, errors.New("no bundle")
	}
	count, err := decimal(strings.TrimPrefix(head[1], "leaves "))
	if err != nil || count < 1 || count > 10000 {
		return nil, errors.New("no count of leaves")
	}
	parts = strings.SplitN(parts[1], "\n\n", int(count)+1)
	if len(parts) != int(count)+1 {
		return nil, errors.New("leaves are missing")
	}
	size, root, err := signed(parts[count], key)
	if err != nil {
		return nil, err
	}
	var leaves []leaf
	for _, part := range parts[:count] {
		lines := strings.Split(part, "\n")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "leaf ") || !strings.HasPrefix(lines[1], "index ") {
			return nil, errors.New("no leaf")
		}
		bytes, err := strict.DecodeString(strings.TrimPrefix(lines[0], "leaf "))
		if err != nil {
			return nil, err
		}
		index, err := decimal(strings.TrimPrefix(lines[1], "index "))
		if err != nil {
			return nil, err
		}
		if len(leaves) > 0 && leaves[len(leaves)-1].index >= index {
			return nil, errors.New("leaves are out of order")
		}
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			h, err := hash(line)
			if err != nil {
				return nil, err
			}
			proof = append(proof, h)
		}
		if index >= size {
			return nil, fmt.Errorf("leaf %d is not among the first %d", index, size)
		}
		if err := tlog.CheckRecord(proof, size, root, index, tlog.RecordHash(bytes)); err != nil {
			return nil, fmt.Errorf("leaf %d: %v", index, err)
		}
		leaves = append(leaves, leaf{index, bytes})
	}
	return leaves, nil
}

func run(args []string) error {
	tamper := len(args) == 3 && args[0] == "-tamper"
	if tamper {
		args = args[1:]
	}
	if len(args) != 2 {
		return errors.New("usage: verify [-tamper] KEY BUNDLE")
	}
	text, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	key, err := note.NewVerifier(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	bundle, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	leaves, err := verify(string(bundle), key)
	if err != nil {
		return err
	}
	if !tamper {
		for _, leaf := range leaves {
			fmt.Println(leaf.index, strings.SplitN(string(leaf.bytes), "\n", 2)[0])
		}
		return nil
	}
	for at := range bundle {
		for bit := 0; bit < 8; bit++ {
			bundle[at] ^= 1 << bit
			if _, err := verify(string(bundle), key); err == nil {
				return fmt.Errorf("bit %d of byte %d was changed and not noticed", bit, at)
			}
			bundle[at] ^= 1 << bit
		}
	}
	fmt.Println(len(bundle)*8, "changes, all refused")
	return nil
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
