// Helps to fill in the card form: it shows the brand, groups the digits as on the
// card, and inserts the slash of the expiry date. The server accepts the fields
// with and without these. After a deletion, the script changes nothing until more
// is typed or the field loses the focus, so that nothing grows back under the cursor.

// The first digits of each brand's numbers, as the networks publish them.
const brands = [
	{ name: "Visa", ranges: [["4", "4"]] },
	{ name: "Mastercard", ranges: [["51", "55"], ["2221", "2720"]] },
	{ name: "American Express", ranges: [["34", "34"], ["37", "37"]], groups: [4, 6, 5] },
	{ name: "Discover", ranges: [["6011", "6011"], ["644", "649"], ["65", "65"]] },
];

const fours = [4, 4, 4, 4, 3];

// plain converts the digits of every script to ASCII digits. Each script has its
// digits in a row from zero to nine; the mathematical ones have five such rows.
const mathematical = 0x1d7ce;
const valueOf = (digit) => {
	const code = digit.codePointAt(0);
	if (code >= mathematical && code < mathematical + 50) return (code - mathematical) % 10;
	let value = 0;
	while (value < 9 && /\p{Nd}/u.test(String.fromCodePoint(code - value - 1))) value++;
	return value;
};
const plain = (text) => text.replace(/\p{Nd}/gu, valueOf);

const digits = (text) => plain(text).replace(/\D/g, "");

const brandOf = (number) => brands.find(({ ranges }) => ranges.some(([low, high]) => {
	const first = number.slice(0, low.length);
	return first.length === low.length && low <= first && first <= high;
}));

const grouped = (number, sizes) => {
	const groups = [];
	let rest = number;
	for (const size of [...sizes, rest.length]) {
		if (rest) groups.push(rest.slice(0, size));
		rest = rest.slice(size);
	}
	return groups.join(" ");
};

// dated formats a date as MM/YY. Some browsers fill in YYYY-MM.
const dated = (text) => {
	const filled = /^20(\d\d)-(\d\d)$/.exec(plain(text).trim());
	if (filled) return `${filled[2]}/${filled[1]}`;
	const oneDigit = /^\s*([2-9]|\d\D)/.test(plain(text));
	const all = (oneDigit ? "0" : "") + digits(text);
	return all.length < 2 ? all : `${all.slice(0, 2)}/${all.slice(2, 6)}`;
};

// rewrite keeps the cursor after the same digit.
const rewrite = (field, text) => {
	if (field.value === text) return;
	const atEnd = field.selectionStart === field.value.length;
	let before = digits(field.value.slice(0, field.selectionStart)).length;
	field.value = text;
	if (atEnd || document.activeElement !== field) return;
	let at = 0;
	for (; before > 0 && at < text.length; at++) {
		if (/\d/.test(text[at])) before--;
	}
	field.setSelectionRange(at, at);
};

const whileTyped = (field, show) => {
	field.addEventListener("input", (event) => show(!event.isComposing && !event.inputType?.startsWith("delete")));
	field.addEventListener("blur", () => show(true));
	show(false);
};

const number = document.getElementById("number");
const expiry = document.getElementById("expiry");

// The script adds the element for the brand, because without the script it would stay empty.
const brand = document.createElement("output");
brand.id = "number-brand";
brand.className = "brand";
brand.htmlFor = "number";
number.after(brand);
number.setAttribute("aria-describedby", `${number.getAttribute("aria-describedby") ?? ""} number-brand`.trim());

whileTyped(number, (tidy) => {
	const typed = digits(number.value);
	const known = brandOf(typed);
	const name = known?.name ?? "";
	if (brand.textContent !== name) brand.textContent = name;
	if (tidy) rewrite(number, grouped(typed, known?.groups ?? fours));
});

whileTyped(expiry, (tidy) => {
	if (tidy) rewrite(expiry, dated(expiry.value));
});
