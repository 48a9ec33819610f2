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
