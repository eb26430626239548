package crashproof_test

import (
	"fmt"
	"strconv"
	"strings"
)

// tag marks what a person types with the prompt that it answers and with a
// name of its own.
func tag(secret string, step int, nonce string) string {
	return fmt.Sprintf("%s~%d.%s", secret, step, nonce)
}

// untag takes a tag apart; step is -1 where there is none.
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
