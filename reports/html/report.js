// Brings the report's controls to life: filter, search, folding, theme, hex, copying. It reads the page and asks nobody for anything.
"use strict";
(() => {
	const all = (selector, from = document) => [...from.querySelectorAll(selector)];
	const form = document.querySelector(".controls");
	const search = document.getElementById("search");
	const rows = all("[data-filter], .rule");
	const texts = new Map();

	const textOf = row => {
		if (!texts.has(row))
			texts.set(row, row.textContent.toLowerCase());
		return texts.get(row);
	};

	const filter = () => {
		const verdicts = new Set(all("input[name=verdict]:checked").map(box => box.value));
		const words = search.value.toLowerCase().split(/\s+/).filter(word => word !== "");
		let shown = 0;

		for (const row of rows) {
			row.hidden = !verdicts.has(row.dataset.verdict) || !words.every(word => textOf(row).includes(word));
			shown += !row.hidden;
		}
		for (const group of all("tbody, .area"))
			if (all("[data-filter]", group).length > 0)
				group.hidden = all("[data-filter]", group).every(row => row.hidden);
		document.getElementById("shown").value = shown < rows.length ? `${shown} of ${rows.length} shown` : "";
	};

	const unfold = () => {
		const folds = all(".case, .why", document.getElementById("broken"));
		const open = folds.some(fold => !fold.open);

		for (const fold of folds)
			fold.open = open;
		document.getElementById("unfold").textContent = open ? "Fold all" : "Unfold all";
	};

	const themes = ["system", "light", "dark"];
	const turnTheme = () => {
		const now = themes[(themes.indexOf(document.documentElement.dataset.theme || "system") + 1) % themes.length];

		document.documentElement.dataset.theme = now;
		document.getElementById("theme").textContent = `Theme: ${now}`;
	};

	const escapes = { r: 13, n: 10, t: 9, "\\": 92 };
	const octetsOf = text => {
		const octets = [];

		for (let i = 0; i < text.length; i++) {
			if (text[i] !== "\\") {
				octets.push(text.charCodeAt(i));
			} else if (text[++i] === "x") {
				octets.push(parseInt(text.slice(i + 1, i + 3), 16));
				i += 2;
			} else {
				octets.push(escapes[text[i]]);
			}
		}
		return octets;
	};
	const hexOf = octets => {
		const lines = [];

		for (let at = 0; at < octets.length; at += 16) {
			const part = octets.slice(at, at + 16);
			const hex = part.map(octet => octet.toString(16).padStart(2, "0")).join(" ");
			const text = part.map(octet => octet >= 32 && octet < 127 ? String.fromCharCode(octet) : ".").join("");

			lines.push(`${at.toString(16).padStart(4, "0")}  ${hex.padEnd(48)} ${text}`);
		}
		return lines.join("\n");
	};
	const turnHex = button => {
		const cell = button.parentElement;
		const old = cell.querySelector(".hex");

		button.setAttribute("aria-expanded", String(!old));
		if (old) {
			old.remove();
			return;
		}
		const hex = document.createElement("code");

		hex.className = "hex";
		hex.textContent = hexOf(octetsOf(cell.querySelector("[data-octets]").textContent));
		cell.append(hex);
	};

	// The buttons are made when a table is unfolded: most never are.
	const addHex = table => {
		for (const code of all("[data-octets]", table)) {
			if (code.parentElement.querySelector("button"))
				continue;
			const button = document.createElement("button");

			button.type = "button";
			button.textContent = "hex";
			button.setAttribute("aria-expanded", "false");
			button.addEventListener("click", () => turnHex(button));
			code.after(" ", button);
		}
	};

	const copy = async button => {
		const code = button.parentElement.querySelector("code");

		try {
			await navigator.clipboard.writeText(code.textContent);
			button.textContent = "Copied";
		} catch {
			getSelection().selectAllChildren(code);
			button.textContent = "Selected";
		}
	};

	// What a link points to may lie in a fold, or be filtered away.
	const reveal = () => {
		const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));

		if (!target)
			return;
		for (let at = target; at; at = at.parentElement) {
			at.hidden = false;
			if (at.tagName === "DETAILS")
				at.open = true;
		}
		const fold = target.matches("tr") && target.querySelector("details");

		if (fold)
			fold.open = true;
		target.scrollIntoView();
	};

	// j and k go from failure to failure, / to the search.
	let at = -1;
	const go = step => {
		const cases = all(".case").filter(fold => fold.offsetParent !== null);

		if (cases.length === 0)
			return;
		at = Math.min(Math.max(at + step, 0), cases.length - 1);
		cases[at].open = true;
		cases[at].querySelector("summary").focus();
		cases[at].scrollIntoView();
	};
	const keys = { "/": () => search.focus(), j: () => go(1), k: () => go(-1) };

	document.addEventListener("keydown", event => {
		if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key))
			return;
		event.preventDefault();
		keys[event.key]();
	});
	document.addEventListener("toggle", event => {
		if (event.target.matches(".messages") && event.target.open)
			addHex(event.target);
	}, true);
	for (const button of all(".copy")) {
		button.hidden = false;
		button.addEventListener("click", () => copy(button));
	}
	addEventListener("hashchange", reveal);
	addEventListener("beforeprint", () => {
		for (const fold of all(".case"))
			fold.open = true;
	});
	if (form) {
		form.hidden = false;
		form.addEventListener("input", filter);
		form.addEventListener("submit", event => event.preventDefault());
		document.getElementById("unfold").hidden = document.getElementById("broken") === null;
		document.getElementById("unfold").addEventListener("click", unfold);
		document.getElementById("theme").addEventListener("click", turnTheme);
		filter();
	}
	reveal();
})();
