// Elements. Text goes in as text, never as HTML.

export const byId = (id) => document.getElementById(id);

export function element(name, attributes, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
		else if (value) made.setAttribute(key, value);
	}
	made.append(...children.filter(Boolean));
	return made;
}

export function on(id, event, does) {
	byId(id).addEventListener(event, (it) => {
		it.preventDefault();
		does(it);
	});
}

export function framed(callback) {
	let isDue = false;
	return () => {
		if (!isDue) requestAnimationFrame(() => callback((isDue = false)));
		isDue = true;
	};
}
