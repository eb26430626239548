package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/carrierfsm/carrierfsm"
)

// submission returns the submission of an input.
func (a *API) submission(id string, in carrierfsm.Input) func(context.Context) (carrierfsm.Verification, error) {
	return func(ctx context.Context) (carrierfsm.Verification, error) { return a.Machine.Submit(ctx, id, in) }
}

// await submits an input and waits for the outcome, at most Wait: upstream may take
// minutes. After that it returns ErrPending, and the client polls.
func (a *API) await(ctx context.Context, id string, submit func(context.Context) (carrierfsm.Verification, error)) (carrierfsm.Verification, error) {
	type outcome struct {
		v   carrierfsm.Verification
		err error
	}
	done := make(chan outcome, 1)
	go func() { // ends with the call, which has a timeout; Machine.Close waits for it
		v, err := submit(context.WithoutCancel(ctx))
		if err == nil {
			a.carries.store(v)
		}
		a.Changes.notify(id)
		done <- outcome{v, err}
	}()
	timeout := time.NewTimer(a.Wait)
	defer timeout.Stop()
	select {
	case o := <-done:
		return o.v, o.err
	case <-timeout.C:
	case <-a.Changes.closed:
	case <-ctx.Done():
	}
	v, err := a.Machine.Read(context.WithoutCancel(ctx), id)
	if err != nil {
		return v, err
	}
	return v, carrierfsm.ErrPending
}

// watch returns a verification once its tag differs from seen; at once if seen is
// empty or the verification has ended.
func (a *API) watch(ctx context.Context, id, seen string) (carrierfsm.Verification, error) {
	changed, unsubscribe := a.Changes.subscribe(id)
	defer unsubscribe()
	timeout := time.NewTimer(a.Wait)
	defer timeout.Stop()
	poll := time.NewTicker(pollInterval)
	defer poll.Stop()
	for {
		v, err := a.Machine.Get(ctx, id)
		if err != nil || tag(&v) != seen || v.State.Terminal() {
			return v, err
		}
		select {
		case <-changed:
		case <-poll.C:
		case <-timeout.C:
			return v, nil
		case <-a.Changes.closed:
			return v, nil
		case <-ctx.Done():
			return v, nil
		}
	}
}

// carryCookie is the name of the cookie, and maxCookie the longest value that browsers
// accept.
const (
	carryCookie = "carrierfsm_carry"
	maxCookie   = 4000
)

// cookieName has the prefix __Host- with HTTPS, so that sibling domains can't set the
// cookie.
func (a *API) cookieName() string {
	if a.PlainHTTP {
		return carryCookie
	}
	return "__Host-" + carryCookie
}

// withCarry adds the sealed password of the cookie to an input that can take it.
func (a *API) withCarry(r *http.Request, in carrierfsm.Input) carrierfsm.Input {
	carry := carrierfsm.Secret{}
	if cookie, err := r.Cookie(a.cookieName()); err == nil && len(cookie.Value) <= maxCookie {
		carry = carrierfsm.NewSecret(cookie.Value)
	}
	switch in := in.(type) {
	case carrierfsm.Captcha:
		in.Carry = carry
		return in
	case carrierfsm.QueryPassword:
		in.Carry = carry
		return in
	default:
		return in
	}
}

// setCarry sets the cookie with the sealed password of the present prompt, if it was
// not set yet, and deletes it after the end. In a cookie scripts can't read it, it
// survives a reload, and all tabs share it.
func (a *API) setCarry(w http.ResponseWriter, r *http.Request, v *carrierfsm.Verification, now time.Time) {
	cookie := &http.Cookie{ //nolint:gosec // Secure with HTTPS
		Name: a.cookieName(), Value: a.carries.take(v.ID), Path: "/", MaxAge: max(1, secondsUntil(v.Deadline, now)),
		HttpOnly: true, Secure: !a.PlainHTTP, SameSite: http.SameSiteStrictMode,
	}
	if cookie.Value == "" || v.State.Terminal() {
		if _, err := r.Cookie(cookie.Name); err != nil || !v.State.Terminal() {
			return
		}
		cookie.Value, cookie.MaxAge = "", -1
	}
	http.SetCookie(w, cookie)
}
