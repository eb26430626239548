package house_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A space between Chinese characters, or beside a full-width mark.
var strayBlank = regexp.MustCompile(`[\p{Han}，。：；？！、（）《》][ \t\x{a0}\x{3000}]+[\p{Han}，。：；？！、（）《》]|[，。：；？！、（《][ \t\x{a0}\x{3000}]+[^ \t/]|[^ \t/*"][ \t\x{a0}\x{3000}]+[，。：；？！、）》]`)

// Chinese has no spaces but beside Latin letters and numbers.
func TestChineseTextsHaveNoStraySpaces(t *testing.T) {
	t.Parallel()
	require.Empty(t, strayBlank.FindString("最近 15 分钟 CXXD 发送至 10001，再填写"))
	for _, bad := range []string{"最近 分钟", "密码， 请", "密码 ，请", "密码：　请", "5 。", "（ 5", "至\u00a0从"} {
		require.NotEmpty(t, strayBlank.FindString(bad), bad)
	}
	var files []string
	for _, pattern := range []string{
		"httpapi/words*.go", "httpapi/ending.go", "httpapi/screen.go", "httpapi/consent.go", "httpapi/form.go", "examples/service/*.go",
		"examples/service/page/*", "examples/service/page/simulated/*", "console/web/*", "README.zh-CN.md",
	} {
		list, err := filepath.Glob("../../" + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, list, pattern)
		files = append(files, list...)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		require.NoError(t, err)
		if info.IsDir() || strings.HasSuffix(name, "_test.go") {
			continue
		}
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		for i, line := range strings.Split(string(content), "\n") {
			if _, chinese, ok := strings.Cut(line, " = "); ok && filepath.Base(name) == "zh.txt" {
				line = chinese
			}
			if bad := strayBlank.FindString(line); bad != "" {
				t.Errorf("%s:%d: a space in %q", strings.TrimPrefix(name, "../../"), i+1, bad)
			}
		}
	}
}
