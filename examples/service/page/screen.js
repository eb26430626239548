// Shows a screen of the service. Text is set as text, never as HTML.

const section = document.getElementById('screen')
const typed = {} // values to keep when the form is shown again; no secrets
let present = null // the screen that is shown
let kept = null // what was typed in the latest form: its input, what it is about, and the values
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

// words is an element with a text, in which names of operators are marked as Chinese.
function words(name, properties, text) {
	const e = element(name, properties)
	for (const part of text.split(/(\p{Script=Han}+)/u)) {
		const chinese = present.language !== 'zh' && /\p{Script=Han}/u.test(part)
		e.append(chinese ? element('span', { lang: 'zh', textContent: part }) : part)
	}
	return e
}

// show shows a screen. If the question is the same, the form is kept with what is
// typed in it; a new question gets the focus. With keep, what is typed stays in a form
// that asks for the same.
export function show(screen, send, keep) {
	const before = present
	present = screen
	clocks = []
	if (before && identity(before) === identity(screen)) {
		section.querySelector('.beside').replaceWith(beside(screen, send))
		tick()
		return
	}
	if (!keep && !screen.form?.keep) kept = null
	const values = keep || screen.form?.keep ? valuesFor(before) : []
	const focus = document.activeElement?.id
	section.replaceChildren(...parts(screen, send))
	section.setAttribute('aria-busy', screen.tone === 'wait')
	section.className = screen.tone
	section.removeAttribute('data-screen') // the server's
	document.title = document.title.replace(/^.*(?= · )/, () => screen.title)
	document.getElementById('return').hidden = screen.tone !== 'done'
	tick()
	document.getElementById('news').textContent = [screen.why, screen.title, screen.text].filter(Boolean).join(' ')
	restore(values)
	if (before) focusOn(values.some(([name]) => 'field-' + name === focus) && document.getElementById(focus))
}

// identity changes with what is shown, but for the buttons and the time left.
function identity(s) { return [s.language, s.topic, s.tone, s.why].join() }

// valuesFor returns the names and values of what was typed before, if the present screen
// asks for the same at the same operator. A wait in between changes nothing.
function valuesFor(before) {
	if (before?.form) kept = { input: before.form.input, about: before.about, values: typedNow() }
	const { form, about, tone } = present
	if (kept && form && form.input === kept.input && about === kept.about) return kept.values
	if (tone !== 'wait') kept = null
	return []
}

function typedNow() {
	return [...section.querySelectorAll('input[name]')].map((i) => [i.name, i.type === 'checkbox' ? i.checked : i.value, i.selectionStart])
}

function restore(values) {
	for (const [name, value, at] of values) {
		const input = document.getElementById('field-' + name)
		if (!input) continue
		if (input.type === 'checkbox') {
			input.checked = value
			continue
		}
		input.value = value
		input.setSelectionRange(at, at)
	}
}

function focusOn(same) {
	const first = section.querySelector('input[aria-invalid]') || section.querySelector('input') || document.getElementById('title')
	;(same || first).focus()
}

function parts(s, send) {
	return [
		s.progress && progress(s.progress),
		s.about && words('p', { className: 'about' }, s.about),
		element('h1', { id: 'title', tabIndex: -1, textContent: s.title }),
		s.why && words('p', { id: 'why', className: s.wrong ? 'why wrong' : 'why' }, s.why),
		s.said && element('p', { className: 'said' }, s.said.by + ' ', element('q', { lang: 'zh', textContent: s.said.text })),
		s.text && words('p', { id: 'text' }, s.text),
		s.tone === 'wait' && element('div', { className: 'waiting', 'aria-hidden': 'true' }),
		s.link && element('p', {}, link(s.link)),
		s.form && form(s.form, s, send),
		s.help && element('details', { className: 'help' }, element('summary', { textContent: s.help.title }), words('p', {}, s.help.text)),
		beside(s, send),
	].filter(Boolean)
}

function progress({ step, steps, text }) {
	return element('p', { className: 'progress' },
		element('progress', { id: 'progress', max: steps, value: step - 0.5, 'aria-labelledby': 'progress-text' }),
		element('span', { id: 'progress-text', textContent: text }))
}

function link({ href, label }) {
	return element('a', { className: 'link', href: href.startsWith('sms:') ? href : '#', textContent: label })
}

function form(f, s, send) {
	const described = [s.why && 'why', s.text && 'text'].filter(Boolean)
	const about = Math.max(0, f.fields.findIndex((field) => field.wrong)) // the field that the reason is about
	const rows = f.fields.map((field, i) => row(field, i === about ? described : []))
	if (s.terms) rows.splice(f.fields.findIndex((field) => field.name === 'consent'), 0, terms(s.terms))
	const e = element('form', { noValidate: true }, ...rows, element('button', { type: 'submit', className: 'main', textContent: f.submit }))
	e.addEventListener('submit', (event) => {
		event.preventDefault()
		if (complete(e, f.missing)) send(f.input, values(e))
	})
	return e
}

// terms creates the document that the person is to agree to.
function terms({ title, version, parts }) {
	return element('details', { className: 'terms', open: true },
		element('summary', {}, title + ' ', element('span', { className: 'version', textContent: version })),
		element('dl', {}, ...parts.flatMap(({ heading, text }) => [element('dt', { textContent: heading }), element('dd', { textContent: text })])))
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
		button.addEventListener('click', (event) => {
			if (event.detail < 2) confirm(a.confirm, () => send(a.input, {}))
		})
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

// confirm asks before an action, if there is a question.
function confirm(question, act) {
	if (!question) {
		act()
		return
	}
	const dialog = document.getElementById('confirm')
	const [no, yes] = dialog.querySelectorAll('button')
	document.getElementById('confirm-text').textContent = question.text
	yes.textContent = question.yes
	no.textContent = question.no
	const asked = present.topic
	yes.onclick = (event) => {
		if (event.detail > 1) return
		dialog.close()
		if (asked === present.topic) act()
	}
	no.onclick = () => dialog.close()
	dialog.showModal()
	no.focus()
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

// say shows a text in the element with this id, which an empty text hides. Only a mistake
// of the person is shown as an error.
export function say(id, text, mistake = false) {
	const e = document.getElementById(id)
	e.hidden = !text
	e.classList.toggle('wrong', mistake)
	if (e.textContent !== text) e.textContent = text
}

// fields are the fields that a problem is about, by its code.
const fields = { no_name: 'name', no_phone: 'phone', no_id_card: 'id_card', no_code: 'code', consent_required: 'consent' }

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
