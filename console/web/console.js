// A switch that reloads the page now and then, where it makes sense. It is off
// at first, remembered for the tab, and never takes away what is being typed.
'use strict'
const place = document.getElementById('refresh')
if (place && !document.querySelector('main input:not([type=hidden])')) {
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
	place.append(' ', button)
	setInterval(() => {
		if (on() && !document.hidden && !document.activeElement.matches('input, select')) location.reload()
	}, every)
}
