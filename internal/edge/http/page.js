// SPDX-License-Identifier: Apache-2.0

// The plain page: sign in, read and write over HTTP and Server-Sent Events.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const kept = "parley_plain"; // in the session's storage: token and user
  let me = JSON.parse(sessionStorage.getItem(kept) || "null");
  let stream = null;
  let room = "";
  let shown = new Map(); // of the room: line by message id
  let last = 0; // seq of the room's last line
  let waiting = null; // events that came while the room was being read
  let tried = { text: "", id: "" }; // a repeat of the same text is the same message

  function trouble(text) {
    $("trouble").textContent = text;
    $("trouble").hidden = !text;
  }

  async function ask(route, body) {
    const headers = { "Content-Type": "application/json" };
    if (me) headers.Authorization = "Bearer " + me.token;
    let answer;
    try {
      answer = await (await fetch("/api/v1/" + route, { method: "POST", headers, body: JSON.stringify(body || {}) })).json();
    } catch {
      throw new Error("The server cannot be reached; try again.");
    }
    if (answer.status !== "error") return answer;
    if (answer.error.code === "unauthenticated" && me) signedOut();
    throw new Error(answer.error.message);
  }

  function attempt(f) {
    return async (event) => {
      event?.preventDefault();
      trouble("");
      try {
        await f(event);
      } catch (e) {
        trouble(e.message);
      }
    };
  }

  function signedOut() {
    me = null;
    sessionStorage.removeItem(kept);
    stream?.close();
    stream = null;
    $("who").hidden = $("chat").hidden = true;
    $("enter").hidden = false;
  }

  async function signedIn() {
    $("who").hidden = $("chat").hidden = false;
    $("enter").hidden = true;
    $("who").firstElementChild.textContent = me.user.display_name;
    await listRooms();
    stream?.close();
    stream = new EventSource("/api/v1/events");
    stream.onopen = () => { $("state").textContent = "Connected"; };
    stream.onerror = () => {
      $("state").textContent = stream.readyState === EventSource.CLOSED ? "Not connected: load the page again" : "Connecting…";
    };
    stream.onmessage = attempt(async (e) => arrived(JSON.parse(e.data)));
  }

  async function listRooms() {
    const all = (await ask("rooms/list", { mine: true })).rooms.filter((r) => r.type !== "user");
    $("rooms").replaceChildren(...all.map((r) => {
      const o = document.createElement("option");
      o.value = r.room_id;
      const peer = r.type === "direct" && r.room_id.split(":").slice(1).find((u) => u !== me.user.user_id);
      o.textContent = peer ? "@" + peer : r.name || r.room_id;
      return o;
    }));
    if (!all.some((r) => r.room_id === room)) room = (all.find((r) => r.type !== "announcements") || all[0])?.room_id || "";
    $("rooms").value = room;
    await showRoom();
  }

  async function showRoom() {
    const asked = room;
    const mine = [];
    waiting = mine;
    let page = { messages: [], covers: [0, 0] };
    try {
      if (room) page = await ask("history/" + encodeURIComponent(room), { limit: 50 });
    } catch (e) {
      if (waiting === mine) waiting = null;
      throw e;
    }
    if (asked !== room || waiting !== mine) return; // another reading is under way
    $("log").replaceChildren();
    shown = new Map();
    last = 0;
    page.messages.reverse().forEach(show);
    last = Math.max(last, page.covers[1]);
    $("say").hidden = !room;
    waiting = null;
    for (const e of mine) await arrived(e);
  }

  function show(m) {
    const line = document.createElement("p");
    const who = document.createElement("strong");
    const when = document.createElement("time");
    const text = document.createElement("span");
    const at = new Date(m.timestamp * 1000);
    who.textContent = m.type === "system" ? "" : m.sender_name + " ";
    when.dateTime = at.toISOString();
    when.textContent = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) + "  ";
    line.className = m.type === "system" ? "told" : "";
    line.append(when, who, text);
    fill(text, m);
    shown.set(m.id, text);
    last = Math.max(last, m.seq);
    const end = $("log").scrollHeight - $("log").scrollTop - $("log").clientHeight < 40;
    $("log").append(line);
    if (end) $("log").scrollTop = $("log").scrollHeight;
  }

  function fill(text, m) {
    text.textContent = m.deleted ? "(deleted)" : m.content + (m.file ? " [" + m.file.name + "] " : "") + (m.edited ? " (edited)" : "");
    if (m.file && !m.deleted) {
      const a = document.createElement("a");
      a.href = "/api/v1/files/" + m.file.file_id;
      a.textContent = "open";
      text.append(a);
    }
  }

  async function arrived(e) {
    if (e.type === "room_added" || e.type === "removed_from_room" || e.type === "room_deleted") return listRooms();
    if (e.room_id !== room) return;
    if (waiting) return void waiting.push(e);
    if (e.type === "sync_required" || e.truncated) return showRoom();
    if (["text", "image", "file", "system"].includes(e.type)) {
      if (e.seq > last) show(e);
    } else if (shown.has(e.message_id)) {
      if (e.type === "message_deleted") fill(shown.get(e.message_id), { deleted: true });
      if (e.type === "message_edited") return showRoom();
    }
  }

  $("enter").onsubmit = attempt(async (event) => {
    const form = new FormData(event.target);
    const setup = location.pathname === "/setup" && location.hash.slice(1);
    const body = { user_id: form.get("user_id"), password: form.get("password"), device: "plain page" };
    let how = event.submitter?.value || "login";
    if (setup) {
      how = "setup";
      body.setup = setup;
    } else if (how === "register") {
      body.invitation = form.get("invitation");
    }
    const answer = await ask("auth/" + how, body);
    me = { token: answer.token, user: answer.user };
    sessionStorage.setItem(kept, JSON.stringify(me));
    event.target.reset();
    if (setup) history.replaceState(null, "", "/");
    await signedIn();
  });

  $("leave").onclick = attempt(async () => {
    try {
      await ask("auth/logout");
    } finally {
      signedOut();
    }
  });

  $("rooms").onchange = attempt(async () => {
    room = $("rooms").value;
    await showRoom();
  });

  $("say").onsubmit = attempt(async (event) => {
    const field = event.target.elements.content;
    const text = field.value;
    if (tried.text !== text) tried = { text, id: crypto.getRandomValues(new Uint32Array(4)).join("-") };
    await ask("message/" + encodeURIComponent(room), { content: text, client_msg_id: tried.id });
    tried = { text: "", id: "" };
    if (field.value === text) field.value = "";
  });

  attempt(async () => {
    const about = await (await fetch("/api/v1/auth")).json();
    $("server").textContent = document.title = about.server_name;
    if (location.pathname === "/setup" && location.hash) {
      signedOut();
      $("enter").firstElementChild.textContent = "Make the first administrator";
      $("enter").querySelector("button").textContent = "Make the account";
      return;
    }
    $("enter").querySelector("[value=register]").hidden = about.registration === "closed";
    $("invited").hidden = about.registration !== "invite";
    if (me) await signedIn();
  })();
})();
