package text

import (
	_ "embed" // compatible.txt
	"strings"
	"sync"
)

// compatibleText has a line for each text that other characters stand for: the text, a
// space, and these characters. They are those which Unicode's compatibility decomposition
// (NFKD), without marks, makes ASCII letters and digits of, or one Chinese character.
// Those that are numbers in other ways are in fold.go.
//
//go:embed compatible.txt
var compatibleText string

// compatible has the text that each of these characters stands for. It is made when
// the first such character may be there: nearly no text has one.
var compatible = sync.OnceValue(func() map[rune]string {
	all := make(map[rune]string)
	for line := range strings.Lines(compatibleText) {
		same, characters, _ := strings.Cut(strings.TrimSpace(line), " ")
		for _, r := range characters {
			all[r] = same
		}
	}
	return all
})

// appendCompatible appends what a text is compared as. Its class is that of its first
// character.
func appendCompatible(dst []byte, same string) (_ []byte, c class) {
	for i, r := range same {
		var next class
		if dst, next = appendFold(dst, r); i == 0 {
			c = next
		}
	}
	return dst, c
}
