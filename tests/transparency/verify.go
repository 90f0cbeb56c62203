// A second verifier of the log's bundles, on Go's own packages for notes and logs. It shares nothing with the Rust code but the
// format that shared/transparency/src/bundle.rs describes.
//
//	verify KEY BUNDLE            checks signature and inclusion, prints each leaf's index and kind
//	verify -tamper KEY BUNDLE    changes every byte of the bundle in turn; none of the outcomes may be believed
//	verify -claim [-days N] KEYS BUNDLE
//	                             checks completeness, too, and recomputes the uptime that the bundle claims (claim.go)
//	verify -witnessed WITNESSES KEYS BUNDLE
//	                             checks cosignatures, too, and prints until when each witness has seen no other tree (cosigned.go)
package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"flag"
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

// A head is what a checkpoint speaks of.
type head struct {
	origin string
	size   int64
	root   tlog.Hash
}

// signed gives the head that the checkpoint speaks of, if a key of its origin has signed it, and none wrongly.
func signed(checkpoint string, keys []note.Verifier) (h head, err error) {
	h.origin = strings.SplitN(checkpoint, "\n", 2)[0]
	var known []note.Verifier
	for _, key := range keys {
		if key.Name() == h.origin {
			known = append(known, key)
		}
	}
	opened, err := note.Open([]byte(checkpoint), note.VerifierList(known...))
	if err != nil {
		return h, err
	}
	signatures := strings.Split(strings.TrimPrefix(checkpoint, opened.Text+"\n"), "\n")
	if len(signatures) > 65 || len(checkpoint) > 128<<10 {
		return h, errors.New("the checkpoint is too long")
	}
	for _, line := range signatures[:len(signatures)-1] {
		// Go takes signatures with stray bits at their end, and looks at only one of a key; here there is one spelling, and none
		// may be wrong.
		words := strings.Split(line, " ")
		if len(words) != 3 {
			return h, errors.New("no signature line")
		}
		bytes, err := strict.DecodeString(words[2])
		if err != nil || len(bytes) < 5 {
			return h, errors.New("no signature")
		}
		for _, key := range known {
			if words[1] == key.Name() && binary.BigEndian.Uint32(bytes) == key.KeyHash() && !key.Verify([]byte(opened.Text), bytes[4:]) {
				return h, errors.New("one of the signatures is wrong")
			}
		}
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return h, errors.New("no checkpoint of three lines")
	}
	if h.size, err = decimal(lines[1]); err != nil {
		return h, err
	}
	h.root, err = hash(lines[2])
	return h, err
}

func verify(bundle string, keys []note.Verifier) (h head, leaves []leaf, err error) {
	parts := strings.SplitN(bundle, "\n\n", 2)
	head := strings.Split(parts[0], "\n")
	if len(parts) != 2 || len(head) != 2 || head[0] != "transparency-bundle/1" || !strings.HasPrefix(head[1], "leaves ") {
		return h, nil, errors.New("no bundle")
	}
	count, err := decimal(strings.TrimPrefix(head[1], "leaves "))
	if err != nil || count < 1 || count > 10000 {
		return h, nil, errors.New("no count of leaves")
	}
	parts = strings.SplitN(parts[1], "\n\n", int(count)+1)
	if len(parts) != int(count)+1 {
		return h, nil, errors.New("leaves are missing")
	}
	h, err = signed(parts[count], keys)
	if err != nil {
		return h, nil, err
	}
	for _, part := range parts[:count] {
		lines := strings.Split(part, "\n")
		if len(lines) < 2 || !strings.HasPrefix(lines[0], "leaf ") || !strings.HasPrefix(lines[1], "index ") {
			return h, nil, errors.New("no leaf")
		}
		bytes, err := strict.DecodeString(strings.TrimPrefix(lines[0], "leaf "))
		if err != nil {
			return h, nil, err
		}
		index, err := decimal(strings.TrimPrefix(lines[1], "index "))
		if err != nil {
			return h, nil, err
		}
		if len(leaves) > 0 && leaves[len(leaves)-1].index >= index {
			return h, nil, errors.New("leaves are out of order")
		}
		var proof tlog.RecordProof
		for _, line := range lines[2:] {
			sibling, err := hash(line)
			if err != nil {
				return h, nil, err
			}
			proof = append(proof, sibling)
		}
		if len(proof) > 63 || len(bytes) > 65535 {
			return h, nil, errors.New("a leaf is too long")
		}
		if index >= h.size {
			return h, nil, fmt.Errorf("leaf %d is not among the first %d", index, h.size)
		}
		if err := tlog.CheckRecord(proof, h.size, h.root, index, tlog.RecordHash(bytes)); err != nil {
			return h, nil, fmt.Errorf("leaf %d: %v", index, err)
		}
		leaves = append(leaves, leaf{index, bytes})
	}
	return h, leaves, nil
}

func readKeys(path string) (keys []note.Verifier, err error) {
	text, err := os.ReadFile(path)
	for _, line := range strings.Split(string(text), "\n") {
		if line == "" {
			continue
		}
		key, err := note.NewVerifier(line)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, err
}

func run() error {
	tamper := flag.Bool("tamper", false, "change every byte")
	claimed := flag.Bool("claim", false, "recompute the claim")
	days := flag.Int("days", 0, "how many days it is to be about")
	witnessed := flag.String("witnessed", "", "keys of the witnesses that are to have cosigned")
	flag.Parse()
	if flag.NArg() != 2 {
		return errors.New("usage: verify [-tamper | -claim [-days N] | -witnessed WITNESSES] KEYS BUNDLE")
	}
	keys, err := readKeys(flag.Arg(0))
	if err != nil {
		return err
	}
	bundle, err := os.ReadFile(flag.Arg(1))
	if err != nil {
		return err
	}
	h, leaves, err := verify(string(bundle), keys)
	if err != nil {
		return err
	}
	if *claimed {
		claim, err := claimOf(leaves, *days)
		if err == nil {
			claim.print(h)
		}
		return err
	}
	if *witnessed != "" {
		witnesses, err := readWitnesses(*witnessed)
		if err != nil {
			return err
		}
		return printWitnessed(bundle, witnesses)
	}
	if !*tamper {
		for _, leaf := range leaves {
			fmt.Println(leaf.index, strings.SplitN(string(leaf.bytes), "\n", 2)[0])
		}
		return nil
	}
	for at := range bundle {
		for bit := 0; bit < 8; bit++ {
			bundle[at] ^= 1 << bit
			if _, _, err := verify(string(bundle), keys); err == nil {
				return fmt.Errorf("bit %d of byte %d was changed and not noticed", bit, at)
			}
			bundle[at] ^= 1 << bit
		}
	}
	fmt.Println(len(bundle)*8, "changes, all refused")
	return nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "not proven:", err)
		os.Exit(1)
	}
}
