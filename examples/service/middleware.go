package main

import (
	"log/slog"
	"mime"
	"net/http"
	"runtime/debug"
	"time"
)

// contentSecurityPolicy allows the page to load its own files and to call its own
// server, without inline scripts, inline styles and frames.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// withProtection adds the middleware of all endpoints.
func withProtection(next http.Handler, log *slog.Logger, https bool) http.Handler {
	// Refuses requests of other sites' pages: by Sec-Fetch-Site, or by Origin for old
	// browsers. Also, the cookies are SameSite=Strict, and bodies must be JSON, which
	// no HTML form can send.
	sameOrigin := http.NewCrossOriginProtection()
	sameOrigin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, http.StatusForbidden, "cross_origin")
	}))
	return withLog(log, withHeaders(https, sameOrigin.Handler(next)))
}

func withHeaders(https bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentSecurityPolicy)
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

// jsonOnly refuses bodies that are not JSON: httpapi reads forms too, which a page of
// another site could send.
func jsonOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
			refuse(w, r, http.StatusUnsupportedMediaType, "unsupported_media_type")
			return
		}
		next(w, r)
	}
}

// withLog logs each request by its route only: no address, no query, no header, no
// body, which may be personal. It logs a panic too, and aborts the connection.
func withLog(log *slog.Logger, next http.Handler) http.Handler {
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

// statusWriter records the status.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// ownPageOnly refuses a GET that is not from our own page's scripts, such as a link
// on another site to the endpoint: the browser would not send its SameSite=Strict
// cookie, and the response would overwrite it. Old browsers don't send the header.
func ownPageOnly(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if from := r.Header.Get("Sec-Fetch-Site"); from != "" && from != "same-origin" {
			refuse(w, r, http.StatusForbidden, "cross_origin")
			return
		}
		next(w, r)
	}
}
