// Working through the queue by keyboard. Without this file every decision is a page of its own.
(function () {
  "use strict";
  var queue = document.getElementById("queue") || document.getElementById("main");
  var said = document.getElementById("queue-said");
  var keys = document.getElementById("queue-keys");
  var switchBox = document.getElementById("queue-keys-on");
  var help = document.getElementById("queue-help");
  var REMEMBERED = "schoolgate-queue-keys";
  var decided = [];

  function cases() { return Array.prototype.slice.call(queue.querySelectorAll(".case")); }
  function waiting(card) { return !card.classList.contains("done"); }
  function current() {
    var at = document.activeElement;
    return at && at.closest ? at.closest(".case") : null;
  }
  function go(card) {
    if (!card) return;
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }
  function step(by) {
    var all = cases(), at = all.indexOf(current());
    if (!all.length) return;
    go(at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[Math.min(Math.max(at + by, 0), all.length - 1)]);
  }
  function say(words) {
    if (!said || !words) return;
    said.textContent = "";
    // A reader of the screen tells what changes, also where it is the same sentence once more.
    setTimeout(function () { said.textContent = words; }, 50);
  }
  function press(card, key) {
    var way = card && card.querySelector("[data-key='" + key + "']");
    if (!way) return false;
    way.click();
    return true;
  }
  function undo() {
    for (var place = decided.length - 1; place >= 0; place -= 1) {
      if (document.contains(decided[place]) && press(decided[place], "u")) return;
    }
    var first = document.querySelector(".case-slip [data-key='u']");
    if (first) first.click();
  }
  function isOn() { return !switchBox || switchBox.checked; }
  function isTyping(target) {
    return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]") !== null;
  }

  // The switch is remembered by the browser alone.
  if (switchBox) {
    try { switchBox.checked = window.localStorage.getItem(REMEMBERED) !== "off"; } catch (error) { /* none is kept */ }
    switchBox.addEventListener("change", function () {
      try { window.localStorage.setItem(REMEMBERED, switchBox.checked ? "on" : "off"); } catch (error) { /* none is kept */ }
    });
    keys.hidden = false;
  }

  document.addEventListener("keydown", function (event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    var card = current(), key = event.key;
    if (key === "Escape" && card && card.classList.contains("open")) {
      if (press(card, "Escape")) event.preventDefault();
      return;
    }
    if (!isOn() || isTyping(event.target)) return;
    var onCard = card !== null && event.target === card;
    // Arrows choose among radio buttons, and move the page where nobody stands in the list.
    if (key === "j" || (onCard && key === "ArrowDown")) step(1);
    else if (key === "k" || (onCard && key === "ArrowUp")) step(-1);
    else if (key === "a" || key === "d" || key === "r") {
      if (!card && cases().length) { go(cases()[0]); card = current(); }
      if (!press(card, key)) return;
    } else if (key === "Enter" && onCard) { if (!press(card, "Enter")) return; }
    else if (key === "u") undo();
    else if (key === "?" && help) { help.open = !help.open; if (help.open) help.querySelector("summary").focus(); }
    else return;
    event.preventDefault();
  });

  // After a card has changed, whoever works stands where they go on.
  // Each answer has its own place: another part of the page may change between the two.
  var places = new Map();
  document.body.addEventListener("htmx:beforeSwap", function (event) {
    var card = event.detail.target && event.detail.target.closest ? event.detail.target.closest(".case") : null;
    if (card && event.detail.shouldSwap) places.set(event.detail.xhr, cases().indexOf(card));
  });
  document.body.addEventListener("htmx:afterSettle", function (event) {
    var all = cases(), card = all[places.get(event.detail.xhr)];
    places.delete(event.detail.xhr);
    if (!card) return;
    say(card.dataset.say);
    if (card.classList.contains("done")) {
      decided.push(card);
      go(all.slice(all.indexOf(card) + 1).filter(waiting)[0] || all.filter(waiting)[0] || card);
      return;
    }
    var field = card.querySelector("fieldset[aria-invalid] input, input[aria-invalid], select[aria-invalid], textarea[aria-invalid]") ||
      card.querySelector("form select, form input[type=radio], form textarea:not([readonly])");
    if (field) { field.focus(); card.scrollIntoView({ block: "nearest" }); } else go(card);
  });
})();
