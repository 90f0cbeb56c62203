package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A witness verifies cosignatures (C2SP tlog-cosignature) as Go's note package verifies signatures.
type witness struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }

// Verify tells whether a signature is the time it was made at, and Ed25519 over that time and the text.
func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize || binary.BigEndian.Uint64(signature) >= 253402300800 {
		return false
	}
	signed := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))), text...)
	return ed25519.Verify(w.key, signed, signature[8:])
}

func readWitnesses(path string) (witnesses []witness, err error) {
	text, err := os.ReadFile(path)
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		parts := strings.SplitN(line, "+", 3)
		if len(parts) != 3 {
			return nil, errors.New("no key of a witness")
		}
		key, err := base64.StdEncoding.DecodeString(parts[2])
		if err != nil || len(key) != 1+ed25519.PublicKeySize || key[0] != 4 {
			return nil, errors.New("no key of a witness")
		}
		sum := sha256.Sum256(append([]byte(parts[0]+"\n"), key...))
		if fmt.Sprintf("%x", sum[:4]) != parts[1] {
			return nil, errors.New("the id of a witness's key is wrong")
		}
		witnesses = append(witnesses, witness{parts[0], binary.BigEndian.Uint32(sum[:]), key[1:]})
	}
	return witnesses, err
}

// printWitnessed prints until when each of the witnesses has cosigned the checkpoint at the end of a bundle that was verified.
func printWitnessed(bundle []byte, witnesses []witness) error {
	signatures := bundle[bytes.LastIndex(bundle, []byte("\n\n"))+2:]
	text := bundle[:len(bundle)-len(signatures)-1]
	text = text[bytes.LastIndex(text, []byte("\n\n"))+2:]
	var lines strings.Builder
	for _, witness := range witnesses {
		// Go's own reading, which looks at one signature of each key.
		if _, err := note.Open(append(append(append([]byte{}, text...), '\n'), signatures...), note.VerifierList(witness)); err != nil {
			return fmt.Errorf("%s has not cosigned: %v", witness.name, err)
		}
		var latest uint64
		for _, line := range strings.Split(string(signatures), "\n") {
			words := strings.Split(line, " ")
			if len(words) != 3 || words[1] != witness.name {
				continue
			}
			signature, err := strict.DecodeString(words[2])
			if err != nil || binary.BigEndian.Uint32(signature) != witness.hash {
				continue
			}
			if !witness.Verify(text, signature[4:]) {
				return fmt.Errorf("a cosignature of %s is wrong", witness.name)
			}
			if at := binary.BigEndian.Uint64(signature[4:]); at > latest {
				latest = at
			}
		}
		fmt.Fprintf(&lines, "witnessed by %s until %s\n", witness.name, time.Unix(int64(latest), 0).UTC().Format("2006-01-02T15:04:05Z"))
	}
	fmt.Print(lines.String())
	return nil
}
