// Before anything is painted: light or dark as the reader chose, otherwise as the system has it.

const chosen = localStorage.getItem("cleave.theme");
if (chosen === "light" || chosen === "dark") {
  document.documentElement.dataset.theme = chosen;
}
