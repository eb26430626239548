// Package proof proves rules that no single file of the library holds alone. It is
// tests only, and they use nothing but the exported API and fsmtest:
//
//   - crash_test.go lets the process die before and after every effect, twice;
//   - canary_test.go searches everything that is stored, logged or returned for
//     secrets;
//   - protocol_test.go compares the machine with a model written from the
//     description of the upstream's API;
//   - simulation_test.go runs a million commits of random verifications;
//   - replicas_test.go and quiet_test.go: several replicas on one store, and
//     a machine without a logger.
package proof
