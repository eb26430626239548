package knot

type B struct{ name string }

func b() B { return B{c(1)} }
