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

// Calls back after this task, once in 16 ms at most. Hidden tabs have no frames.
export function framed(callback) {
	let isBusy = false;
	let isDue = false;
	return function call() {
		isDue = isBusy;
		if (isBusy) return;
		isBusy = true;
		queueMicrotask(callback);
		setTimeout(() => {
			isBusy = false;
			if (isDue) call();
		}, 16);
	};
}
