// Elements. Text goes in as text, never as HTML.

/**
 * Makes an element. Keys with `on` are listeners, `class` and names with a dash are attributes, others properties.
 * @param {string} name
 * @param {Record<string, any>} [properties]
 * @param {(Node | string | null | undefined | false)[]} children
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) made.addEventListener(key.slice(2), value);
    else if (key === 'class' || key.includes('-') || key === 'role') made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.filter((child) => child || child === 0));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Calls something once in the next frame, however often that is asked for. */
export function framed(callback) {
  let frame = 0;
  const run = () => {
    frame = 0;
    callback();
  };
  return () => {
    frame ||= requestAnimationFrame(run);
  };
}
