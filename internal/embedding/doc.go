// Package embedding has the test of docs/embedding.md: it makes a module of the
// guide's blocks outside this tree, as a host would, and runs it.
package embedding
