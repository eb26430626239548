//go:build !goexperiment.runtimesecret

package zeroing

// Do calls f.
func Do(f func()) { f() }
