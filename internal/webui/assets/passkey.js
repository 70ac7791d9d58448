// Passkeys: the script gets a challenge from the server, the browser asks the user's
// device for the answer, and the script sends the form with it. In browsers without
// passkeys, their forms stay hidden.

const known = window.PublicKeyCredential;

const can = {
	make: Boolean(known?.parseCreationOptionsFromJSON),
	use: Boolean(known?.parseRequestOptionsFromJSON),
};

// The challenge may depend on the form's fields. If the server refuses one, refused
// says why.
const ask = async (form) => {
	const answer = await fetch(form.dataset.ask, { method: "POST", body: new URLSearchParams(new FormData(form)) });
	const { options, refused } = await answer.json();
	return { options, refused };
};

const answer = {
	make: async (options) => navigator.credentials.create({ publicKey: known.parseCreationOptionsFromJSON(options) }),
	use: async (options) => navigator.credentials.get({ publicKey: known.parseRequestOptionsFromJSON(options) }),
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
	const kind = form.dataset.passkey;
	if (!can[kind]) continue;
	form.hidden = false;
	const told = form.querySelector(".passkey-told");
	let working = false;
	form.addEventListener("submit", async (event) => {
		event.preventDefault();
		if (working) return;
		working = true;
		told.textContent = form.dataset.working;
		try {
			const { options, refused } = await ask(form);
			if (refused) {
				told.textContent = refused;
				return;
			}
			form.elements.answer.value = JSON.stringify(await answer[kind](options));
			// The password was needed only for the challenge and is not sent again.
			for (const secret of form.querySelectorAll("input[type=password]")) secret.disabled = true;
			form.submit();
		} catch {
			told.textContent = form.dataset.failed;
		} finally {
			working = false;
		}
	});
}
