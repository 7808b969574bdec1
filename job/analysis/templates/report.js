// Draws the figures, and connects the switches of the classes with the plane.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];

  async function draw() {
    const items = JSON.parse(byId("figure-data").textContent);
    const drawn = {};
    for (const element of all("[data-figure]")) {
      const item = items[element.dataset.figure];
      if (item === undefined) continue;
      const views = await Bokeh.embed.embed_item(item, element.id);
      drawn[element.dataset.figure] = views.get_by_id(item.root_id);
    }
    return drawn;
  }

  function connectSwitches(plane) {
    const chips = all(".chip");
    const pictures = byId("picture-switch");
    const tagged = (kind) => plane.renderers.filter((each) => each.tags[0] === kind);
    const classes = tagged("class");
    const drawings = tagged("picture");
    const [hovered] = tagged("hover");
    const isOn = (button) => button === null || button.getAttribute("aria-pressed") === "true";

    function apply() {
      const on = new Set(chips.filter(isOn).map((chip) => Number(chip.dataset.class)));
      const shows = (each) => chips.length === 0 || on.has(each.tags[1]);
      for (const each of classes) each.visible = shows(each);
      for (const each of drawings) each.visible = shows(each) && isOn(pictures);
      const visible = classes.filter((each) => each.visible);
      hovered.view.filter.indices = visible.flatMap((each) => [...each.view.filter.indices]);
    }
    function press(buttons, value) {
      for (const button of buttons) button.setAttribute("aria-pressed", String(value));
      apply();
    }

    for (const chip of chips) {
      chip.addEventListener("click", () => press([chip], !isOn(chip)));
      chip.addEventListener("dblclick", () => {
        press(chips, false);
        press([chip], true);
      });
    }
    for (const button of all("[data-all]")) {
      const found = () => chips.filter((chip) => !chip.parentElement.hidden);
      button.addEventListener("click", () => press(found(), button.dataset.all === "true"));
    }
    if (pictures !== null && drawings.length > 0) {
      pictures.hidden = false;
      pictures.addEventListener("click", () => press([pictures], !isOn(pictures)));
    }
    connectSearch(chips);
  }

  function connectSearch(chips) {
    const search = byId("class-search");
    if (search === null) return;
    search.addEventListener("input", () => {
      const wanted = search.value.trim().toLowerCase();
      for (const chip of chips) {
        const name = chip.querySelector(".chip-name").textContent.toLowerCase();
        chip.parentElement.hidden = !name.includes(wanted);
      }
    });
  }

  // With a finger, dragging over the plane is how one gets past it; pinching still zooms.
  function letTouchScroll(plane) {
    if (!matchMedia("(pointer: coarse)").matches) return;
    for (const tool of plane.toolbar.tools) if (tool.type === "PanTool") tool.active = false;
  }

  // The picture of a class is stored once, in its switch.
  function fillPictures() {
    for (const image of all("[data-picture-of]")) {
      const stored = document.querySelector(`.chip[data-class="${image.dataset.pictureOf}"] img`);
      if (stored === null) continue;
      image.src = stored.src;
      image.hidden = false;
    }
  }

  // The plane of the clusters: coloured by cluster, or by label.
  function connectColours(plane) {
    const buttons = all("[data-colours]");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === button));
        for (const each of plane.renderers) each.visible = each.tags[0] === button.dataset.colours;
      });
    }
  }

  // Canvases take their colours from the style sheet when they are painted, not when it changes.
  function followTheme(drawn) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const view of Object.values(drawn)) view.invalidate_layout();
    });
  }

  // Figures cannot be laid out anew for paper in time, so a picture of each, in the light colours,
  // is printed in its place.
  function followPrinting(drawn) {
    addEventListener("beforeprint", () => {
      document.documentElement.classList.add("printing");
      for (const details of all("details")) details.open = true;
      for (const [name, view] of Object.entries(drawn)) {
        const { canvas } = view.export("png");
        canvas.className = "paper-chart";
        byId(`figure-${name}`).after(canvas);
      }
    });
    addEventListener("afterprint", () => {
      document.documentElement.classList.remove("printing");
      for (const canvas of all(".paper-chart")) canvas.remove();
    });
  }

  fillPictures();
  draw().then((drawn) => {
    if (drawn.plane !== undefined) {
      connectSwitches(drawn.plane.model);
      letTouchScroll(drawn.plane.model);
    }
    if (drawn.clusters !== undefined) connectColours(drawn.clusters.model);
    followTheme(drawn);
    followPrinting(drawn);
    document.documentElement.dataset.drawn = "true";
  });
})();
