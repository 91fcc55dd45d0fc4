// Questions that check an answer, predictions that are kept, definitions of terms on hover, focus and touch.
// Without this script the page shows the same text: folded answers and links to the glossary.
// What the reader enters stays in this browser (localStorage); where that is blocked, nothing is kept.
(function () {
  "use strict";

  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS === "object") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false; // a page from a file cannot fetch the pages that were found
  }

  const source = document.getElementById("course-page");
  if (!source) return;
  const { page, words } = JSON.parse(source.textContent);
  const top = new URL(document.documentElement.dataset.content_root || "./", location.href);
  const memory = openMemory("course:" + top.pathname);

  const questions = [...document.querySelectorAll(".question[data-kind]")].map(makeQuestion);
  if (questions.length) showProgress(questions);
  document.querySelectorAll(".admonition.predict").forEach(makePrediction);
  markSidebar();
  showDefinitions();
  reachWideFormulas();
  addEventListener("resize", reachWideFormulas);
  addEventListener("beforeprint", () => {
    document.querySelectorAll(".explanation[hidden]").forEach((element) => { element.hidden = false; });
  });

  // --- memory -------------------------------------------------------------------------------------

  function openMemory(key) {
    let content = {}, works = true;
    try {
      content = JSON.parse(localStorage.getItem(key)) || {};
      save();
    } catch {
      works = false;
    }
    const all = (name) => (content[name] ||= { questions: {}, predictions: {} });
    return {
      works: () => works,
      pages: () => content,
      page: all,
      save,
    };

    function save() { // what does not come back was not kept: storage may be blocked or full
      const text = JSON.stringify(content);
      try {
        localStorage.setItem(key, text);
        works = localStorage.getItem(key) === text;
      } catch {
        works = false;
      }
    }
  }

  function element(tag, attributes, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === true) made.setAttribute(name, "");
      else if (value !== false && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  function reachWideFormulas() { // a formula wider than the page scrolls, by keyboard too
    for (const formula of document.querySelectorAll("mjx-container[display]")) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  }

  // --- questions ----------------------------------------------------------------------------------

  function makeQuestion(box) {
    const number = box.dataset.kind === "number";
    const prompt = box.querySelector(".question-prompt");
    const status = element("p", { class: "question-status", role: "status" });
    const explain = element("button", { type: "button" }, number ? words.show : words.explain);
    const form = element("form", { novalidate: true });
    const fields = element("fieldset", {}, element("legend", {}, ...prompt.childNodes));
    if (box.dataset.kind === "many") fields.append(element("p", { class: "question-hint" }, words.several));
    const parts = number ? numberParts(box, fields) : choiceParts(box, fields);
    form.append(fields, element("div", { class: "question-buttons" },
      element("button", { type: "submit" }, words.check), explain, status));
    box.replaceChildren(form);

    const question = {
      id: box.id,
      right: false,
      changed: () => {},
      restore() {
        const kept = memory.page(page).questions[box.id];
        parts.clear();
        show({ text: "" });
        question.right = false;
        if (kept) {
          parts.write(kept.answer);
          show(parts.verdict());
        }
      },
    };

    function show(verdict) {
      status.textContent = verdict.text;
      box.dataset.state = verdict.text ? (verdict.right ? "right" : "wrong") : "";
      question.right = Boolean(verdict.right);
      parts.explain(question.right);
    }

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const verdict = parts.verdict();
      show(verdict);
      if (verdict.right === undefined) return;
      memory.page(page).questions[box.id] = { answer: parts.read(), right: verdict.right };
      memory.save();
      question.changed();
    });
    form.addEventListener("input", () => {
      status.textContent = "";
      box.dataset.state = "";
    });
    explain.addEventListener("click", () => parts.explain(true));
    question.restore();
    return question;
  }

  function choiceParts(box, fields) {
    const many = box.dataset.kind === "many";
    const choices = [...box.querySelectorAll(":scope > details.choice")].map((folded, number) => {
      const [head, ...reasons] = folded.children;
      const input = element("input", { type: many ? "checkbox" : "radio", name: box.id, value: number });
      const explanation = element("div", { class: "explanation", id: `${box.id}-${number}` }, ...reasons);
      const label = element("label", {}, input, element("span", {}, ...head.childNodes));
      const right = folded.classList.contains("right");
      fields.append(element("div", { class: `choice ${right ? "right" : "wrong"}` }, label, explanation));
      return { input, explanation, right };
    });
    const chosen = () => choices.filter((choice) => choice.input.checked);
    return {
      read: () => chosen().map((choice) => Number(choice.input.value)),
      write: (answer) => choices.forEach((choice, number) => { choice.input.checked = answer.includes(number); }),
      clear: () => choices.forEach((choice) => { choice.input.checked = false; }),
      explain(all) {
        const checked = box.dataset.state;
        for (const choice of choices) choice.explanation.hidden = !(all || (checked && choice.input.checked));
      },
      verdict() {
        if (!chosen().length) return { text: words.noAnswer };
        if (!chosen().every((choice) => choice.right)) return { text: words.wrong, right: false };
        const complete = chosen().length === choices.filter((choice) => choice.right).length;
        return { text: complete ? words.right : words.incomplete, right: complete };
      },
    };
  }

  function numberParts(box, fields) {
    const [, ...reasons] = box.querySelector(":scope > details").children;
    const explanation = element("div", { class: "explanation" }, ...reasons);
    const input = element("input", { type: "text", inputmode: "text", autocomplete: "off", spellcheck: "false" });
    fields.append(element("label", { class: "question-number" }, element("span", {}, words.number), input), explanation);
    const [wanted, tolerance] = [Number(box.dataset.answer), Number(box.dataset.tolerance)];
    const slack = 1e-9 * Math.max(1, Math.abs(wanted)); // rounding of the subtraction, at the edge of the tolerance
    return {
      read: () => input.value,
      write: (answer) => { input.value = answer; },
      clear: () => { input.value = ""; },
      explain: (all) => { explanation.hidden = !all; },
      verdict() {
        const numbers = readings(input.value);
        if (!numbers.length) return { text: words.noNumber };
        const right = numbers.some((number) => Math.abs(number - wanted) <= tolerance + slack);
        return { text: right ? words.right : words.wrongNumber, right };
      },
    };
  }

  // What a typed number can mean: 0.25, 0,25, 1/4, 25 %, 1e-3, 61,706 (a comma may group digits or be the point).
  function readings(text) {
    let plain = text.normalize("NFKC").replace(/[\s_']/g, "").replace(/[−–]/g, "-");
    const percent = plain.endsWith("%");
    if (percent) plain = plain.slice(0, -1);
    const spellings = new Set([plain.replace(",", "."), plain.replace(/,(?=\d{3})/g, "")]);
    const found = [...spellings].map((spelling) => {
      const [above, below, ...more] = spelling.split("/").map((part) => (part ? Number(part) : NaN));
      return more.length ? NaN : below === undefined ? above : above / below;
    });
    return found.flatMap((number) => (percent ? [number, number / 100] : [number])).filter(Number.isFinite);
  }

  // --- progress -----------------------------------------------------------------------------------

  function showProgress(questions) {
    const text = element("span", { role: "status" });
    const again = element("button", { type: "button" }, words.again);
    const line = element("p", { class: "question-progress" }, text, " ", again);
    document.getElementById(questions[0].id).before(line);
    const update = () => {
      const right = questions.filter((question) => question.right).length;
      const sentence = words.progress.replace("{right}", right).replace("{all}", questions.length);
      text.textContent = `${sentence} ${memory.works() ? words.kept : words.notKept}`;
      memory.page(page).all = questions.length;
      memory.page(page).right = right;
      markSidebar();
    };
    for (const question of questions) question.changed = () => { update(); memory.save(); };
    again.addEventListener("click", () => {
      memory.page(page).questions = {};
      for (const question of questions) question.restore();
      update();
      memory.save();
    });
    update();
  }

  function markSidebar() {
    for (const link of document.querySelectorAll(".bd-sidebar-primary nav a.reference.internal")) {
      const path = new URL(link.getAttribute("href"), location.href).pathname;
      const name = path.startsWith(top.pathname) ? path.slice(top.pathname.length).replace(/\.html$/, "") : "";
      const kept = memory.pages()[path === location.pathname ? page : name || "index"];
      if (!kept || !kept.all || !Object.keys(kept.questions).length) {
        link.querySelector(".course-mark")?.remove();
        continue;
      }
      const mark = link.querySelector(".course-mark") || link.appendChild(element("span", { class: "course-mark" }));
      mark.textContent = ` ${kept.right}/${kept.all}`;
      mark.title = words.progress.replace("{right}", kept.right).replace("{all}", kept.all);
    }
  }

  // --- predictions --------------------------------------------------------------------------------

  function makePrediction(box, number) {
    const title = box.querySelector(".admonition-title")?.textContent || "";
    const key = `${number}:${box.textContent.length}`; // an edited prompt starts empty
    const field = element("textarea", { rows: 2, "aria-label": `${words.prediction} (${title})` });
    field.placeholder = words.prediction;
    field.value = memory.page(page).predictions[key] || "";
    field.addEventListener("input", () => {
      if (field.value) memory.page(page).predictions[key] = field.value;
      else delete memory.page(page).predictions[key];
      memory.save();
    });
    box.append(element("div", { class: "prediction" }, field));
  }

  // --- definitions --------------------------------------------------------------------------------

  function showDefinitions() {
    let shown = null, timer = 0, touch = false;

    function place({ link, tip }) {
      const line = link.getClientRects()[0], margin = 8;
      const room = document.documentElement.clientWidth - tip.offsetWidth - margin;
      tip.style.left = `${Math.max(margin, Math.min(line.left, room))}px`;
      const below = line.bottom + tip.offsetHeight + margin < innerHeight;
      tip.style.top = `${below ? line.bottom + 4 : Math.max(margin, line.top - tip.offsetHeight - 4)}px`;
    }

    function open(link, tip) {
      clearTimeout(timer);
      if (shown?.link === link) return;
      close();
      tip.showPopover();
      shown = { link, tip };
      place(shown);
    }

    function close() {
      clearTimeout(timer);
      shown?.tip.hidePopover();
      shown = null;
    }

    const closeSoon = () => { clearTimeout(timer); timer = setTimeout(close, 200); };

    for (const link of document.querySelectorAll("a.reference.internal[href*='#term-']")) {
      const tip = document.getElementById(`definition-${link.hash.slice(1)}`);
      if (!tip?.showPopover) continue;
      link.setAttribute("aria-describedby", tip.id);
      link.classList.add("course-term");
      link.addEventListener("pointerenter", (event) => { if (event.pointerType !== "touch") open(link, tip); });
      link.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") closeSoon(); });
      link.addEventListener("pointerdown", (event) => { touch = event.pointerType === "touch"; });
      link.addEventListener("focus", () => { if (!touch) open(link, tip); });
      link.addEventListener("blur", closeSoon);
      link.addEventListener("click", (event) => {
        if (touch && shown?.link !== link) { // the first touch shows the definition, the second one follows the link
          event.preventDefault();
          open(link, tip);
        }
      });
      tip.addEventListener("pointerenter", () => clearTimeout(timer));
      tip.addEventListener("pointerleave", closeSoon);
    }
    document.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
    document.addEventListener("pointerdown", (event) => {
      if (shown && !shown.tip.contains(event.target) && !shown.link.contains(event.target)) close();
    });
    addEventListener("scroll", close, { passive: true, capture: true });
  }
})();
