package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/httpapi"
	"github.com/carrierfsm/carrierfsm/typed"
)

// rows has the status and the code of each sentinel. Codes never change.
var rows = map[string]struct {
	err    error
	status int
	code   string
}{
	"carrierfsm.ErrPending":         {carrierfsm.ErrPending, 202, "pending"},
	"carrierfsm.ErrStale":           {carrierfsm.ErrStale, 409, "stale"},
	"carrierfsm.ErrInFlight":        {carrierfsm.ErrInFlight, 409, "in_flight"},
	"carrierfsm.ErrNotAwaited":      {carrierfsm.ErrNotAwaited, 409, "not_awaited"},
	"carrierfsm.ErrConflict":        {carrierfsm.ErrConflict, 409, "conflict"},
	"carrierfsm.ErrKeyInUse":        {carrierfsm.ErrKeyInUse, 409, "number_in_use"},
	"carrierfsm.ErrExists":          {carrierfsm.ErrExists, 409, "exists"},
	"carrierfsm.ErrTooMany":         {carrierfsm.ErrTooMany, 403, "no_attempts_left"},
	"carrierfsm.ErrTooSoon":         {carrierfsm.ErrTooSoon, 429, "too_soon"},
	"carrierfsm.ErrInvalid":         {carrierfsm.ErrInvalid, 422, "invalid"},
	"carrierfsm.ErrConsentRequired": {carrierfsm.ErrConsentRequired, 422, "consent_required"},
	"carrierfsm.ErrPasswordNeeded":  {carrierfsm.ErrPasswordNeeded, 422, "password_needed"},
	"carrierfsm.ErrNotFound":        {carrierfsm.ErrNotFound, 404, "not_found"},
	"carrierfsm.ErrClosed":          {carrierfsm.ErrClosed, 503, "closing"},
	"carrierfsm.ErrMoved":           {carrierfsm.ErrMoved, 503, "unavailable"},
	"carrierfsm.ErrOtherShard":      {carrierfsm.ErrOtherShard, 500, "broken"},
	"carrierfsm.ErrStore":           {carrierfsm.ErrStore, 503, "unavailable"},
	"carrierfsm.ErrNewerTable":      {carrierfsm.ErrNewerTable, 503, "unavailable"},
	"carrierfsm.ErrNotSent":         {carrierfsm.ErrNotSent, 502, "unavailable"},
	"carrierfsm.ErrForged":          {carrierfsm.ErrForged, 500, "broken"},
	"carrierfsm.ErrSealed":          {carrierfsm.ErrSealed, 500, "broken"},
	"carrierfsm.ErrCorrupt":         {carrierfsm.ErrCorrupt, 500, "broken"},
	"typed.ErrNoCode":               {typed.ErrNoCode, 422, "no_code"},
	"typed.ErrNoPhone":              {typed.ErrNoPhone, 422, "no_phone"},
	"typed.ErrNoIDCard":             {typed.ErrNoIDCard, 422, "no_id_card"},
	"typed.ErrNoName":               {typed.ErrNoName, 422, "no_name"},
	"httpapi.ErrForbidden":          {httpapi.ErrForbidden, 403, "forbidden"},
}

// sentinels returns the exported variables of a package whose names begin with Err, and
// its exported error types.
func sentinels(t *testing.T, name, dir string) (list []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	require.NoError(t, err)
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		file, err := parser.ParseFile(token.NewFileSet(), path, text, 0)
		require.NoError(t, err)
		for _, d := range file.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			for _, spec := range decl.Specs {
				for _, n := range spec.(*ast.ValueSpec).Names {
					if n.IsExported() && strings.HasPrefix(n.Name, "Err") {
						list = append(list, name+"."+n.Name)
					}
				}
			}
		}
	}
	return list
}

// Each sentinel of the root, of package typed and of this package has a status and a
// code: a new one needs a row here and in problems.
func TestEverySentinelHasAStatusAndACode(t *testing.T) {
	t.Parallel()
	declared := slices.Concat(sentinels(t, "carrierfsm", ".."), sentinels(t, "typed", "../typed"), sentinels(t, "httpapi", "."))
	require.Greater(t, len(declared), 20)
	var listed []string
	for name, row := range rows {
		listed = append(listed, name)
		for _, err := range []error{row.err, &carrierfsm.Error{ID: "x", Err: fmt.Errorf("%w: more", row.err)}} {
			p := httpapi.ProblemOf(err)
			require.Equal(t, row.status, p.Status, name)
			require.Equal(t, row.code, p.Code, name)
			require.Contains(t, httpapi.Codes(), p.Code, name)
		}
	}
	require.ElementsMatch(t, declared, listed)
}

func TestAnErrorThatIsUnknownIsBroken(t *testing.T) {
	t.Parallel()
	require.Equal(t, httpapi.Problem{Status: 500, Code: "broken"}, httpapi.ProblemOf(errors.New("another")))
	require.Equal(t, "unavailable", httpapi.ProblemOf(context.DeadlineExceeded).Code)
	require.Equal(t, "unavailable", httpapi.ProblemOf(context.Canceled).Code)
}

// The most specific error decides: what may have been sent is pending, whatever else is
// wrong, and an invalid input says which field can't be read.
func TestTheMostSpecificErrorDecides(t *testing.T) {
	t.Parallel()
	require.Equal(t, "pending", httpapi.ProblemOf(fmt.Errorf("%w: %w", carrierfsm.ErrStore, carrierfsm.ErrPending)).Code)
	require.Equal(t, "no_phone", httpapi.ProblemOf(fmt.Errorf("%w: %w", carrierfsm.ErrInvalid, typed.ErrNoPhone)).Code)
}

// A host's own problem is answered as it is, in the request's language where it has no
// text.
func TestAHostHasItsOwnProblems(t *testing.T) {
	t.Parallel()
	own := &httpapi.Problem{Status: http.StatusPaymentRequired, Code: "unpaid", Title: "Pay first.", RetryAfter: 7}
	require.Equal(t, *own, httpapi.ProblemOf(fmt.Errorf("begin: %w", own)))
	w := httptest.NewRecorder()
	httpapi.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/", nil), *own)
	require.Equal(t, http.StatusPaymentRequired, w.Code)
	require.Equal(t, "7", w.Header().Get("Retry-After"))
	require.JSONEq(t, `{"status":402,"code":"unpaid","title":"Pay first.","retry_after_seconds":7}`, w.Body.String())
	w = httptest.NewRecorder()
	httpapi.WriteProblem(w, httptest.NewRequest(http.MethodGet, "/?lang=en", nil), httpapi.Problem{Status: 429, Code: "too_many_requests"})
	require.Contains(t, w.Body.String(), "Too many requests. Wait a moment.")
}
