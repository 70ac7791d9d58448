// Sends a form only once, even if its button is pressed several times. The form can
// be sent again after ten seconds, because an answer may get lost, and when the
// browser restores the page from its cache.

const again = 10_000; // ms

const sent = new WeakMap(); // the time at which each form was sent

document.addEventListener("submit", (event) => {
	const before = sent.get(event.target);
	if (before !== undefined && event.timeStamp - before < again) {
		event.preventDefault();
		return;
	}
	sent.set(event.target, event.timeStamp);
});

addEventListener("pageshow", () => {
	for (const form of document.forms) sent.delete(form);
});
