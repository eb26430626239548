// Shows a screen of the service. Text is set as text, never as HTML.

const section = document.getElementById('screen')
const typed = {} // values to keep when the form is shown again; no secrets
let topic = '' // of the present screen
let clocks = [] // the running countdowns

// element creates an element with properties, attributes (names with a dash) and children.
function element(name, properties = {}, ...children) {
	const e = document.createElement(name)
	for (const [key, value] of Object.entries(properties)) {
		if (value === undefined) continue
		if (key.includes('-') || key === 'for' || key === 'autocomplete' || key === 'inputmode') e.setAttribute(key, value)
		else e[key] = value
	}
	e.append(...children.filter((c) => c))
	return e
}

// show shows a screen. If the question is the same, the form is kept with what is
// typed in it; a new question gets the focus.
export function show(screen, send) {
	const key = screen.topic + screen.tone
	const first = topic === ''
	clocks = []
	if (key === topic) {
		section.querySelector('.beside').replaceWith(beside(screen, send))
		tick()
		return
	}
	topic = key
	section.replaceChildren(...parts(screen, send))
	section.setAttribute('aria-busy', screen.tone === 'wait')
	section.className = screen.tone
	document.title = screen.title
	tick()
	document.getElementById('news').textContent = [screen.why, screen.title, screen.text].filter(Boolean).join(' ')
	if (!first) (section.querySelector('input[aria-invalid]') || section.querySelector('input') || document.getElementById('title')).focus()
}

function parts(s, send) {
	return [
		s.about && element('p', { className: 'about', textContent: s.about }),
		element('h1', { id: 'title', tabIndex: -1, textContent: s.title }),
		s.why && element('p', { id: 'why', className: s.wrong ? 'why wrong' : 'why', textContent: s.why }),
		s.said && element('p', { className: 'said' }, s.said.by + ' ', element('q', { lang: 'zh', textContent: s.said.text })),
		s.text && element('p', { id: 'text', textContent: s.text }),
		s.tone === 'wait' && element('div', { className: 'waiting', 'aria-hidden': 'true' }),
		s.terms && element('div', { className: 'terms' }, ...s.terms.map((t) => element('p', { textContent: t }))),
		s.link && element('p', {}, link(s.link)),
		s.form && form(s.form, s, send),
		beside(s, send),
	].filter(Boolean)
}

function link({ href, label }) {
	return element('a', { className: 'link', href: href.startsWith('sms:') ? href : '#', textContent: label })
}

function form(f, s, send) {
	const described = [s.why && 'why', s.text && 'text'].filter(Boolean)
	const about = Math.max(0, f.fields.findIndex((field) => field.wrong)) // the field that the reason is about
	const e = element('form', { noValidate: true }, ...f.fields.map((field, i) => row(field, i === about ? described : [])),
		element('button', { type: 'submit', className: 'main', textContent: f.submit }))
	e.addEventListener('submit', (event) => {
		event.preventDefault()
		if (complete(e, f.missing)) send(f.input, values(e))
	})
	return e
}

// row creates a field with its label, its hint and its error text.
function row(f, described) {
	const id = 'field-' + f.name
	const input = element('input', {
		id, name: f.name, type: f.type, autocomplete: f.complete, inputmode: f.mode,
		value: f.value ?? typed[f.name] ?? '', required: true, autocapitalize: 'none', spellcheck: false,
		'aria-invalid': f.wrong ? 'true' : undefined,
	})
	if (f.missing) input.dataset.missing = f.missing
	if (f.paste) input.addEventListener('paste', pasteMessage)
	const hint = f.hint && element('p', { id: id + '-hint', className: 'hint', textContent: f.hint })
	const about = [...described, hint && hint.id, id + '-wrong'].filter(Boolean)
	input.setAttribute('aria-describedby', about.join(' '))
	const label = element('label', { for: id, textContent: f.label })
	const problem = element('p', { id: id + '-wrong', className: 'missing' })
	if (f.type === 'checkbox') return element('div', { className: 'row check' }, input, label, problem)
	return element('div', { className: 'row' }, label, input, f.show && reveal(input, f.show), hint, problem)
}

// pasteMessage pastes a text message into a field. The browser would remove the line
// breaks, and so join two numbers.
function pasteMessage(event) {
	const text = event.clipboardData.getData('text')
	if (!/[\r\n]/.test(text)) return
	event.preventDefault()
	const input = event.target
	input.setRangeText(text.replace(/[\r\n]+/g, ' '), input.selectionStart, input.selectionEnd, 'end')
	input.dispatchEvent(new Event('input', { bubbles: true }))
}

// reveal creates a checkbox that shows a password.
function reveal(input, text) {
	const box = element('input', { type: 'checkbox', id: input.id + '-show', autocomplete: 'off' })
	box.addEventListener('change', () => { input.type = box.checked ? 'text' : 'password' })
	return element('p', { className: 'check reveal' }, box, element('label', { for: box.id, textContent: text }))
}

// complete reports whether all fields are filled in, and marks those that are not.
function complete(form, missing) {
	let first = null
	for (const input of form.querySelectorAll('input[required]')) {
		const empty = input.type === 'checkbox' ? !input.checked : input.value.trim() === ''
		document.getElementById(input.id + '-wrong').textContent = empty ? input.dataset.missing || missing : ''
		if (empty) input.setAttribute('aria-invalid', 'true')
		else input.removeAttribute('aria-invalid')
		first ??= empty ? input : null
	}
	first?.focus()
	return !first
}

// values returns what was typed. The service reads it; a password counts with its
// spaces.
function values(form) {
	const all = {}
	for (const input of form.querySelectorAll('input[required]')) all[input.name] = input.value
	return all
}

// beside creates the buttons below the form, and the time left.
function beside(s, send) {
	const e = element('div', { className: 'beside' })
	for (const a of s.actions ?? []) {
		const button = element('button', { type: 'button', className: a.main ? 'main' : 'quiet', textContent: a.label })
		button.dataset.input = a.input
		// The second click of a double click was meant for the button that was here before.
		button.addEventListener('click', (event) => { if (event.detail < 2) send(a.input, {}) })
		if (a.after) {
			countdown(a.after, (text, left) => {
				button.disabled = left > 0
				button.textContent = left > 0 ? text : a.label
			})
		}
		e.append(button)
	}
	if (s.deadline) {
		const p = element('p', { className: 'deadline', role: 'timer' })
		countdown(s.deadline, (text, left) => {
			p.textContent = text
			if (left === 0) dispatchEvent(new Event('deadline'))
		})
		e.append(p)
	}
	return e
}

// countdown calls each with the text and the seconds left, now and each second.
function countdown({ seconds, text }, each) {
	clocks.push({ end: Date.now() + seconds * 1000, text, each, left: -1 })
}

function tick() {
	for (const c of clocks) {
		const left = Math.max(0, Math.ceil((c.end - Date.now()) / 1000))
		if (left === c.left) continue
		c.left = left
		c.each(c.text.replace('{t}', Math.floor(left / 60) + ':' + String(left % 60).padStart(2, '0')), left)
	}
}
setInterval(tick, 250)

// busy marks the buttons as disabled while an answer is being sent.
export function busy(on) {
	section.classList.toggle('sending', on)
	for (const b of section.querySelectorAll('button')) b.setAttribute('aria-disabled', on)
}

// say shows a text in the element with this id, which an empty text hides.
export function say(id, text) {
	const e = document.getElementById(id)
	e.hidden = !text
	if (e.textContent !== text) e.textContent = text
}

// fields are the fields that a problem is about, by its code.
const fields = { no_phone: 'phone', no_id_card: 'id_card', no_code: 'code', consent_required: 'consent' }

// problemAt shows a problem at its field, and reports whether the screen has that field.
export function problemAt(code, text) {
	const input = document.getElementById('field-' + fields[code])
	if (!input) return false
	input.setAttribute('aria-invalid', 'true')
	document.getElementById(input.id + '-wrong').textContent = text
	input.focus()
	return true
}

// remember keeps the values of the application's form, in case it has to be
// corrected. Passwords and codes are never kept.
export function remember(input) {
	if (['name', 'id_card', 'phone'].includes(input.name)) typed[input.name] = input.value
}
