package knot
