package crashproof_test

import (
	"fmt"
	"strconv"
	"strings"
)

// tag marks a submitted secret with the step of its prompt and the name of its
// submission.
func tag(secret string, step int, nonce string) string {
	return fmt.Sprintf("%s~%d.%s", secret, step, nonce)
}

// untag splits a tagged secret. step is -1 if it has no tag.
func untag(value string) (secret string, step int, nonce string) {
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
