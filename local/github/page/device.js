import { element, find, request } from "./dom.js";

const PATH = "/_local/login/device";

/** Shows the codes that wait, so that a click can stand for typing, and the people to sign in as. */
async function prepare() {
  const { elements } = find("device-form");
  const { userCodes, people } = await request("GET", PATH);
  elements.login.replaceChildren(...people.map((login) => element("option", {}, login)));
  const waiting = find("waiting");
  waiting.hidden = userCodes.length === 0;
  waiting.replaceChildren(
    "Waiting:",
    ...userCodes.map((code) => {
      const button = element("button", { type: "button" }, code);
      button.addEventListener("click", () => {
        elements.code.value = code;
      });
      return button;
    }),
  );
  // An address such as /login/device?user_code=ABCD-2345 has the code already.
  elements.code.value = new URLSearchParams(location.search).get("user_code") ?? "";
}

async function decide(event) {
  event.preventDefault();
  const form = find("device-form");
  const approve = event.submitter?.value !== "cancel";
  const { code, login } = form.elements;
  try {
    await request("POST", PATH, { userCode: code.value, login: login.value, approve });
  } catch (error) {
    complain(error);
    return;
  }
  form.hidden = true;
  const done = find("done");
  done.hidden = false;
  done.textContent = approve
    ? `You are signed in as ${login.value}. Go back to your terminal.`
    : "Nobody was signed in. You can close this page.";
}

function complain(error) {
  find("device-form").querySelector(".problem").textContent = error.message;
}

find("device-form").addEventListener("submit", decide);
prepare().catch(complain);
