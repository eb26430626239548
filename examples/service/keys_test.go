package main

import (
	"bytes"
	"encoding/base64"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/store/seal"
)

func TestTheKeyFileIsCreatedOnceAndPrivate(t *testing.T) {
	t.Setenv(keyVariable, "")
	folder := t.TempDir()
	o := options{store: "sqlite:" + filepath.Join(folder, "x.db")}
	k, err := openKeys(o, unused)
	require.NoError(t, err)
	file, err := os.Stat(filepath.Join(folder, "x.db.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	again, err := openKeys(o, unused)
	require.NoError(t, err)
	require.Equal(t, k.hash([]byte("13800138000")), again.hash([]byte("13800138000")))
	sealed, err := k.sealer.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	opened, err := again.sealer.Decrypt(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "text", string(opened))

	_, err = openKeys(options{store: "postgres://127.0.0.1/x"}, unused)
	require.ErrorIs(t, err, errUsage, "replicas must share a key")
	require.ErrorContains(t, err, keyVariable)
	t.Setenv(keyVariable, "short")
	_, err = openKeys(o, unused)
	require.ErrorIs(t, err, errUsage)
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	other, err := openKeys(o, unused)
	require.NoError(t, err)
	require.NotEqual(t, k.hash([]byte("13800138000")), other.hash([]byte("13800138000")))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "y.db.key"), []byte("garbage"), 0o600))
	t.Setenv(keyVariable, "")
	_, err = openKeys(options{store: "sqlite:" + filepath.Join(folder, "y.db")}, unused)
	require.ErrorIs(t, err, errUsage)
}

// The command carrierfsm opens with them what the service has sealed, and finds a number.
func TestTheExportedKeysAreThoseOfTheService(t *testing.T) {
	t.Setenv(keyVariable, "")
	folder := t.TempDir()
	o := options{store: "sqlite:" + filepath.Join(folder, "x.db")}
	export := func(store string) (code int, errs string) {
		var text bytes.Buffer
		code = run(t.Context(), []string{"-store", store, "-export-keys", folder}, io.Discard, &text)
		return code, text.String()
	}
	code, errs := export(o.store)
	require.Equal(t, 2, code)
	require.Contains(t, errs, "only its key opens", "it creates no key")
	k, err := openKeys(o, unused)
	require.NoError(t, err)
	code, errs = export(o.store)
	require.Zero(t, code, errs)

	id, key, _ := strings.Cut(readPrivate(t, filepath.Join(folder, "keys")), " ")
	raw, err := base64.StdEncoding.DecodeString(key)
	require.NoError(t, err)
	sealer, err := seal.New(seal.Key{ID: id, Key: carrierfsm.NewSecret(string(raw))})
	require.NoError(t, err)
	sealed, err := k.sealer.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	opened, err := sealer.Decrypt(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "text", string(opened))
	raw, err = base64.StdEncoding.DecodeString(readPrivate(t, filepath.Join(folder, "secret")))
	require.NoError(t, err)
	numbers, err := budget.NewNumbers(raw)
	require.NoError(t, err)
	number, err := numbers.Key("13800138000")
	require.NoError(t, err)
	require.Equal(t, k.hash([]byte("13800138000")), number)

	code, errs = export(o.store)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "exists", "it replaces no file")
	code, errs = export("memory")
	require.Equal(t, 2, code)
	require.Contains(t, errs, "no lasting key")
}

// readPrivate returns the line of a file that only this user can read.
func readPrivate(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}

func unused() (bool, error) { return false, nil }

// Another key would not open what is there.
func TestAKeyThatIsMissingIsNotReplaced(t *testing.T) {
	t.Setenv(keyVariable, "")
	o := testOptions(newAggregator(t)).onSQLite(t)
	path, _ := sqlitePath(o.store)
	r := start(t, o)
	r.stop()
	require.NoError(t, os.Remove(path+".key"))
	r = start(t, o) // there is nothing yet that the key would have to open
	first := newAPIClient(t, r, "plain")
	first.apply()
	r.stop()
	key, err := os.ReadFile(path + ".key")
	require.NoError(t, err)
	require.NoError(t, os.Remove(path+".key"))
	var errs bytes.Buffer
	args := []string{"-addr", "127.0.0.1:0", "-store", o.store}
	require.Equal(t, 2, run(t.Context(), args, io.Discard, &errs))
	require.Contains(t, errs.String(), "it has verifications, which only its key opens")
	require.NoFileExists(t, path+".key")

	require.NoError(t, os.WriteFile(path+".key", key, 0o600))
	require.NoError(t, os.Chmod(path+".key", 0o640))
	errs.Reset()
	require.Equal(t, 2, run(t.Context(), args, io.Discard, &errs))
	require.Contains(t, errs.String(), "chmod 600")
	require.NoError(t, os.Chmod(path+".key", 0o600))
	r = start(t, o)
	newAPIClient(t, r, "plain").apply()
	first.url = r.url
	require.False(t, first.get().Screen.Live, "the other has taken its place: the hash of the number is the same")
}
