package carrierfsm

import "context"

// Peek returns a verification as it is stored, and changes nothing: what is
// overdue is left to Run and to Get. It is for those who only look on; Token
// is never set.
//
// With ErrSealed, ErrNewerTable or ErrCorrupt the returned Verification holds
// what its columns tell: ID, State, Step, Reason, the website of Source,
// InFlight, Created and Updated. Other errors are ErrNotFound and ErrStore.
func (m *Machine) Peek(ctx context.Context, id string) (Verification, error) {
	r, err := m.cfg.Store.Load(ctx, id)
	if err != nil {
		return Verification{}, &Error{ID: id, Err: storeError(err)}
	}
	o, err := m.codec.open(r)
	if err != nil {
		v := Verification{
			ID: r.ID, State: r.State, Step: r.Step, Reason: r.Reason, Source: Source{Website: r.Source},
			InFlight: r.InFlight, Created: r.Created, Updated: r.Updated,
		}
		return v, &Error{ID: id, State: r.State, Step: r.Step, Err: err}
	}
	v := o.view(m.cfg.Limits)
	v.Token = Secret{}
	return v, nil
}
