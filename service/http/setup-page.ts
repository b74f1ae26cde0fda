/** The pages of the set-up: plain HTML without a script, so that nothing but the form can leave them. */

/** Text of others in HTML, also within quoted attributes. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}

const STYLE = `body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; }
button { font: inherit; padding: .5rem 1rem; } input { font: inherit; padding: .4rem; } code { font-size: .9em; }`;

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`;
}

/** The first page: a form that takes the manifest to GitHub, and one that says which organization shall own the App. */
export function beginPage(form: {
  readonly action: string;
  readonly manifest: string;
  readonly code: string;
  readonly organization: string | null;
}): string {
  const { action, manifest, code, organization } = form;
  const owner = organization === null ? "your own account" : `the organization ${organization}`;
  return page(
    "Set up Offshoot",
    `<p>GitHub will ask you to create an App with exactly the permissions that Offshoot needs, owned by
${escaped(owner)}. You may change its name there, and nothing else.</p>
<form action="${escaped(action)}" method="post">
<input type="hidden" name="manifest" value="${escaped(manifest)}">
<button type="submit">Create the GitHub App</button>
</form>
<h2>For an organization</h2>
<form action="setup" method="get">
<input type="hidden" name="code" value="${escaped(code)}">
<label>Its name on GitHub <input name="organization" required maxlength="100" autocomplete="off"></label>
<button type="submit">Let it own the App</button>
</form>`,
  );
}

/** The last page. `notes` are sentences of what is still to do. */
export function donePage(done: {
  readonly slug: string;
  readonly installUrl: string;
  readonly notes: readonly string[];
}): string {
  const notes = done.notes.map((note) => `<li>${escaped(note)}</li>`).join("\n");
  return page(
    "Offshoot is set up",
    `<p>The App <strong>${escaped(done.slug)}</strong> was created and its secrets are kept; this link is used up.</p>
<ul>
${notes}
</ul>
<p><a href="${escaped(done.installUrl)}">Install it on your repositories</a></p>`,
  );
}

/** Why it does not go on, and what to do. */
export function refusalPage(title: string, detail: string): string {
  return page(title, `<p>${escaped(detail)}</p>`);
}
