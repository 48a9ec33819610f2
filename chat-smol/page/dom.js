// Elements. Text goes in as text, never as HTML.

export const byId = (id) => document.getElementById(id);

/** Makes an element. Keys with `on` are listeners, the others attributes; false and empty ones are left out. */
export function element(name, attributes, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
		else if (value) made.setAttribute(key, value);
	}
	made.append(...children.filter(Boolean));
	return made;
}

/** Returns a function that has `callback` called once in the next frame, however often it is called itself. */
export function framed(callback) {
	let isDue = false;
	return () => {
		if (!isDue) requestAnimationFrame(() => callback((isDue = false)));
		isDue = true;
	};
}
