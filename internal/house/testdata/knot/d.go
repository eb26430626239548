package knot

func (x A) method() {}
