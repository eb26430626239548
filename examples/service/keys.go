package main

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

// keyVariable is the environment variable of the key: 32 bytes in base64.
const keyVariable = "CARRIERFSM_SERVICE_KEY"

// keys are derived from one key of 32 bytes, each for one purpose.
type keys struct {
	sealer  carrierfsm.Sealer // seals the store, and the carried password
	numbers budget.Numbers    // for keyed hashes of phone numbers
}

// openKeys returns the keys. The environment takes precedence: all replicas on one
// PostgreSQL need the same key, which a host takes from its secret store. Without it
// the key of a SQLite database is in a file next to it, created at the first start
// and readable only by this user. The database can be copied without the key; with
// both files everything can be read. A store in memory needs no lasting key.
//
// used reports whether the database has verifications: then a key that is missing is
// an error, since another one would not open them.
func openKeys(o options, used func() (bool, error)) (keys, error) {
	master, err := openMaster(o, used)
	if err != nil {
		return keys{}, err
	}
	return makeKeys(master)
}

// openMaster returns the key that the others are derived from.
func openMaster(o options, used func() (bool, error)) (string, error) {
	master, err := environmentKey(o.store)
	path, isFile := sqlitePath(o.store)
	switch {
	case err != nil || master != "":
		return master, err
	case isFile:
		return keyFile(path+".key", used)
	default:
		return rand.Text(), nil
	}
}

// exportKeys writes the derived keys to the folder, as cmd/carrierfsm reads them: the
// file keys for its -key-file, and secret for its -secret-file. It creates no key and
// replaces no file.
func exportKeys(o options, folder string) error {
	if _, isFile := sqlitePath(o.store); !isFile && !isPostgres(o.store) {
		return fmt.Errorf("a store in memory has no lasting key: %w", errUsage)
	}
	master, err := openMaster(o, func() (bool, error) { return true, nil })
	if err != nil {
		return err
	}
	sealKey, number, err := derive(master)
	if err != nil {
		return err
	}
	encode := base64.StdEncoding.EncodeToString
	return errors.Join(
		createPrivate(filepath.Join(folder, "keys"), sealKeyID+" "+encode([]byte(sealKey))),
		createPrivate(filepath.Join(folder, "secret"), encode([]byte(number))))
}

// createPrivate creates a file that only this user can read.
func createPrivate(path, line string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(file, line)
	return errors.Join(err, file.Close())
}

// environmentKey returns the key of the environment, empty without one. It refuses
// an invalid one, and a store that can't be used without.
func environmentKey(store string) (string, error) {
	text := os.Getenv(keyVariable)
	if text == "" && isShared(store) {
		return "", fmt.Errorf("a PostgreSQL store needs %s, the same for all replicas: openssl rand -base64 32: %w", keyVariable, errUsage)
	}
	if text == "" {
		return "", nil
	}
	key, err := decodeKey(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", keyVariable, err)
	}
	return key, nil
}

// keyFile returns the key of the file, which it creates if the database is not used yet.
func keyFile(path string, used func() (bool, error)) (string, error) {
	text, err := readKeyFile(path)
	if errors.Is(err, os.ErrNotExist) {
		if err = createUnlessUsed(path, used); err == nil {
			text, err = readKeyFile(path) // this one, or that of another process
		}
	}
	if err != nil {
		return "", fmt.Errorf("no key for the database: %w: %w", err, errUsage)
	}
	key, err := decodeKey(strings.TrimSpace(text))
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}

// readKeyFile refuses a file that others can read.
func readKeyFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err == nil && info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows" {
		return "", fmt.Errorf("others can read %s: chmod 600", path)
	}
	text, err := os.ReadFile(path)
	return string(text), err
}

func createUnlessUsed(path string, used func() (bool, error)) error {
	isUsed, err := used()
	switch {
	case err != nil:
		return err
	case !isUsed:
		return createKeyFile(path)
	}
	if _, err = os.Stat(path); err != nil { // nor has another process created it since
		return fmt.Errorf("it has verifications, which only its key opens: %w", err)
	}
	return nil
}

// createKeyFile creates the file, whole or not at all. Of two processes one creates it.
func createKeyFile(path string) error {
	fresh := make([]byte, 32)
	_, _ = rand.Read(fresh)                                                  // never fails, by its contract
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(file.Name()) }()
	_, err = fmt.Fprintln(file, base64.StdEncoding.EncodeToString(fresh))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err = os.Link(file.Name(), path); errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

func decodeKey(text string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 32 {
		return "", fmt.Errorf("the key is not 32 bytes in base64: %w", errUsage)
	}
	return string(key), nil
}

// sealKeyID names the sealing key in what it sealed.
const sealKeyID = "1"

func makeKeys(master string) (k keys, err error) {
	sealKey, number, err := derive(master)
	if err != nil {
		return keys{}, err
	}
	if k.numbers, err = budget.NewNumbers([]byte(number)); err != nil {
		return keys{}, err
	}
	k.sealer, err = seal.New(seal.Key{ID: sealKeyID, Key: carrierfsm.NewSecret(sealKey)})
	return k, err
}

// derive returns the sealing key and the secret of the hashes of numbers.
func derive(master string) (sealKey, number string, err error) {
	key := func(purpose string) (string, error) {
		b, err := hkdf.Key(sha256.New, []byte(master), nil, "carrierfsm service "+purpose, 32)
		return string(b), err
	}
	sealKey, err1 := key("seal")
	number, err2 := key("number")
	return sealKey, number, errors.Join(err1, err2)
}

// hash returns a keyed hash of a phone number, for NewVerification.Key: a hash of
// eleven digits without a key can be reversed in seconds.
func (k keys) hash(phone []byte) string {
	key, _ := k.numbers.Key(string(phone)) // the number was read by package typed
	return key
}
