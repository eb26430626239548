// The times of a page are shown in UTC or locally, its tables are cards on a narrow screen,
// and it updates itself. Without this script the pages work, as the server sent them.
'use strict'

const say = (english, chinese) => document.documentElement.lang === 'zh' ? chinese : english

// On a narrow screen the rows of a table are cards, in which each cell has the name of its
// column. The roles keep it a table for screen readers. Without this script it scrolls.
function makeCards(root) {
	for (const table of root.querySelectorAll('.scroll > table')) {
		const names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent)
		table.setAttribute('role', 'table')
		table.classList.add('cards')
		for (const part of [table.tHead, ...table.tBodies]) part.setAttribute('role', 'rowgroup')
		for (const row of table.rows) {
			row.setAttribute('role', 'row')
			for (const [i, cell] of [...row.cells].entries()) {
				if (cell.tagName === 'TH') cell.setAttribute('role', cell.scope === 'row' ? 'rowheader' : 'columnheader')
				else cell.setAttribute('role', 'cell')
				if (cell.tagName === 'TD' && names[i]) cell.dataset.column = names[i]
			}
		}
	}
}

// The times of a page: UTC, as the server writes them, or those of this browser's place.
// A button changes between them, and each time has both as its title.
const zone = document.getElementById('zone')
const zoneKey = 'carrierfsm zone'
const isLocal = () => localStorage.getItem(zoneKey) === 'local'
const two = (n) => String(n).padStart(2, '0')
const offset = (at) => {
	const minutes = -at.getTimezoneOffset()
	return 'UTC' + (minutes < 0 ? '−' : '+') + two(Math.floor(Math.abs(minutes) / 60)) + ':' + two(Math.abs(minutes) % 60)
}
const local = (at) => at.getFullYear() + '-' + two(at.getMonth() + 1) + '-' + two(at.getDate()) +
	' ' + two(at.getHours()) + ':' + two(at.getMinutes()) + ':' + two(at.getSeconds())
const utc = (at) => at.toISOString().slice(0, 19).replace('T', ' ')

function showTimes(root) {
	for (const element of root.querySelectorAll('time[datetime]')) {
		const at = new Date(element.dateTime)
		element.title = utc(at) + ' UTC, ' + local(at) + ' ' + offset(at)
		if (/^\d{4}-/.test(element.textContent)) element.textContent = isLocal() ? local(at) : utc(at)
	}
}

function offerZone() {
	const button = document.createElement('button')
	button.type = 'button'
	button.textContent = say('Local times', '本地时间')
	const show = () => {
		button.setAttribute('aria-pressed', String(isLocal()))
		zone.textContent = isLocal()
			? say('All times are local, ', '时间均为本地时间，') + offset(new Date()) + say('.', '。')
			: say('All times are UTC.', '时间均为 UTC。')
		showTimes(document)
	}
	button.addEventListener('click', () => {
		localStorage.setItem(zoneKey, isLocal() ? 'utc' : 'local')
		show()
	})
	show()
	zone.after(' ', button)
}

// Updates. The server says over one stream that something has changed; then the page is
// requested again, and its live regions are replaced: those with data-live. A region in
// which somebody types, ticks, selects or has the focus is left alone until they have
// ended. The page is requested by time where the stream fails.
const regionsOf = (page) => [...page.querySelectorAll('[data-live]')]

// isChanged reports whether a field has another value than the server sent.
function isChanged(field) {
	if (field.type === 'hidden') return false
	if (field.type === 'checkbox' || field.type === 'radio') return field.checked !== field.defaultChecked
	if (!field.options) return field.value !== field.defaultValue
	return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected))
}

// What is focused to be opened or scrolled can be replaced: its twin gets the focus.
const twins = 'summary, .scroll'
const twinOf = (element, from, to) => [...to.querySelectorAll(twins)][[...from.querySelectorAll(twins)].indexOf(element)]

function isInUse(region, fresh) {
	const selection = getSelection()
	const focus = document.activeElement
	return region.contains(focus) && !twinOf(focus, region, fresh) || region.querySelector(':active') !== null ||
		[...region.querySelectorAll('input, select, textarea')].some(isChanged) ||
		!selection.isCollapsed && selection.containsNode(region, true)
}

// replace puts what is new into a region, and keeps what is open and how far it is scrolled.
function replace(region, fresh) {
	const open = [...region.querySelectorAll('details')].map((details) => details.open)
	const scrolled = [...region.querySelectorAll('.scroll')].map((part) => [part.scrollLeft, part.scrollTop])
	const [x, y] = [scrollX, scrollY]
	const twin = region.contains(document.activeElement) && twinOf(document.activeElement, region, fresh)
	makeCards(fresh)
	showTimes(fresh)
	region.replaceChildren(...fresh.childNodes)
	for (const [i, details] of [...region.querySelectorAll('details')].entries()) details.open = open[i] ?? details.open
	for (const [i, part] of [...region.querySelectorAll('.scroll')].entries()) part.scrollTo(...scrolled[i] ?? [0, 0])
	if (twin) twin.focus({ preventScroll: true })
	if (scrollX !== x || scrollY !== y) scrollTo({ left: x, top: y, behavior: 'instant' })
}

function offerUpdates(slot) {
	const every = 15000
	const key = 'carrierfsm updates'
	const on = () => sessionStorage.getItem(key) !== 'off' && !document.hidden
	const shown = new Map(regionsOf(document).map((region) => [region.dataset.live, region.innerHTML]))
	let waiting = null // the latest answer, while some region is in use
	let stream = null
	let heard = 0
	let asking = false
	let again = false

	const apply = () => {
		const page = waiting
		waiting = null
		if (!page) return
		const fresh = new Map(regionsOf(page).map((region) => [region.dataset.live, region]))
		for (const region of regionsOf(document)) {
			const name = region.dataset.live
			const html = fresh.get(name)?.innerHTML
			if (html === undefined || html === shown.get(name)) continue
			if (isInUse(region, fresh.get(name))) {
				waiting = page
				continue
			}
			shown.set(name, html)
			replace(region, fresh.get(name))
		}
	}
	const update = async () => {
		again = asking
		if (asking) return
		asking = true
		try {
			const answer = await fetch(location.href, {
				headers: { 'Carrierfsm-Update': '1' }, cache: 'no-store', credentials: 'same-origin', signal: AbortSignal.timeout(2 * every),
			})
			const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
			if (!answer.ok || answer.redirected || regionsOf(page).length === 0) throw new Error('no page')
			waiting = page
			apply()
			problem.textContent = ''
		} catch {
			problem.textContent = say('The last update failed.', '上次更新失败。')
		}
		asking = false
		if (again && on()) update()
	}
	const hear = () => {
		heard = Date.now()
		update()
	}
	const listen = () => {
		stream?.close()
		stream = null
		if (!on()) return
		heard = Date.now()
		stream = new EventSource(slot.dataset.changes)
		stream.onopen = hear // the page may be older than the stream
		stream.addEventListener('changed', hear)
	}
	let ticks = 0
	setInterval(() => {
		if (!on()) return
		if (stream?.readyState === EventSource.OPEN && Date.now() - heard < 2 * every) return
		update()
		if (++ticks % 4 === 0) listen() // a browser gives up a stream that was refused
	}, every)
	document.addEventListener('visibilitychange', listen)
	for (const event of ['focusout', 'change', 'selectionchange', 'pointerup']) document.addEventListener(event, () => setTimeout(apply))

	const button = document.createElement('button')
	const problem = document.createElement('span')
	problem.className = 'warn'
	problem.setAttribute('role', 'status')
	button.type = 'button'
	button.textContent = say('Live updates', '自动更新')
	const show = () => button.setAttribute('aria-pressed', String(sessionStorage.getItem(key) !== 'off'))
	button.addEventListener('click', () => {
		sessionStorage.setItem(key, sessionStorage.getItem(key) === 'off' ? 'on' : 'off')
		show()
		listen()
	})
	show()
	slot.append(' ', button, ' ', problem)
	listen()
}

const slot = document.getElementById('refresh')
if (slot) offerUpdates(slot) // first: it remembers the regions as the server sent them
makeCards(document)
if (zone) offerZone()
