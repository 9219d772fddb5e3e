// Light or dark, before anything is drawn: a module would run too late for that.
"use strict";
{
  const chosen = localStorage.getItem("footfall.theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
}
