// Requests the screen from the service, shows it, and sends the person's answers.
// The page keeps no state of the verification: it can be reloaded, closed and
// opened twice at any time.

import { busy, problemAt, remember, say, show } from './screen.js'

const tabs = new BroadcastChannel('verification') // other tabs of this browser
let lang = document.documentElement.lang
let shown = null // the present screen
let sending = false
let ours = false // the present wait is for an answer of this page
let unsent = null // the input that could not be sent, with the topic that it is about
let wake = () => {} // ends the waiting of watch()
let begun // resolves once the browser has its ticket
const ready = new Promise((resolve) => { begun = resolve })

// call returns the status, the screen and the problem of a response. It throws without
// a response.
async function call(path, options) {
	const response = await fetch(path, { cache: 'no-store', credentials: 'same-origin', ...options })
	const body = await response.json()
	const problem = response.ok ? null : body
	return { status: response.status, problem, screen: (problem ? body.verification : body)?.screen }
}

function post(path, body, options) {
	return call(path + '?lang=' + lang, {
		...options, method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body),
	})
}

// current returns the present screen. A verification that is gone, as after a restart of
// a service in memory, is begun anew.
async function current(options) {
	const seen = shown ? '&seen=' + encodeURIComponent(shown.tag) : ''
	const answer = await call('/api/verifications/mine?lang=' + lang + seen, options)
	return answer.status === 404 ? post('/api/anew', {}, options) : answer
}

// send sends an input. A click while one is being sent has no effect; the service
// would refuse it, too. What is wrong with it is shown until the next input, or until the
// question changes: no poll removes it.
async function send(input, fields) {
	if (sending) return
	sending = true
	busy(true)
	const topic = shown.topic
	unsent = null
	try {
		await ready
		const { problem, ...answer } = await deliver(input, { step: shown.step, ...fields })
		take(answer)
		ours = answer.screen?.tone === 'wait'
		const mistake = problem?.status === 422
		say('problem', problem && !problemAt(problem.code, problem.title) ? problem.title : '', mistake)
		tabs.postMessage('changed')
	} catch {
		unsent = { input, fields, topic }
		offline()
	} finally {
		sending = false
		busy(false)
		wake()
	}
}

// deliver sends the requests of an input.
async function deliver(input, body) {
	const path = '/api/verifications/mine/'
	switch (input) {
		case 'anew': return post('/api/anew', {})
		case 'apply': return post('/api/verifications', body)
		case 'cancel': return post(path + 'cancel', {})
		case 'correct': {
			const canceled = await post(path + 'cancel', {})
			return canceled.status === 200 ? post('/api/anew', {}) : canceled
		}
		default: return post(path + input, body)
	}
}

// resend sends what could not be sent, once the service can be reached again: only that,
// and only while its question is still there. The service refuses what it has received
// before.
function resend() {
	if (!unsent) return
	const { input, fields, topic } = unsent
	unsent = null
	if (topic === shown.topic && shown.tone !== 'wait') send(input, fields)
}

// take shows the screen of a response, if it has one in the present language. What is
// typed stays if the change came without the person.
function take({ screen }, keep = false) {
	if (!screen || screen.language !== lang) return
	if (shown && screen.topic !== shown.topic) say('problem', '')
	shown = screen
	show(screen, send, keep)
}

// offline says that the service can't be reached, until a poll has reached it.
function offline() {
	const { dataset } = document.getElementById('connection')
	say('connection', unsent ? dataset.unsent : dataset.offline)
}

// watch polls and shows changes while the page is open.
async function watch() {
	for (let failures = 0; ;) {
		while (document.hidden && shown) await pause(Infinity) // browsers limit the connections of all tabs
		try {
			const answer = await current({ signal: waking() })
			if (!answer.screen) throw answer.problem
			begun()
			const early = sending && answer.screen.tone === 'wait'
			if (early) await pause(1000) // usually the outcome is known by then
			if (early && !sending) continue
			ours ||= sending
			if (!shown || answer.screen.tag !== shown.tag) take(answer, !ours)
			ours &&= answer.screen.tone === 'wait'
			say('connection', '')
			resend()
			failures = 0
			if (!answer.screen.live) await pause(Infinity) // until another tab or the person acts
		} catch (problem) {
			if (problem.name === 'AbortError') continue
			failures++
			if (problem.title) say('connection', problem.title)
			else offline()
			await pause((problem.retry_after_seconds || Math.min(failures, 10)) * 1000)
		}
	}
}

// waking returns a signal that wake() aborts.
function waking() {
	const stop = new AbortController()
	wake = () => stop.abort(new DOMException('', 'AbortError'))
	return stop.signal
}

// pause waits for a time, or until wake() is called.
function pause(milliseconds) {
	return new Promise((resolve) => {
		wake = resolve
		if (milliseconds !== Infinity) setTimeout(resolve, milliseconds)
	})
}

// speak shows the page in another language, with what is typed in it.
async function speak(href) {
	const response = await fetch(href, { cache: 'no-store', credentials: 'same-origin' })
	const page = new DOMParser().parseFromString(await response.text(), 'text/html')
	const screen = page.getElementById('screen').dataset.screen
	if (!response.ok || !screen) throw new Error('no screen')
	lang = document.documentElement.lang = page.documentElement.lang
	document.title = page.title
	for (const e of page.querySelectorAll('[data-words]')) document.getElementById(e.id).replaceWith(document.adoptNode(e))
	Object.assign(document.getElementById('connection').dataset, page.getElementById('connection').dataset)
	say('problem', '')
	history.replaceState(null, '', href)
	take({ screen: JSON.parse(screen) }, true)
	wake()
}

document.addEventListener('click', (event) => {
	const link = event.target.closest('a[hreflang]')
	if (!link || sending) return
	event.preventDefault()
	speak(link.href).catch(() => { location.href = link.href })
})
document.addEventListener('input', (event) => {
	remember(event.target)
	if (!unsent) return
	unsent = null // the person goes on without it
	offline()
})
tabs.addEventListener('message', () => wake())
addEventListener('online', () => wake())
addEventListener('offline', () => offline())
addEventListener('pageshow', () => wake())
addEventListener('deadline', () => wake()) // dispatched by screen.js
document.addEventListener('visibilitychange', () => wake())
const first = document.getElementById('screen').dataset.screen
if (first) take({ screen: JSON.parse(first) })
if (shown && shown.tag !== 'new') begun() // the server knew the ticket
watch()
