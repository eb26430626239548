// Package carrierfsm runs mobile-operator identity verifications.
package carrierfsm

//go:generate go run ./internal/docgen
