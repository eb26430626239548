package report

// The bridge to the tests outside the package.
var Number = number
