import { element, find, notice, request } from "./dom.js";
import { FIRST_NUMBER, nextNumber, refusedMigration, workingMigration } from "./examples.js";

/** Offshoot's commands, to be put into the comment box by a click. */
const commands = ["status", "create", "destroy", "help"];

/**
 * Makes the buttons and forms work. `view` is what the page shows now, `localPath` the local API's address of a pull
 * request; `refresh` is called after each change.
 */
export function prepareForms(view, localPath, refresh) {
  prepareOpening(view, refresh);
  preparePushing(view, localPath, refresh);
  prepareComposer(view, localPath, refresh);
  const buttons = [
    ["close-pull", "close", {}],
    ["merge-pull", "close", { merged: true }],
    ["reopen-pull", "reopen", {}],
  ];
  for (const [id, action, more] of buttons) {
    find(id).addEventListener("click", async () => {
      const author = find("composer").elements.author.value;
      await attempt(notice, () =>
        request("POST", `${localPath(view.selected)}/${action}`, { author, ...more }),
      );
      refresh();
    });
  }
}

function prepareOpening(view, refresh) {
  const dialog = find("pull-dialog");
  const { elements } = find("pull-form");
  find("open-pull").addEventListener("click", () => {
    const names = view.overview.repositories.map(({ name }) => name);
    elements.repository.replaceChildren(...names.map((name) => element("option", {}, name)));
    elements.repository.value = names.find((name) => view.selected.startsWith(`${name}/`)) ?? names[0];
    fill();
    dialog.showModal();
  });
  elements.repository.addEventListener("change", fill);
  function fill() {
    const { table, path, text } = workingMigration(FIRST_NUMBER);
    const pulls =
      view.overview.repositories.find(({ name }) => name === elements.repository.value)?.pulls ?? [];
    const isTaken = pulls.some(({ branch }) => branch === `add-${table}`);
    elements.title.value = `Add ${table}`;
    elements.branch.value = isTaken ? `add-${table}-${pulls.length + 1}` : `add-${table}`;
    elements.path.value = path;
    elements.text.value = text;
  }
  onSubmit(dialog, async () => {
    const { number } = await request("POST", `/_local/repositories/${elements.repository.value}/pulls`, {
      author: elements.author.value,
      title: elements.title.value,
      branch: elements.branch.value,
      files: { [elements.path.value]: elements.text.value },
      fork: elements.fork.checked,
      draft: elements.draft.checked,
    });
    location.hash = `${elements.repository.value}/pull/${number}`;
    refresh();
  });
}

function preparePushing(view, localPath, refresh) {
  const dialog = find("push-dialog");
  const { elements } = find("push-form");
  let choices = [];
  find("push-pull").addEventListener("click", () => {
    choices = pushChoices(view.pull);
    elements.choice.replaceChildren(
      ...choices.map(({ label }, index) => element("option", { value: index }, label)),
    );
    elements.author.value = view.pull.author;
    fill();
    dialog.showModal();
  });
  elements.choice.addEventListener("change", fill);
  function fill() {
    const choice = choices[Number(elements.choice.value)];
    elements.path.value = choice.path;
    elements.text.value = choice.text;
  }
  onSubmit(dialog, async () => {
    await request("POST", `${localPath(view.selected)}/push`, {
      author: elements.author.value,
      files: { [elements.path.value]: elements.text.value },
    });
    refresh();
  });
}

/** What can be pushed: one more migration, one that fails, or a change of a file that the pull request brings. */
function pushChoices({ files, commits }) {
  const number = nextNumber(Object.keys(files));
  const brought = [...new Set(commits.flatMap((commit) => commit.files))].filter((path) => path in files);
  return [
    { label: "One more migration", ...workingMigration(number) },
    { label: "A migration that DSQL refuses", ...refusedMigration(number) },
    ...brought.map((path) => ({ label: `Change ${path}`, path, text: files[path] })),
  ];
}

function prepareComposer(view, localPath, refresh) {
  const form = find("composer");
  const { author, body } = form.elements;
  find("commands").replaceChildren(
    "/db",
    ...commands.map((command) => {
      const button = element("button", { type: "button", ariaLabel: `/db ${command}` }, command);
      button.addEventListener("click", () => {
        body.value = `/db ${command}`;
        body.focus();
      });
      return button;
    }),
  );
  body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const comment = { author: author.value, body: body.value };
    const wasSent = await attempt(notice, () =>
      request("POST", `${localPath(view.selected)}/comments`, comment),
    );
    if (wasSent) body.value = "";
    refresh();
  });
}

/** Sends a dialog's form; it stays open and says why if that was refused. */
function onSubmit(dialog, send) {
  const problem = dialog.querySelector(".problem");
  const submit = dialog.querySelector("[type=submit]");
  dialog.querySelector("[data-cancel]").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    problem.textContent = "";
  });
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    submit.disabled = true;
    const tell = (text) => {
      problem.textContent = text;
    };
    if (await attempt(tell, send)) dialog.close();
    submit.disabled = false;
  });
}

/** Whether the action succeeded; if not, `tell` has said why. */
async function attempt(tell, action) {
  try {
    await action();
    return true;
  } catch (error) {
    tell(error.message);
    return false;
  }
}
