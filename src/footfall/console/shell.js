// The frame around all pages: navigation, who is signed in, how things are shown.

import { changePassword, signOut } from "/console/lib/api.js";
import { h, replace } from "/console/lib/dom.js";
import { showUtc, showsUtc } from "/console/lib/format.js";
import { icon } from "/console/lib/icons.js";
import { ask, say } from "/console/lib/dialogs.js";
import { field } from "/console/lib/forms.js";

export function makeShell(app, routes, signedOut) {
  const main = h("main", { id: "main", tabindex: -1 });
  const links = new Map(
    routes
      .filter((route) => route.label && app.can(route.scope, route.roles))
      .map((route) => [route.name, navigationLink(route)]),
  );
  const menu = h("nav.menu", { id: "menu", "aria-label": "Pages" }, h("ul", {}, [...links.values()].map((link) => h("li", {}, link))));
  const toggle = menuToggle(menu);
  const element = h(
    "div.shell",
    {},
    h("a.skip", { href: "#main", onclick: skip(main) }, "Skip to the content"),
    h(
      "header.side",
      {},
      h("div.brand", {}, h("a.logo", { href: "/console" }, mark(), h("span", {}, "footfall")), toggle),
      menu,
      footer(app, signedOut),
    ),
    main,
  );
  return {
    element,
    main,
    here(route) {
      const name = route?.under ?? route?.name;
      for (const [each, link] of links) {
        if (each === name) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
      }
      toggle.close();
    },
    show: (content) => replace(main, content),
  };
}

function navigationLink(route) {
  const href = route.path ? `/console/${route.path}` : "/console";
  return h("a", { href }, icon(route.name), h("span", {}, route.label));
}

function mark() {
  const bars = icon("overview");
  bars.classList.add("mark");
  return bars;
}

function skip(main) {
  return (event) => {
    event.preventDefault();
    main.focus();
  };
}

/** Opens and closes the menu where there is no room for it. */
function menuToggle(menu) {
  const set = (opens) => {
    button.setAttribute("aria-expanded", String(opens));
    menu.parentElement?.classList.toggle("open", opens);
  };
  const button = h(
    "button.menu-toggle",
    {
      type: "button",
      "aria-label": "Menu",
      "aria-controls": "menu",
      "aria-expanded": "false",
      onclick: () => set(button.getAttribute("aria-expanded") === "false"),
    },
    icon("menu"),
  );
  button.close = () => set(false);
  return button;
}

function footer(app, signedOut) {
  return h(
    "div.side-foot",
    {},
    h("div.switches", {}, zoneSwitch(app), themeSwitch()),
    h(
      "div.who",
      {},
      h("p", {}, h("strong", {}, app.organization.name), h("span.muted", {}, app.user.name || app.user.email)),
      h("div.who-links", {}, h("a", { href: "/docs" }, "API"), passwordButton(), signOutButton(signedOut)),
    ),
  );
}

function passwordButton() {
  const change = async () => {
    const changed = await ask("Change your password", {
      submit: "Change",
      text: "All your other sessions end.",
      fields: [
        field("Password until now", "old", { type: "password", autocomplete: "current-password", hint: "Empty if you have none yet." }),
        field("New password", "password", { type: "password", required: true, minlength: 10, autocomplete: "new-password", hint: "At least 10 characters." }),
      ],
      act: (form) => changePassword({ old: form.get("old") || null, password: form.get("password") }),
    });
    if (changed) say("Your password is changed.");
  };
  return h("button.link", { type: "button", onclick: change }, "Password");
}

function signOutButton(signedOut) {
  return h(
    "button.link",
    {
      type: "button",
      onclick: async () => {
        try {
          await signOut();
          signedOut();
        } catch (error) {
          say(`You are still signed in: ${error.message}`);
        }
      },
    },
    "Sign out",
  );
}

/** Whose clock times are shown by: the venue's, or UTC. */
function zoneSwitch(app) {
  return h(
    "label",
    {},
    h("span.label", {}, "Times"),
    h(
      "select",
      {
        value: showsUtc() ? "utc" : "venue",
        onchange: (event) => {
          showUtc(event.target.value === "utc");
          app.redraw();
        },
      },
      h("option", { value: "venue" }, "Venue’s"),
      h("option", { value: "utc" }, "UTC"),
    ),
  );
}

function themeSwitch() {
  const { dataset } = document.documentElement;
  return h(
    "label",
    {},
    h("span.label", {}, "Colours"),
    h(
      "select",
      {
        value: dataset.theme ?? "system",
        onchange: ({ target }) => {
          if (target.value === "system") delete dataset.theme;
          else dataset.theme = target.value;
          localStorage.setItem("footfall.theme", target.value);
        },
      },
      h("option", { value: "system" }, "System’s"),
      h("option", { value: "light" }, "Light"),
      h("option", { value: "dark" }, "Dark"),
    ),
  );
}
