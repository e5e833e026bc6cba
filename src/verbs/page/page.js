"use strict";
(() => {
  const said = document.querySelector(".said");
  let quiet;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(quiet);
    quiet = setTimeout(() => { said.textContent = ""; }, 2000);
  };
  // Not every page that a registry shows may write to the clipboard: then the text is selected, to be copied by hand.
  const copy = (code) => {
    const text = code.textContent;
    const select = () => {
      getSelection().selectAllChildren(code);
      say(document.execCommand("copy") ? "Copied" : "Selected: copy it with Ctrl+C");
    };
    if (!navigator.clipboard) { select(); return; }
    navigator.clipboard.writeText(text).then(() => say("Copied"), select);
  };
  for (const code of document.querySelectorAll("code.copied")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.setAttribute("aria-label", "Copy " + code.dataset.what);
    button.addEventListener("click", () => copy(code));
    const block = code.closest("pre");
    if (block) { block.previousElementSibling.append(button); } else { code.after(button); }
  }
  for (const search of document.querySelectorAll(".search")) {
    const images = [...search.parentElement.querySelectorAll(".image")];
    const found = (image) => [...image.querySelectorAll(".name, .platform, .badge, code")];
    const texts = images.map((image) => found(image).map((part) => part.textContent).join(" ").toLowerCase());
    const input = search.querySelector("input");
    const output = search.querySelector("output");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      images.forEach((image, at) => {
        image.hidden = !words.every((word) => texts[at].includes(word));
        if (!image.hidden) { shown += 1; }
      });
      output.textContent = words.length ? shown + " of " + images.length + " images" : images.length + " images";
    });
    search.hidden = false;
  }
})();
