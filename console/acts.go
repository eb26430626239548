package console

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// actsOfOne is how many acts are shown on the page of one verification.
const actsOfOne = 20

// looked logs a look. What can't be logged is shown all the same, as an operator has to see
// a store that can't be written; but not to an operator without a valid name.
func (c *Console) looked(ctx context.Context, q *request, a acts.Act) error {
	if c.lookers.isLooking(q) {
		return nil
	}
	if c.cfg.Acts == nil {
		c.lookers.looked(q)
		return nil
	}
	err := acts.Look(carrierfsm.ByOperator(ctx, q.operator.Name), c.cfg.Acts, a)
	switch {
	case errors.Is(err, carrierfsm.ErrInvalid):
		return err
	case err == nil:
		c.lookers.looked(q)
	default:
		c.cfg.Logger.WarnContext(ctx, "console: a look could not be logged", "operator", q.operator.Name, "kind", a.Kind, "id", a.Verification, "err", err)
	}
	return nil
}

// actsOf returns the latest acts that changed a verification. An error is only logged: the
// rest of the page is shown.
func (c *Console) actsOf(ctx context.Context, q *request, id string) (list []acts.Act, problem string) {
	if c.cfg.Acts == nil {
		return nil, ""
	}
	list, err := c.cfg.Acts.Acts(ctx, acts.Query{Verification: id, Kinds: acts.Changing(), Limit: actsOfOne})
	if err != nil {
		problem = c.partFailed(q, storeError(ctx, err))
	}
	return list, problem // those of the shards that answered
}

// actKinds are the choices of the filter by kind.
var actKinds = func() []choice {
	list := []choice{{"", "any act"}, {"changes", "what changes something"}, {"looks", "what only looks"}}
	for _, k := range slices.Concat(acts.Changing(), acts.Looking()) {
		list = append(list, choice{string(k), humanize(k)})
	}
	return list
}()

// actsForm is the filter form with its values and choices.
type actsForm struct {
	Operator, ID, Kind, Open string

	Kinds []choice
}

// query validates the form's values.
func (f actsForm) query() (w acts.Query, err error) {
	switch {
	case !has(f.Kinds, f.Kind):
		return w, badParam("kind")
	case f.Open != "" && f.Open != "on":
		return w, badParam("open")
	}
	w = acts.Query{Operator: f.Operator, Verification: f.ID, Open: f.Open != ""}
	switch f.Kind {
	case "":
	case "changes":
		w.Kinds = acts.Changing()
	case "looks":
		w.Kinds = acts.Looking()
	default:
		w.Kinds = []acts.Kind{acts.Kind(f.Kind)}
	}
	return w, nil
}

// actsParams are the parameters of the page Acts.
var actsParams = []string{"operator", "id", "kind", "open", "after"}

// Link returns the link to a page after a key; an empty one is the first page.
func (f actsForm) Link(page, after string) string {
	q := url.Values{}
	for _, v := range []choice{{"operator", f.Operator}, {"id", f.ID}, {"kind", f.Kind}, {"open", f.Open}, {"after", after}} {
		if v.Label != "" {
			q.Set(v.Value, v.Label)
		}
	}
	if len(q) == 0 {
		return page
	}
	return page + "?" + q.Encode()
}

// actsPage is the data of the page Acts.
type actsPage struct {
	Form  actsForm
	Rows  []acts.Act
	Next  string // the key of the next page; empty on the last
	First bool   // it is the first page
	Error string // which shards are missing
}

func (c *Console) acts(q *request) error {
	if c.cfg.Acts == nil {
		c.render(q, http.StatusOK, "acts", "Acts", struct{ None string }{errorPageFor(errNoActs).Text})
		return nil
	}
	ctx, cancel := context.WithTimeout(q.Context(), timeout)
	defer cancel()
	page, err := c.readActs(ctx, q, pageSize)
	if some := partial(err); some != nil {
		page.Error = c.partFailed(q, some)
	} else if err != nil {
		return err
	}
	c.render(q, http.StatusOK, "acts", "Acts", page)
	return nil
}

// readActs reads a page of so many acts. With the error of some shards it returns those of
// the others.
func (c *Console) readActs(ctx context.Context, q *request, size int) (page actsPage, err error) {
	v := q.URL.Query()
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	page = actsPage{
		Form:  actsForm{Operator: get("operator"), ID: get("id"), Kind: get("kind"), Open: get("open"), Kinds: actKinds},
		First: v.Get("after") == "",
	}
	wanted, err := page.Form.query()
	if err != nil {
		return page, err
	}
	if wanted.After, err = parsePageKey(v.Get("after")); err != nil {
		return page, err
	}
	wanted.Limit = size + 1
	if page.Rows, err = c.cfg.Acts.Acts(ctx, wanted); err != nil {
		err = storeError(ctx, err)
	}
	if len(page.Rows) > size {
		page.Rows = page.Rows[:size]
		last := page.Rows[size-1]
		page.Next = formatPageKey(last.At, last.ID)
	}
	return page, err
}

// storeError returns the error of a store as the Machine would.
func storeError(ctx context.Context, err error) error {
	if errors.Is(err, carrierfsm.ErrClosed) || ctx.Err() != nil {
		return errors.Join(ctx.Err(), err)
	}
	return errors.Join(carrierfsm.ErrStore, err)
}
