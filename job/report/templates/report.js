// Draws the figures, and connects the class switches with the planes.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];

  const MAX_MARKED = 60;
  const MAX_COUNTED = 8;

  // The figures form one document: the planes share their data, so a selection on one plane appears
  // on the other.
  async function draw() {
    const { document: doc, elements } = JSON.parse(byId("figure-data").textContent);
    const roots = {};
    for (const [root, name] of Object.entries(elements)) roots[root] = byId(`figure-${name}`);
    const item = { docid: "page", roots, root_ids: Object.keys(roots) };
    const [views] = await Bokeh.embed.embed_items({ page: doc }, [item]);
    const drawn = {};
    for (const [root, name] of Object.entries(elements)) drawn[name] = views.get_by_id(root);
    return drawn;
  }

  function connectSwitches(planes) {
    const chips = all(".chip");
    const pictures = byId("picture-switch");
    const renderers = planes.flatMap((plane) => plane.renderers);
    const tagged = (kind) => renderers.filter((renderer) => renderer.tags[0] === kind);
    const classes = tagged("class");
    const thumbnails = tagged("picture");
    const [hovered] = tagged("hover");
    const isOn = (button) => button === null || button.getAttribute("aria-pressed") === "true";

    function apply() {
      const on = new Set(chips.filter(isOn).map((chip) => Number(chip.dataset.class)));
      const isShown = (renderer) => chips.length === 0 || on.has(renderer.tags[1]);
      for (const renderer of classes) renderer.visible = isShown(renderer);
      for (const renderer of thumbnails) renderer.visible = isShown(renderer) && isOn(pictures);
      // The planes share the class views, and the view of the hover targets.
      const visible = classes.filter((renderer) => renderer.visible);
      const views = new Set(visible.map((renderer) => renderer.view));
      hovered.view.filter.indices = [...views].flatMap((view) => [...view.filter.indices]);
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
      const listed = () => chips.filter((chip) => !chip.parentElement.hidden);
      button.addEventListener("click", () => press(listed(), button.dataset.all === "true"));
    }
    if (pictures !== null && thumbnails.length > 0) {
      pictures.hidden = false;
      pictures.addEventListener("click", () => press([pictures], !isOn(pictures)));
    }
    connectSearch(chips);
  }

  function connectSearch(chips) {
    const search = byId("class-search");
    if (search === null) return;
    search.addEventListener("input", () => {
      const query = search.value.trim().toLowerCase();
      for (const chip of chips) {
        const name = chip.querySelector(".chip-name").textContent.toLowerCase();
        chip.parentElement.hidden = !name.includes(query);
      }
    });
  }

  // Lists the images that the box or lasso tool selects, to identify outliers.
  function connectMarking(plane) {
    const { data_source: source } = plane.renderers[0];
    const box = byId("marked");
    source.selected.properties.indices.change.connect(() => {
      const { indices } = source.selected;
      const { label, path, picture } = source.data;
      box.hidden = indices.length === 0;
      const byLabel = new Map();
      for (const index of indices) {
        byLabel.set(label[index], (byLabel.get(label[index]) ?? 0) + 1);
      }
      const largestFirst = [...byLabel].sort((a, b) => b[1] - a[1]);
      const counts = largestFirst.map(([name, count]) => `${name} ${count}`);
      const more = counts.length > MAX_COUNTED ? ", …" : "";
      const classes = counts.slice(0, MAX_COUNTED).join(", ");
      byId("marked-title").textContent = `Marked images: ${indices.length} (${classes}${more})`;
      const listed = [...indices].slice(0, MAX_MARKED);
      byId("marked-images").replaceChildren(
        ...listed.map((index) => markedImage(label[index], path[index], picture[index])),
      );
    });
  }

  function markedImage(label, path, picture) {
    const entry = document.createElement("li");
    if (picture !== "") {
      const image = document.createElement("img");
      Object.assign(image, { src: picture, alt: "", width: 36, height: 36 });
      entry.append(image);
    }
    for (const [name, text] of [["strong", label], ["span", path]]) {
      entry.append(Object.assign(document.createElement(name), { textContent: text }));
    }
    return entry;
  }

  // On touch screens, dragging over a plane scrolls the page; pinching still zooms.
  function letTouchScroll(plane) {
    if (!matchMedia("(pointer: coarse)").matches) return;
    for (const tool of plane.toolbar.tools) if (tool.type === "PanTool") tool.active = false;
  }

  // The page stores each class picture once, with its point.
  function fillPictures(plane) {
    const { picture } = plane.renderers[0].data_source.data;
    for (const image of all("[data-row]")) image.src = picture[Number(image.dataset.row)];
    for (const image of all("[data-picture-of]")) {
      const stored = document.querySelector(`.chip[data-class="${image.dataset.pictureOf}"] img`);
      if (stored === null) continue;
      image.src = stored.src;
      image.hidden = false;
    }
  }

  // Colours the cluster plane by cluster or by label.
  function connectColours(plane) {
    const buttons = all("[data-colours]");
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
        for (const renderer of plane.renderers) {
          renderer.visible = renderer.tags[0] === button.dataset.colours;
        }
      });
    }
  }

  // Canvases read their colours from the style sheet only when they are painted.
  function followTheme(drawn) {
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      for (const view of Object.values(drawn)) view.invalidate_layout();
    });
  }

  // Figures cannot be laid out for paper in time, so each prints as a picture in light colours.
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

  draw().then((drawn) => {
    const planes = Object.keys(drawn).filter((name) => name.startsWith("plane-"));
    const models = planes.map((name) => drawn[name].model);
    if (models.length > 0) {
      connectSwitches(models);
      connectMarking(models[0]);
      fillPictures(models[0]);
      models.forEach(letTouchScroll);
    }
    if (drawn.clusters !== undefined) connectColours(drawn.clusters.model);
    followTheme(drawn);
    followPrinting(drawn);
    document.documentElement.dataset.drawn = "true";
  });
})();
