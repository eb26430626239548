package main

import (
	"encoding/base64"
	"os"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// openSealer returns the Sealer of a file with keys; nil without a file. Its errors
// contain no key.
func openSealer(path string) (carrierfsm.Sealer, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // no Sealer is a valid configuration
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("the sealing keys: %w", err)
	}
	defer clear(text)
	var keys []seal.Key
	number := 0
	for line := range strings.Lines(string(text)) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		id, encoded, _ := strings.Cut(line, " ")
		key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
		if err != nil || len(key) != 32 {
			return nil, usage("%s, line %d: not an id, a space and 32 bytes in base64", path, number)
		}
		keys = append(keys, seal.Key{ID: id, Key: carrierfsm.NewSecret(string(key))})
	}
	sealer, err := seal.New(keys...)
	if err != nil {
		return nil, usage("%s: %w", path, err)
	}
	return sealer, nil
}
