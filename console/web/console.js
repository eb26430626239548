// A button that reloads the page every 15 s. It is off at first, and its state
// is kept for the tab. It is left out on pages with an input, and waits while
// one has the focus.
'use strict'
const slot = document.getElementById('refresh')
if (slot && !document.querySelector('main input:not([type=hidden])')) {
	const every = 15000
	const key = 'carrierfsm refresh'
	const on = () => sessionStorage.getItem(key) === 'on'
	const button = document.createElement('button')
	button.type = 'button'
	button.textContent = 'Refresh every 15 s'
	const show = () => button.setAttribute('aria-pressed', String(on()))
	button.addEventListener('click', () => {
		sessionStorage.setItem(key, on() ? 'off' : 'on')
		show()
	})
	show()
	slot.append(' ', button)
	setInterval(() => {
		if (on() && !document.hidden && !document.activeElement.matches('input, select')) location.reload()
	}, every)
}
