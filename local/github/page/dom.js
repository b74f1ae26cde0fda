/** How long a notice stays to be read. */
const NOTICE_MS = 6000;

/** The element with this id, which the page is known to have. */
export function find(id) {
  return document.getElementById(id);
}

/** A new element; texts among the children are shown as text, never read as HTML. */
export function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Calls the local API. Returns the JSON answer; throws an Error with the server's message otherwise. */
export async function request(method, path, body) {
  const answer = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const json = text === "" ? undefined : JSON.parse(text);
  if (!answer.ok) throw new Error(json?.message ?? `${method} ${path} answered ${answer.status}.`);
  return json;
}

/** Says something for some seconds, such as why a click did nothing. */
export function notice(text) {
  const place = find("notice");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => {
    place.hidden = true;
  }, NOTICE_MS);
}

/** "2026-11-23T14:02:06.000Z" -> "14:02:06 UTC", the clock that Offshoot's own texts use. */
export function clock(time) {
  return `${new Date(time).toISOString().slice(11, 19)} UTC`;
}
