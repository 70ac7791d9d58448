// A form is sent once, however often its button is pressed. It can be sent again
// after a while, since an answer may get lost, and when the browser shows the page
// from its memory.

const again = 10_000; // ms

const sent = new WeakMap(); // forms, with the time of their sending

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
