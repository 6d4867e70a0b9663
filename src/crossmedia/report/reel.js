for (const reel of document.querySelectorAll(".reel")) {
  const [slider, step, picture] = ["input", "output", "img"].map((name) => reel.querySelector(name));
  const frames = [...reel.querySelectorAll("details img"), picture.cloneNode()];
  slider.hidden = false;
  slider.oninput = () => {
    const frame = frames[slider.value];
    picture.src = frame.src;
    picture.alt = frame.alt;
    step.value = frame.title;
    slider.setAttribute("aria-valuetext", frame.title);
  };
}
