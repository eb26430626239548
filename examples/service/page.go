package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"time"
)

//go:embed page
var pages embed.FS

var pageTemplate = template.Must(template.ParseFS(pages, "page/page.html"))

// page serves the HTML document; its scripts fill it.
func (s *site) page(w http.ResponseWriter, r *http.Request) {
	words := language(r)
	var text bytes.Buffer
	err := pageTemplate.Execute(&text, struct {
		Lang      string
		Words     pageWords
		Simulated bool
	}{words.lang, words.page, s.simulated != nil})
	if err != nil {
		s.respondError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", words.lang)
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
