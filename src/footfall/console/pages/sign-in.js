// Signing in: by password, by a one-time link, or at the organization's directory.

import { Problem, signIn, signInMethods, withQuery } from "/console/lib/api.js";
import { h, replace } from "/console/lib/dom.js";
import { field } from "/console/lib/forms.js";
import { problemBox } from "/console/lib/panels.js";

export function show({ signedIn }) {
  const failure = h("div", { "aria-live": "assertive" });
  const ways = h("div.ways");
  const link = takeLink();
  const query = new URLSearchParams(location.search);
  const enter = async (value) => {
    replace(failure);
    try {
      await signIn(value);
      signedIn();
    } catch (error) {
      replace(failure, problemBox(error));
      throw error;
    }
  };
  signInMethods().then(
    (methods) => {
      replace(ways, waysOf(methods, query, enter));
      const detail = methods.oidc?.problems[query.get("problem")];
      if (detail) replace(failure, problemBox(new Problem(401, { title: "You are not signed in", detail })));
    },
    (error) => replace(ways, problemBox(error, () => location.reload())),
  );
  if (link) enter({ link }).catch(() => {});
  return h(
    "main.alone",
    { id: "main" },
    h("div.card.sign-in", {}, h("h1", { tabindex: -1 }, "Sign in to footfall"), failure, ways),
  );
}

/** Returns the secret of a one-time link, and takes it out of the address bar. */
function takeLink() {
  const link = location.hash.slice(1);
  if (link) history.replaceState(null, "", location.pathname + location.search);
  return link || null;
}

function waysOf(methods, query, enter) {
  return [
    methods.oidc && directoryWays(methods.oidc, query),
    methods.oidc && methods.password && h("p.or", {}, "or with a password"),
    methods.password && passwordForm(enter),
    h(
      "p.muted.small",
      {},
      "No account yet? Whoever runs this server makes one with ",
      h("code", {}, "footfall user create"),
      ".",
    ),
  ];
}

/** The way to the directory; one for each organization, where it must be chosen. */
function directoryWays(oidc, query) {
  const way = (organization, text) => {
    const href = withQuery(oidc.start, { then: query.get("then"), organization });
    return h("a.button.primary", { href, rel: "external" }, text);
  };
  const choices = query.get("problem") === "several" ? query.getAll("organization") : [];
  if (choices.length === 0) return way(null, `Sign in with ${oidc.name}`);
  return choices.map((organization) => way(organization, `Sign in to ${organization}`));
}

function passwordForm(enter) {
  const button = h("button.primary", { type: "submit" }, "Sign in");
  const form = h(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        button.disabled = true;
        const { organization, email, password } = Object.fromEntries(new FormData(form));
        await enter({ organization: organization.trim() || null, email: email.trim(), password }).catch(() => {
          form.elements.password.value = "";
          form.elements.password.focus();
        });
        button.disabled = false;
      },
    },
    field("Email", "email", { type: "email", required: true, autocomplete: "username" }),
    field("Password", "password", { type: "password", required: true, autocomplete: "current-password" }),
    h(
      "details.behind",
      {},
      h("summary", {}, "In several organizations?"),
      field("Organization’s id", "organization", { autocomplete: "organization", spellcheck: "false" }),
    ),
    button,
  );
  return form;
}
