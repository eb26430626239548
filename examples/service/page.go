package main

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

//go:embed page
var pages embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"runs": runs, "reached": func(p *httpapi.Progress) float64 { return float64(p.Step) - 0.5 }, "clock": clockText, "label": actionLabel,
	"json": func(s *httpapi.Screen) (string, error) {
		text, err := json.Marshal(s)
		return string(text), err
	},
	"url": func(address string) template.URL { return template.URL(address) }, //nolint:gosec // httpapi's own
}).ParseFS(pages, "page/page.html", "page/screen.html", "page/error.html"))

// pageData is what the templates show.
type pageData struct {
	Lang      string
	Words     pageWords
	Host      shownHost
	Simulated bool
	Screen    *httpapi.Screen // nil: the script requests it
	Problem   string          // of error.html
}

// Done reports whether the screen is the end of a verification that is done.
func (d pageData) Done() bool { return d.Screen != nil && d.Screen.Tone == "done" }

// shownHost is a host whose links were checked when its file was read.
type shownHost struct {
	Name         string
	Help, Return struct {
		Href  template.URL
		Label string
	}
}

func (s *site) pageData(r *http.Request) pageData {
	lang := httpapi.Language(r).Language()
	d := pageData{Lang: lang, Words: words[lang], Simulated: s.simulated != nil}
	h := s.owner.words(lang)
	d.Host.Name = h.Name
	d.Host.Help.Href, d.Host.Help.Label = template.URL(h.Help.Href), h.Help.Label         //nolint:gosec // checked by parseHost
	d.Host.Return.Href, d.Host.Return.Label = template.URL(h.Return.Href), h.Return.Label //nolint:gosec // checked by parseHost
	return d
}

// page serves the HTML document with the first screen; its script goes on from there.
func (s *site) page(w http.ResponseWriter, r *http.Request) {
	d := s.pageData(r)
	d.Screen = s.firstScreen(r)
	writePage(w, http.StatusOK, "page.html", d)
}

// firstScreen returns the screen of the browser's verification; nil where it is not
// known: a browser that follows a link from another site sends no ticket.
func (s *site) firstScreen(r *http.Request) *httpapi.Screen {
	t, ok := s.cookies.ticket(r)
	if !ok && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return nil
	}
	language, now := httpapi.Language(r), time.Now()
	if !ok || t.isNew() {
		screen := language.Screen(nil, now, s.owner.consent())
		return &screen
	}
	v, err := s.machine.Get(r.Context(), t.id())
	if err != nil {
		return nil
	}
	screen := language.Screen(&v, now, s.owner.consent())
	return &screen
}

// refusePage responds to a browser that opens an address with an HTML page, and to
// scripts with a problem.
func (s *site) refusePage(w http.ResponseWriter, r *http.Request, p httpapi.Problem) {
	if r.Method != http.MethodGet || !strings.Contains(r.Header.Get("Accept"), "text/html") {
		httpapi.WriteProblem(w, r, p)
		return
	}
	d := s.pageData(r)
	d.Problem = httpapi.Language(r).Problem(p.Code)
	if p.RetryAfter > 0 {
		w.Header().Set("Retry-After", fmt.Sprint(p.RetryAfter))
	}
	writePage(w, p.Status, "error.html", d)
}

func writePage(w http.ResponseWriter, status int, name string, d pageData) {
	var text bytes.Buffer
	if err := pageTemplates.ExecuteTemplate(&text, name, d); err != nil {
		panic(err) // the templates and the words are ours
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", d.Lang)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes())
}

// file serves an embedded file.
func file(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := pages.ReadFile("page/" + name)
		if err != nil {
			panic(err) // it is embedded
		}
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
	}
}

// textRun is a part of a text, in the language of the page or in Chinese.
type textRun struct {
	Text    string
	Chinese bool
}

// runs splits a text: in an English one a screen reader has to know that a name is
// Chinese.
func runs(lang, text string) (list []textRun) {
	for _, r := range text {
		chinese := lang != "zh" && unicode.Is(unicode.Han, r)
		if n := len(list); n > 0 && list[n-1].Chinese == chinese {
			list[n-1].Text += string(r)
		} else {
			list = append(list, textRun{string(r), chinese})
		}
	}
	return list
}

// clockText returns a countdown as the script begins it.
func clockText(c *httpapi.Clock) string {
	return strings.ReplaceAll(c.Text, "{t}", fmt.Sprintf("%d:%02d", c.Seconds/60, c.Seconds%60))
}

// actionLabel returns the text of a button as the script begins it.
func actionLabel(a httpapi.Action) string {
	if a.After != nil {
		return clockText(a.After)
	}
	return a.Label
}
