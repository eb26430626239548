package report

// Exported for the tests.
var Number = number
