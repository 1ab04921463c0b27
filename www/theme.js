// Puts a theme in place before the first paint: the one that the address asks for, or the one that was chosen here. Without
// either it is the system's.
const asked = /[#&]theme=(light|dark)(?=&|$)/.exec(location.hash)?.[1];
try {
  const theme = asked ?? localStorage.getItem("theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be forbidden; then the system's theme is used.
}
