// Lo que el tema y myst-nb dejan en inglés y solo se oye o sale al pasar por encima.
const SPANISH = {
  "Link to this heading": "Enlace a este apartado",
  "Link to this image": "Enlace a esta imagen",
  "Toggle primary sidebar": "Mostrar u ocultar el menú",
  "Toggle secondary sidebar": "Mostrar u ocultar el índice de la página",
  "Main": "Lecciones",
  "Page": "Página",
};

document.addEventListener("DOMContentLoaded", () => {
  // Las figuras anchas se desplazan dentro de su caja: que también se pueda con el teclado.
  for (const box of document.querySelectorAll('.cell_output [style*="overflow-x"], .cell_input pre, .cell_output pre')) {
    box.tabIndex = 0;
  }
  // Lo impreso que no va en columnas (dos espacios seguidos entre palabras) se parte donde haga falta.
  for (const box of document.querySelectorAll(".cell_output pre")) {
    box.classList.toggle("seguido", !/\S {2,}\S/.test(box.textContent));
  }
  for (const attribute of ["title", "aria-label", "data-bs-original-title"]) {
    for (const node of document.querySelectorAll(`[${attribute}]`)) {
      const told = SPANISH[node.getAttribute(attribute)];
      if (told) node.setAttribute(attribute, told);
    }
  }
  // Lo plegado: myst-nb lo nombra en inglés («Toggle hidden content») y pone el mismo rótulo a una salida y al código.
  for (const summary of document.querySelectorAll("details.hide > summary")) summary.removeAttribute("aria-label");
  for (const box of document.querySelectorAll("details.hide.above-input > summary")) {
    box.querySelector(".collapsed").textContent = "Ver el código";
    box.querySelector(".expanded").textContent = "Plegar el código";
  }
});
