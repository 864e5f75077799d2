// What pages do beyond forms and links. Every page works without it.
(function () {
  "use strict";
  var body = document.body;

  // htmx sends what proves that a request comes from our page.
  body.addEventListener("htmx:configRequest", function (event) {
    if (body.dataset.csrf) event.detail.headers["X-CSRF-Token"] = body.dataset.csrf;
  });
  // Where a session has ended, the page asks who it is, rather than a part of it.
  body.addEventListener("htmx:beforeSwap", function (event) {
    var status = event.detail.xhr.status, from = event.detail.requestConfig.elt;
    // What somebody is typing stays as it is: who they are is asked when they send it.
    if (status === 401 && !from.closest("form")) window.location.reload();
    if (status === 401 || status === 403 || status === 429 || status >= 500) event.detail.shouldSwap = false;
    if (!from.dataset.live) return;
    if (status >= 400) fail(from);
    else if (isInUse(from)) hold(from);
    else delete from.dataset.failed;
    if (status >= 400 || isInUse(from)) event.detail.shouldSwap = false;
    // What the record told meanwhile may be younger than this answer, which first comes to rest in its place.
    else if (from.dataset.late) setTimeout(function () {
      refresh(parts().filter(function (part) { return part.id === from.id; }));
    }, 100);
    setTimeout(tell, 0);
  });
  ["htmx:sendError", "htmx:timeout"].forEach(function (kind) {
    body.addEventListener(kind, function (event) { if (event.target.dataset.live) { fail(event.target); tell(); } });
  });

  // Parts marked data-live="kind kind" are asked for again when the record tells of one of these kinds.
  // They are looked for anew each time, because what was asked for stands in place of what was there; what is marked
  // data-late is still to be asked for, what is marked data-failed was asked for in vain.
  var parts = function () { return Array.prototype.slice.call(document.querySelectorAll("[data-live]")); };
  var kindsOf = function (part) { return part.dataset.live.split(/\s+/); };
  var lost = document.getElementById("live-lost"), isDown = false, again = null, retry = null;
  function tell() { lost.hidden = !isDown && !document.querySelector("[data-failed]"); }
  function hold(part) { part.dataset.late = "yes"; }
  function fail(part) {
    hold(part);
    part.dataset.failed = "yes";
    clearTimeout(retry);
    retry = setTimeout(catchUp, 30000);
  }
  // Nothing moves under somebody who is working in it.
  function isInUse(part) { return part.contains(document.activeElement) && document.activeElement !== part; }
  function refresh(some) { some.forEach(hold); catchUp(); }
  function catchUp() {
    if (document.hidden) return;
    parts().forEach(function (part) {
      if (!part.dataset.late || isInUse(part) || part.classList.contains("htmx-request")) return;
      delete part.dataset.late;
      window.htmx.trigger(part, "refresh");
    });
  }
  if (parts().length && "EventSource" in window) {
    var kinds = {};
    parts().forEach(function (part) {
      kindsOf(part).forEach(function (kind) { if (kind) kinds[kind] = true; });
    });
    var source = null, dropped = null, wasAway = document.hidden, waiting = null, told = {}, recordAt = body.dataset.recordAt || "";
    // A browser has few connections to a host: only a page that is seen holds one.
    var leave = function () {
      clearTimeout(again);
      clearTimeout(dropped);
      dropped = null;
      wasAway = true;
      if (source) source.close();
      source = null;
    };
    var follow = function () {
      if (source || document.hidden) return;
      clearTimeout(again);
      // What the record tells after this page was made is told even if it came before anybody listened.
      source = new EventSource("/api/v1/events" + (recordAt && "?after=" + recordAt));
      source.onopen = function () {
        clearTimeout(dropped);
        dropped = null;
        isDown = false;
        tell();
        if (wasAway) { wasAway = false; refresh(parts()); }
      };
      source.onerror = function () {
        wasAway = true;
        // Each time that it is tried in vain; what counts is the first.
        if (!dropped) dropped = setTimeout(function () { isDown = true; tell(); }, 4000);
        // A refusal ends the source; what was only interrupted is asked for again by the browser.
        if (source && source.readyState === 2) { source = null; again = setTimeout(follow, 15000); }
      };
      // The same person has more pages in sight than may follow: this one waits, or until somebody turns to it.
      source.addEventListener("replaced", function () {
        leave();
        isDown = true;
        tell();
        again = setTimeout(follow, 60000);
      });
      Object.keys(kinds).forEach(function (kind) {
        source.addEventListener(kind, function (event) {
          recordAt = event.lastEventId;
          told[kind] = true;
          clearTimeout(waiting);
          waiting = setTimeout(function () {
            var news = told;
            told = {};
            refresh(parts().filter(function (part) { return kindsOf(part).some(function (each) { return news[each]; }); }));
          }, 400);
        });
      });
    };
    document.addEventListener("visibilitychange", function () { if (document.hidden) leave(); else follow(); });
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", follow);
    window.addEventListener("focus", follow);
    // A click that takes the focus away comes to its end first.
    document.addEventListener("focusout", function () { setTimeout(catchUp, 400); });
    follow();
  }

  // A form is sent once.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    setTimeout(function () { delete form.dataset.sent; }, 3000);
  });

  // Boxes that tick all others of a table: <input type="checkbox" data-all="name">.
  document.addEventListener("change", function (event) {
    var all = event.target.dataset && event.target.dataset.all;
    if (!all) return;
    Array.prototype.forEach.call(event.target.form.querySelectorAll("input[name='" + all + "']"), function (box) {
      box.checked = event.target.checked;
    });
  });

  // A button to print, for those who look for one.
  document.addEventListener("click", function (event) {
    if (event.target.closest && event.target.closest("[data-print]")) window.print();
  });
})();
