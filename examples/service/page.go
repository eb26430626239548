package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm/httpapi"
)

//go:embed page
var pages embed.FS

var pageTemplate = template.Must(template.ParseFS(pages, "page/page.html"))

// page serves the HTML document; its scripts fill it.
func (s *site) page(w http.ResponseWriter, r *http.Request) {
	lang := httpapi.Language(r).Language()
	var text bytes.Buffer
	err := pageTemplate.Execute(&text, struct {
		Lang      string
		Words     pageWords
		Simulated bool
	}{lang, words[lang], s.simulated != nil})
	if err != nil {
		panic(err) // the template and the words are ours
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", lang)
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
