// Package zeroing lets Go erase what a function leaves in memory, where Go can: in a
// program that is built with GOEXPERIMENT=runtimesecret, on Linux on amd64 and arm64. It
// is experimental in Go 1.26. Elsewhere Do only calls the function.
package zeroing
