// Keeps the focus on the same link when a part of the page is replaced, so that people
// who use the keyboard do not have to start again at the top.

let address; // of the link that had the focus

document.addEventListener("htmx:beforeSwap", () => {
	address = document.activeElement?.getAttribute("href");
});

document.addEventListener("htmx:afterSwap", () => {
	if (!address || document.activeElement !== document.body) return;
	const links = [...document.querySelectorAll("main a[href]")];
	links.find((link) => link.getAttribute("href") === address)?.focus({ preventScroll: true });
});
