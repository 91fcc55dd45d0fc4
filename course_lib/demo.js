// Makes the demos of a page respond. A demo carries its first frame; the others are images that are
// drawn over it, inside the page or in a file that is loaded when the demo comes near.
(function () {
  "use strict";

  function start(root) {
    var first = root.querySelector("img");
    var controls = Array.from(root.querySelectorAll("input, select"));
    var button = root.querySelector("button"), spoken = root.querySelector("[aria-live]");
    var inline = root.querySelector("script[type='application/json']");
    var loading = inline && Promise.resolve(JSON.parse(inline.textContent));
    var canvas = null, timer = null, silence = null;

    function load() {
      loading = loading || new Promise(function (done, fail) {
        var script = document.createElement("script");
        script.src = root.dataset.source;
        script.onload = function () { done(window.courseDemos[root.id]); };
        script.onerror = fail;
        document.head.append(script);
      });
      return loading;
    }

    // Frames lie in the order of itertools.product: the index is the mixed-radix number of the
    // control positions.
    function position() {
      return controls.reduce(function (sum, control) {
        return sum * Number(control.dataset.count) + Number(control.value);
      }, 0);
    }

    function label(control) {
      if (control.type !== "range") return;
      var text = JSON.parse(control.dataset.texts)[control.value];
      control.setAttribute("aria-valuetext", text);
      control.nextElementSibling.textContent = text;
    }

    function decoded(source) {
      var image = new Image();
      image.src = source;
      return image.decode().then(function () { return image; });
    }

    function draw(over, alt) {
      if (!canvas) {
        canvas = document.createElement("canvas");
        canvas.width = first.naturalWidth;
        canvas.height = first.naturalHeight;
        canvas.setAttribute("role", "img");
        first.after(canvas);
        first.hidden = true;
      }
      var context = canvas.getContext("2d");
      context.drawImage(first, 0, 0);
      if (over) context.drawImage(over, 0, 0);
      canvas.setAttribute("aria-label", alt);
      first.alt = alt;
    }

    async function show() {
      var index = position(), data, over;
      controls.forEach(label);
      try {
        data = await load();
        over = data.frames[index] < 0 ? null : await decoded(data.images[data.frames[index]]);
      } catch (error) {
        root.classList.add("course-demo-broken");
        return;
      }
      if (index !== position()) return; // the reader has moved on
      draw(over, data.alts[index]);
      root.dataset.frame = index;
      clearTimeout(silence); // screen readers hear where the reader stopped, not the way there
      if (!timer) silence = setTimeout(function () { spoken.textContent = data.alts[index]; }, 600);
    }

    function stop() {
      clearInterval(timer);
      timer = null;
      button.setAttribute("aria-pressed", "false");
      button.firstChild.data = "▶ ";
    }

    function play() {
      var control = controls[controls.length - 1], last = Number(control.dataset.count) - 1;
      var calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
      if (Number(control.value) === last) control.value = 0;
      button.setAttribute("aria-pressed", "true");
      button.firstChild.data = "⏸ ";
      timer = setInterval(function () {
        control.value = Number(control.value) + 1;
        if (Number(control.value) === last) stop();
        show();
      }, calm ? 1200 : 400);
      show();
    }

    controls.forEach(function (control) {
      control.addEventListener("input", function () { if (timer) stop(); show(); });
    });
    button.addEventListener("click", function () { if (timer) stop(); else play(); });
    root.dataset.frame = position();
    new IntersectionObserver(function (entries, observer) {
      if (!entries.some(function (entry) { return entry.isIntersecting; })) return;
      observer.disconnect();
      load().catch(function () {}); // show() says so when the reader asks for a frame
    }, {rootMargin: "100% 0px"}).observe(root);
  }

  document.querySelectorAll(".course-demo:not([data-frame])").forEach(start);
})();
