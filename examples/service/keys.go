package main

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/carrierfsm/carrierfsm"
)

// keyVariable is the environment's key: 32 bytes in base64.
const keyVariable = "CARRIERFSM_SERVICE_KEY"

// keys are made of one key of 32 bytes, each for one purpose.
type keys struct {
	sealer carrierfsm.Sealer // seals what is stored, and the carried password
	number []byte            // makes keyed hashes of phone numbers
}

// openKeys finds the key. The environment comes first: several replicas on one
// PostgreSQL must have the same, and a host takes it from where it keeps its
// secrets. Without it a SQLite file has its key in a file of its own beside it,
// made at the first start and readable by this user alone: enough to go on
// after a restart, and to give the database away without the key; whoever can
// read both can read all. What is kept in memory needs no key that lasts.
func openKeys(o options) (keys, error) {
	path, isFile := sqlitePath(o.store)
	switch text := os.Getenv(keyVariable); {
	case text != "":
		return decodeKey(text)
	case isFile:
		return keyFile(path + ".key")
	case o.store == "memory":
		return makeKeys(rand.Text())
	default:
		return keys{}, fmt.Errorf("a PostgreSQL store needs %s, the same for all replicas: openssl rand -base64 32: %w", keyVariable, errUsage)
	}
}

// keyFile reads the key, or makes it where there is no such file. Of two
// processes that make it at once one loses, and reads.
func keyFile(path string) (keys, error) {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh) // never fails, by its contract
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(fresh))
		if err = errors.Join(err, file.Close()); err != nil {
			return keys{}, err
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return keys{}, fmt.Errorf("no key: %w: %w", err, errUsage)
	}
	k, err := decodeKey(strings.TrimSpace(string(text)))
	if err != nil {
		return keys{}, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

func decodeKey(text string) (keys, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return keys{}, fmt.Errorf("the key is not 32 bytes in base64: %w", errUsage)
	}
	return makeKeys(string(key))
}

func makeKeys(master string) (k keys, err error) {
	seal, err1 := hkdf.Key(sha256.New, []byte(master), nil, "carrierfsm service seal", 32)
	number, err2 := hkdf.Key(sha256.New, []byte(master), nil, "carrierfsm service number", 32)
	if err := errors.Join(err1, err2); err != nil {
		return keys{}, err
	}
	k.number = number
	k.sealer, err = carrierfsm.NewSealer(carrierfsm.SealKey{ID: "1", Key: carrierfsm.NewSecret(string(seal))})
	return k, err
}

// hash is a keyed hash of a phone number, as Create's Key wants it: a plain
// hash of eleven digits is undone in seconds.
func (k keys) hash(phone string) string {
	h := hmac.New(sha256.New, k.number)
	h.Write([]byte(phone))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}
