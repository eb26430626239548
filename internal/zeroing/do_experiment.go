//go:build goexperiment.runtimesecret

package zeroing

import "runtime/secret"

// Do calls f. The registers and the stack that f used are erased before Do returns, and
// what f allocated when the garbage collector frees it. Goroutines that f starts are
// not covered.
func Do(f func()) { secret.Do(f) }
