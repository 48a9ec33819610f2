// What the browser keeps for the next time. It may refuse, and the page works all the same.

export const browser = keeper(() => localStorage);
export const tab = keeper(() => sessionStorage);

function keeper(storage) {
	return {
		get(key, otherwise) {
			try {
				return JSON.parse(storage().getItem(`chat-${key}`)) ?? otherwise;
			} catch {
				return otherwise;
			}
		},
		set(key, value) {
			try {
				storage().setItem(`chat-${key}`, JSON.stringify(value));
			} catch {}
		},
	};
}
