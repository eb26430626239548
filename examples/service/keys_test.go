package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTheKeyFileIsCreatedOnceAndPrivate(t *testing.T) {
	t.Setenv(keyVariable, "")
	folder := t.TempDir()
	o := options{store: "sqlite:" + filepath.Join(folder, "x.db")}
	k, err := openKeys(o)
	require.NoError(t, err)
	file, err := os.Stat(filepath.Join(folder, "x.db.key"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), file.Mode().Perm())
	again, err := openKeys(o)
	require.NoError(t, err)
	require.Equal(t, k.hash([]byte("13800138000")), again.hash([]byte("13800138000")))
	sealed, err := k.sealer.Encrypt([]byte("text"), nil)
	require.NoError(t, err)
	opened, err := again.sealer.Decrypt(sealed, nil)
	require.NoError(t, err)
	require.Equal(t, "text", string(opened))

	_, err = openKeys(options{store: "postgres://127.0.0.1/x"})
	require.ErrorIs(t, err, errUsage, "replicas must share a key")
	require.ErrorContains(t, err, keyVariable)
	t.Setenv(keyVariable, "short")
	_, err = openKeys(o)
	require.ErrorIs(t, err, errUsage)
	t.Setenv(keyVariable, "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
	other, err := openKeys(o)
	require.NoError(t, err)
	require.NotEqual(t, k.hash([]byte("13800138000")), other.hash([]byte("13800138000")))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "y.db.key"), []byte("garbage"), 0o600))
	t.Setenv(keyVariable, "")
	_, err = openKeys(options{store: "sqlite:" + filepath.Join(folder, "y.db")})
	require.ErrorIs(t, err, errUsage)
}
