// Command docgen writes the documents that are made from the tables:
// docs/states.md, docs/process-codes.md and the picture in README.md and its translation.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/carrierfsm/carrierfsm/internal/docs"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := write(root); err != nil {
		fmt.Fprintln(os.Stderr, "docgen:", err)
		os.Exit(1)
	}
}

func write(root string) error {
	documents, err := docs.Generated(root)
	if err != nil {
		return err
	}
	for name, text := range documents {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, name := range []string{"README.md", "README.zh-CN.md"} {
		if err := drawInto(filepath.Join(root, name)); err != nil {
			return err
		}
	}
	return nil
}

// drawInto brings the picture in a README up to date.
func drawInto(readme string) error {
	old, err := os.ReadFile(readme)
	if err != nil {
		return err
	}
	text, err := docs.WithPicture(string(old))
	if err != nil || bytes.Equal(old, []byte(text)) {
		return err
	}
	return os.WriteFile(readme, []byte(text), 0o644)
}
