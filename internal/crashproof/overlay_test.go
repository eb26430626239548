package crashproof_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// module is the folder of the module.
const module = "../.."

// overlay writes the patched files, and the file for -overlay of the go command, which
// then compiles them in place of the real ones. It fails if a patch does not fit.
func (s sabotage) overlay(folder string) (file string, err error) {
	texts := make(map[string]string)
	for _, p := range s.patches {
		path, err := filepath.Abs(filepath.Join(module, p.file))
		if err != nil {
			return "", err
		}
		text, known := texts[path]
		if !known {
			bytes, err := os.ReadFile(path)
			if err != nil {
				return "", err
			}
			text = string(bytes)
		}
		if n := strings.Count(text, p.old); n != 1 {
			return "", fmt.Errorf("%s: a patch of %s fits %d times, not once", s.name, p.file, n)
		}
		texts[path] = strings.Replace(text, p.old, p.by, 1)
	}
	replace := make(map[string]string)
	for path, text := range texts {
		name := filepath.Join(folder, strconv.Itoa(len(replace))+".go")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[path] = name
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	file = filepath.Join(folder, "overlay.json")
	return file, os.WriteFile(file, list, 0o600)
}

// build compiles this test program with the sabotaged engine.
func (s sabotage) build(t *testing.T) (program string) {
	t.Helper()
	folder := t.TempDir()
	overlay, err := s.overlay(folder)
	require.NoError(t, err)
	program = filepath.Join(folder, "sabotaged")
	output, err := exec.Command("go", "test", "-c", "-overlay", overlay, "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", output)
	return program
}

func TestEverySabotageStillFits(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(sabotages, shardSabotages, failoverSabotages) {
		_, err := s.overlay(t.TempDir())
		require.NoError(t, err)
	}
}
