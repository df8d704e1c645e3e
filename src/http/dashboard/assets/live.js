// Keeps a page as it is now: asks for it again every few seconds and changes what differs, node by
// node, so that scroll, focus, selection, open details and typed text stay. Without it all works.
"use strict";
(() => {
  const EVERY = 4000;
  const main = document.getElementById("main");
  if (!main || !document.querySelector(".side")) return;
  let timer;

  // Attributes that are the person's, not the page's.
  const theirs = (node, name) =>
    (name === "open" && node.localName === "details") ||
    ((name === "value" || name === "checked") && node.localName === "input" && node.type !== "hidden");

  function attributes(node, fresh) {
    for (const { name } of [...node.attributes])
      if (!fresh.hasAttribute(name) && !theirs(node, name)) node.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (node.getAttribute(name) !== value && !theirs(node, name)) node.setAttribute(name, value);
  }

  const same = (a, b) =>
    a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || "") === (b.id || "");

  function become(node, fresh) {
    if (node.isEqualNode(fresh)) return;
    if (node.nodeType !== Node.ELEMENT_NODE) {
      if (node.nodeValue !== fresh.nodeValue) node.nodeValue = fresh.nodeValue;
      return;
    }
    attributes(node, fresh);
    if (node.localName === "textarea" || node.localName === "select") return;
    let place = node.firstChild;
    for (const child of [...fresh.childNodes]) {
      // A row that was put before the others is put in; the others are not all rewritten.
      let match = place;
      if (child.id) while (match && !same(match, child)) match = match.nextSibling;
      if (match && same(match, child)) {
        while (place !== match) place = drop(place);
        place = match.nextSibling;
        become(match, child);
      } else {
        node.insertBefore(document.importNode(child, true), place);
      }
    }
    while (place) place = drop(place);
  }

  function drop(node) {
    const next = node.nextSibling;
    node.remove();
    return next;
  }

  async function look() {
    try {
      const answer = await fetch(location.href, {
        headers: { "x-payhookd-live": "1" },
        redirect: "manual",
        cache: "no-store",
      });
      if (answer.status === 401) return location.reload();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live]")) {
        const now = fresh.getElementById(part.id);
        if (now) become(part, now);
      }
    } catch {
      // The daemon is being restarted, or the tunnel is down: the next look finds it again.
    } finally {
      later();
    }
  }

  function later() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(look, EVERY);
  }

  document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : look()));
  later();
})();
