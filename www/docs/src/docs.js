// Brings the page that is open into sight in the list of all pages, which is longer than a screen.
const contents = document.getElementById("contents");
const here = contents.querySelector("[aria-current]");
if (here) contents.scrollTop = here.offsetTop - contents.offsetTop - contents.clientHeight / 3;
