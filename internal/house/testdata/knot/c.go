package knot

func c(int) string { return string(rune(A{}.n)) }
