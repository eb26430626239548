package main

import (
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"time"
)

// policy is what the page may do: load its own files and talk to its own
// server. No inline script, no inline style, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// guarded puts what holds for every endpoint around all of them.
func guarded(next http.Handler, log *slog.Logger, https bool) http.Handler {
	// Refuses what another site's page sends: by Sec-Fetch-Site, or by Origin
	// where a browser is too old for that. The cookies are SameSite=Strict
	// besides, and bodies have to be JSON, which no form can send.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, problem{status: http.StatusForbidden, word: "cross_origin"})
	}))
	return logged(log, withHeaders(https, sameOrigin.Handler(next)))
}

func withHeaders(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if https {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// maxBody is far more than any answer takes.
const maxBody = 16 << 10

// jsonOnly refuses bodies that are not JSON, and cuts off those that are too large.
func jsonOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			refuse(w, r, problem{status: http.StatusUnsupportedMediaType, word: "not_json"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next(w, r)
	}
}

// logged logs each request by its route, which holds nothing of the person: no
// address, no query, no header, no body. A panic too; the connection is cut.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, status := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			if p := recover(); p != nil {
				log.ErrorContext(r.Context(), "panic", "route", r.Pattern, "stack", string(debug.Stack()))
				panic(http.ErrAbortHandler)
			}
		}()
		next.ServeHTTP(status, r)
		log.DebugContext(r.Context(), "request", "route", r.Pattern, "status", status.status, "took", time.Since(began).Round(time.Millisecond))
	})
}

// statusWriter remembers the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController find the writer beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ownPageOnly refuses a GET that does not come from our own page's scripts: a
// link to the endpoint, which would answer with a cookie in place of the one
// that SameSite=Strict has kept at home. Old browsers don't say where from.
func ownPageOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" {
			refuse(w, r, problem{status: http.StatusForbidden, word: "cross_origin"})
			return
		}
		next(w, r)
	}
}
