package main_test

import (
	"archive/zip"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module  = "github.com/carrierfsm/carrierfsm"
	version = "v0.0.1-test"
)

// published returns a folder that serves this module, as it is here, as a proxy does.
func published(t *testing.T) string {
	t.Helper()
	proxy := t.TempDir()
	dir := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	require.NoError(t, err)
	for name, content := range map[string]string{".mod": string(text), ".info": `{"Version":"` + version + `"}`} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, version+name), []byte(content), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "list"), []byte(version+"\n"), 0o600))
	file, err := os.Create(filepath.Join(dir, version+".zip"))
	require.NoError(t, err)
	archive := zip.NewWriter(file)
	skipped := regexp.MustCompile(`^(\.git|bench|docs|examples)$|(^|/)testdata$`) // the command needs none of them
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		name = filepath.ToSlash(name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && skipped.MatchString(name):
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		w, err := archive.Create(module + "@" + version + "/" + name)
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	})
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	require.NoError(t, file.Close())
	return proxy
}

// linkedCache returns a module cache that has the modules of this machine's, but
// nothing of this module: what the test adds stays in it.
func linkedCache(t *testing.T, from string) string {
	t.Helper()
	to := t.TempDir()
	for _, dir := range []string{"", "github.com", "cache", "cache/download", "cache/download/github.com"} {
		require.NoError(t, os.MkdirAll(filepath.Join(to, dir), 0o700))
		entries, err := os.ReadDir(filepath.Join(from, dir))
		require.NoError(t, err)
		for _, e := range entries {
			switch filepath.ToSlash(filepath.Join(dir, e.Name())) {
			case "github.com", "cache", "cache/download", "cache/download/github.com", "cache/lock", "github.com/carrierfsm", "cache/download/github.com/carrierfsm":
			default:
				require.NoError(t, os.Symlink(filepath.Join(from, dir, e.Name()), filepath.Join(to, dir, e.Name())))
			}
		}
	}
	return to
}

// goEnv returns a value of go env.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	require.NoError(t, err)
	return strings.TrimSpace(string(out))
}

// All of it but the compilation, which takes a minute: go install -n finds the
// modules, refuses replacements, and reads the packages with what they embed.
func TestGoInstallWorksOutsideAClone(t *testing.T) {
	t.Parallel()
	here := goEnv(t, "GOMODCACHE")
	downloaded := "file://" + filepath.ToSlash(filepath.Join(here, "cache", "download"))
	cmd := exec.CommandContext(t.Context(), "go", "install", "-n", module+"/cmd/carrierfsm@"+version)
	cmd.Dir = t.TempDir()
	cmd.Env = append(
		os.Environ(), "GOPROXY=file://"+filepath.ToSlash(published(t))+","+downloaded, "GONOSUMDB=*", "GOFLAGS=-modcacherw", "GOWORK=off",
		"GOBIN="+t.TempDir(), "GOMODCACHE="+linkedCache(t, here), "GOTOOLCHAIN=local",
	)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "-p main")
	require.Contains(t, string(out), module+"@"+version)
}
