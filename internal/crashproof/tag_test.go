package crashproof_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/typed"
)

// tag marks a submitted secret with the step of its prompt and the name of its
// submission.
func tag(secret string, step int, nonce string) string {
	return fmt.Sprintf("%s~%d.%s", secret, step, nonce)
}

// codeTags are the tags of submitted codes. A code must be 4 to 8 digits, so a number of
// eight digits stands for a tagged code.
var codeTags = struct {
	sync.Mutex
	tagged map[string]string
}{tagged: make(map[string]string)}

// codeTag matches what may be the tag of a code.
var codeTag = regexp.MustCompile(`\b7[0-9]{7}\b`)

// tagCode is tag for a code.
func tagCode(code string, step int, nonce string) string {
	codeTags.Lock()
	defer codeTags.Unlock()
	number := fmt.Sprintf("7%07d", len(codeTags.tagged))
	codeTags.tagged[number] = tag(code, step, nonce)
	return number
}

// tagOfCode returns the tagged code that a number stands for.
func tagOfCode(number string) (tagged string, ok bool) {
	codeTags.Lock()
	defer codeTags.Unlock()
	tagged, ok = codeTags.tagged[number]
	return tagged, ok
}

func TestATaggedCodeIsACode(t *testing.T) {
	t.Parallel()
	number := tagCode("123456", 3, "17")
	code, err := typed.Code(number)
	require.NoError(t, err)
	require.Equal(t, number, code, "else no code would reach upstream")
	secret, step, nonce := untag(number)
	require.Equal(t, []any{"123456", 3, "17"}, []any{secret, step, nonce})
}

// untag splits a tagged secret. step is -1 if it has no tag.
func untag(value string) (secret string, step int, nonce string) {
	if tagged, ok := tagOfCode(value); ok {
		value = tagged
	}
	secret, rest, found := strings.Cut(value, "~")
	if !found {
		return value, -1, ""
	}
	number, nonce, _ := strings.Cut(rest, ".")
	step, err := strconv.Atoi(number)
	if err != nil {
		return value, -1, ""
	}
	return secret, step, nonce
}
