package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/typed"
)

// find finds verifications by what an operator typed: a phone number, an id or its
// beginning, or the host's reference. It is a POST, as a number has no place in an
// address, which browsers and proxies keep.
func (c *Console) find(q *request) error {
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	q.Body = http.MaxBytesReader(q.w, q.Body, 64<<10)
	if err := q.ParseForm(); err != nil {
		return errBadRequest
	}
	text := strings.TrimSpace(q.PostForm.Get("find"))
	if text == "" || len(text) > maxText {
		return badParam("find")
	}
	if _, err := typed.Phone(text); err == nil {
		return c.findNumber(ctx, q, text)
	}
	v, err := c.cfg.Machine.Read(ctx, text)
	switch {
	case v.ID != "":
		seeOther(q, "verification?"+url.Values{"id": {v.ID}}.Encode())
	case errors.Is(err, carrierfsm.ErrNotFound):
		seeOther(q, "list?"+url.Values{"find": {text}}.Encode())
	default:
		return err
	}
	return nil
}

// findNumber leads to the live verification of a number.
func (c *Console) findNumber(ctx context.Context, q *request, number string) error {
	if c.cfg.NumberKey == nil {
		return errNoNumbers
	}
	key, err := c.cfg.NumberKey(number)
	if err != nil || key == "" {
		return errNoNumbers
	}
	list, err := c.cfg.Machine.List(ctx, carrierfsm.Query{Key: key, Limit: 1})
	if err != nil {
		return err
	}
	found := acts.Act{Kind: acts.Find, Count: len(list)}
	if len(list) > 0 {
		found.Verification = list[0].ID
	}
	if err := c.looked(ctx, q, found); err != nil {
		return err
	}
	if len(list) == 0 {
		return errNoNumber
	}
	seeOther(q, "verification?"+url.Values{"id": {list[0].ID}}.Encode())
	return nil
}

// seeOther redirects to a page. http.Redirect would make it absolute by the request's
// path, from which http.StripPrefix may have cut the prefix.
func seeOther(q *request, to string) {
	q.w.Header().Set("Location", to)
	q.w.WriteHeader(http.StatusSeeOther)
}
