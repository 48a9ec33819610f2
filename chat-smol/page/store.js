// What the browser keeps. It may refuse to keep anything, and the page works all the same.

/** Kept for this browser: the name, rooms, drafts, what was read. */
export const browser = keeper(() => localStorage);

/** Kept for this tab, also when it is loaded again: whether somebody is in the conversation. */
export const tab = keeper(() => sessionStorage);

function keeper(storage) {
  return {
    get(key, otherwise) {
      try {
        return JSON.parse(storage().getItem(`chat ${key}`)) ?? otherwise;
      } catch {
        return otherwise;
      }
    },
    set(key, value) {
      try {
        if (value === null || value === '') storage().removeItem(`chat ${key}`);
        else storage().setItem(`chat ${key}`, JSON.stringify(value));
      } catch {
        // Private windows and full disks refuse; nothing else can be done.
      }
    },
  };
}
